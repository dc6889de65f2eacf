"""TESS (Pichora-Fuller and Dupuis 2020): two women of 64 and 26 years say "Say the word ..." in seven emotions.

Layout: ``SPEAKER_WORD_EMOTION.{wav,flac,opus}``, such as ``OAF_back_angry.wav``, in one folder or in one for each
speaker and emotion.
"""

import re
from pathlib import Path

from core.corpora.layout import SOUNDS, ClipRecord, CorpusError, labels_of
from core.paths import visible_files

EMOTIONS = labels_of(
    angry="anger",
    disgust="disgust",
    fear="fear",
    happy="happiness",
    neutral="neutral",
    sad="sadness",
    ps="surprise",  # "pleasant surprise"
)
# The release has slips: "OA_bite_neutral.wav" among the older speaker's files.
NAME = re.compile(r"(OAF?|YAF?)_(\w+)_([a-z]+)")


def read_tess(root: Path) -> list[ClipRecord]:
    """One record per utterance; ``group`` is the speaker, OAF (older) or YAF (younger).

    Raises:
        CorpusError: no file with an official name, or a name with an unknown emotion.
    """
    records = []
    for path in visible_files(root, unreadable=[]):
        match = NAME.fullmatch(path.stem)
        if not match or path.suffix.lower() not in SOUNDS:
            continue
        speaker, word, emotion = match.groups()
        if emotion not in EMOTIONS:
            raise CorpusError(f"TESS: {path} has an emotion that the corpus does not define.")
        text = f"Say the word {word}."
        records.append(ClipRecord(path.stem, EMOTIONS[emotion], speaker[:2] + "F", voice=path, text=text))
    if not records:
        raise CorpusError(
            f"TESS was not found: expected files such as OAF_back_angry.wav in {root} "
            "(download it from https://doi.org/10.5683/SP2/E8H2MF)."
        )
    return records
