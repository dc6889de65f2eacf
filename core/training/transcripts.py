"""What of real voices is understood, right or wrong, and which languages are named, read as a visitor's clip is.

A voice whose words are *believed* gives words to the fusion models. In English all should be believed, in other
languages none: Whisper tiny.en makes English of everything.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
from whisper.normalizers import EnglishTextNormalizer

from core.corpora.layout import ClipRecord
from core.datasets.readable import voice_file, voice_in
from core.datasets.sources import sources_of
from core.encoders.languages import LanguageReader
from core.encoders.speech import Listener
from core.encoders.transcript import Transcript, not_understood
from core.media.reader import SAMPLE_RATE, Waveform

ENGLISH = {"ravdess", "tess", "crema-d"}
PAUSE = 1.0  # seconds between two voices of one recording

_english = EnglishTextNormalizer()


@dataclass(frozen=True)
class Heard:
    """What became of the voices of one corpus, or of its places in recordings of several voices.

    Attributes:
        name: of the corpus, and where its voices stood if not alone ("nemo between two of ravdess").
        voices: how many there were.
        believed: how many of them have at least one word that models use.
        wrong: words that are wrong, missing or too many, and ``words``: of how many; None where nobody knows them.
        languages: name -> voices for which it was named; "" where none was recognised.
    """

    name: str
    voices: int
    believed: int
    wrong: int | None
    words: int | None
    languages: dict[str, int]


def measure(root: Path, voices: int, seed: int = 0, together: Sequence[str] = ()) -> Iterator[Heard]:
    """Reads voices of each corpus below ``root``, then recordings of several voices with pauses between them.

    Args:
        voices: of each corpus, as many of each speaker as possible.
        together: recordings of several voices, such as "ravdess+nemo+ravdess".

    Raises:
        CorpusError: a corpus is not in its official layout.
    """
    found = {
        source.name: spread(source.records("voices", source.within(root)), voices, seed)
        for source in sources_of("voices")
        if source.within(root).is_dir()
    }
    listener, languages = Listener(), LanguageReader()
    for name, records in found.items():
        yield _heard(name, [(record, _transcribed(listener, languages, [record])[0]) for record in records])
    for recording in together:
        names = recording.split("+")
        read = []
        for i in range(voices):
            records = [found[name][(i + 7 * place) % len(found[name])] for place, name in enumerate(names)]
            read.append(list(zip(records, _transcribed(listener, languages, records), strict=True)))
        for place, name in enumerate(names):
            yield _heard(f"{recording}, {place + 1}: {name}", [each[place] for each in read])


def spread(records: Sequence[ClipRecord], count: int, seed: int) -> list[ClipRecord]:
    """At most ``count`` records, drawn in turn from all speakers."""
    chance, groups = np.random.default_rng(seed), dict[str, list[ClipRecord]]()
    for i in chance.permutation(len(records)):
        groups.setdefault(records[i].group, []).append(records[i])
    return [record for record in chain(*zip_longest(*groups.values())) if record is not None][:count]


def _transcribed(listener: Listener, languages: LanguageReader, records: Sequence[ClipRecord]) -> list[Transcript]:
    """What is written of each voice when all are heard in one recording."""
    samples = [voice_in(voice_file(record)).samples for record in records]
    pause = np.zeros(round(PAUSE * SAMPLE_RATE), np.float32)
    voice = Waveform(np.concatenate([part for each in samples for part in (each, pause)][:-1]))
    speech = listener.listen(voice, with_states=False)
    missed = not_understood(speech.intervals, speech.transcript.words)
    other = languages.read(voice, missed, speech.intervals) if missed else None
    ends = np.cumsum([len(each) + len(pause) for each in samples]) / SAMPLE_RATE - PAUSE / 2
    starts = [0.0, *ends[:-1]]
    return [
        Transcript(
            tuple(word for word in speech.transcript.words if start <= word.middle < end),
            other if any(start <= (a + b) / 2 < end for a, b in missed) else None,
        )
        for start, end in zip(starts, ends, strict=True)
    ]


def _heard(name: str, read: Sequence[tuple[ClipRecord, Transcript]]) -> Heard:
    known = [
        (normalised(record.text), normalised(transcript.text))
        for record, transcript in read
        if record.text and record.id.split("/")[0] in ENGLISH
    ]
    return Heard(
        name=name,
        voices=len(read),
        believed=sum(bool(transcript.words) for _, transcript in read),
        wrong=sum(word_errors(said, written) for said, written in known) if known else None,
        words=sum(len(said) for said, _ in known) if known else None,
        languages=dict(Counter(t.other.name or "" for _, t in read if t.other).most_common()),
    )


def normalised(text: str) -> list[str]:
    """The words of an English text, spelled in one way."""
    return _english(text).split()


def word_errors(said: Sequence[str], written: Sequence[str]) -> int:
    """How many words must be replaced, put in or taken out to make one text of the other (Levenshtein's distance)."""
    row = list(range(len(written) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(written, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]
