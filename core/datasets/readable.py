"""Recordings of a corpus that can be read, and one sentence on those that cannot.

One broken file among thousands must not end a work of hours, nor may it count as a voice.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from core.corpora.layout import ClipRecord, CorpusError
from core.files import OutputError
from core.media.reader import MediaError, Voice, open_clip, shown

MOST_LEFT_OUT = 0.5  # share of the recordings: with more of them unreadable something else is wrong
NAMED = 3  # so many recordings are named in a sentence

log = logging.getLogger(__name__)

Found = TypeVar("Found")


def voice_file(record: ClipRecord) -> Path:
    """The file that holds the sound of a recording.

    Raises:
        MediaError: ``no_sound``, there is none in this copy of the corpus.
    """
    if record.voice is None:
        raise MediaError("no_sound", f"{record.id} has no sound in this copy of the corpus.")
    return record.voice


def voice_in(path: Path) -> Voice:
    """The sound of a file.

    Raises:
        MediaError: it cannot be read, or ``no_sound``, it has no sound track.
    """
    voice = open_clip(path).voice
    if voice is None:
        raise MediaError("no_sound", f"{shown(path)} has no sound track.")
    return voice


def audible(record: ClipRecord) -> Voice:
    """The sound of a recording.

    Raises:
        MediaError: it cannot be read, or holds no sound (see ``Voice.silent``).
    """
    path = voice_file(record)
    voice = voice_in(path)
    if voice.silent:
        raise MediaError("silent", f"{shown(path)} is silent.")
    return voice


def read_each(
    records: Sequence[ClipRecord], read: Callable[[ClipRecord], Found], title: str
) -> tuple[list[ClipRecord], list[Found]]:
    """What ``read`` makes of each recording, with a progress bar, and the recordings of which it makes something.

    Raises:
        CorpusError: see ``without``.
    """
    kept, found, reasons = [], [], {}
    for record in tqdm(records, desc=title):
        try:
            found.append(read(record))
            kept.append(record)
        except OutputError:
            raise  # nothing is wrong with the recording
        except (MediaError, OSError) as error:
            reasons[record.id] = str(error)
    without(reasons, records)
    return kept, found


def without(reasons: dict[str, str], records: Sequence[ClipRecord]) -> list[ClipRecord]:
    """The recordings that are left; a sentence on the others goes to the log.

    Args:
        reasons: id -> why a recording cannot be used.

    Raises:
        CorpusError: more than ``MOST_LEFT_OUT`` of them cannot.
    """
    if not reasons:
        return list(records)
    corpora = ", ".join(dict.fromkeys(r.id.partition("/")[0] for r in records if "/" in r.id)) or "The corpus"
    named = "; ".join(f"{name} ({reason.rstrip('.')})" for name, reason in list(reasons.items())[:NAMED])
    more = f"; and {len(reasons) - NAMED} more" if len(reasons) > NAMED else ""
    sentence = f"{corpora}: {len(reasons)} of {len(records)} recordings cannot be used: {named}{more}."
    if len(reasons) > MOST_LEFT_OUT * len(records):
        raise CorpusError(sentence)
    log.warning("%s %s left out.", sentence, "It is" if len(reasons) == 1 else "They are")
    return [record for record in records if record.id not in reasons]
