"""EMOVO (Costantini et al. 2014): six Italian actors say fourteen sentences in seven emotions.

Layout: ``SPEAKER/EMOTION-SPEAKER-SENTENCE.{wav,opus}``, such as ``f1/neu-f1-b1.wav``.
"""

import re
from pathlib import Path

from core.corpora.layout import SOUNDS, ClipRecord, CorpusError, labels_of

EMOTIONS = labels_of(
    dis="disgust", gio="happiness", neu="neutral", pau="fear", rab="anger", sor="surprise", tri="sadness"
)
NAME = re.compile(r"([a-z]{3})-([fm]\d)-(\w+)")


def read_emovo(root: Path) -> list[ClipRecord]:
    """One record per recording; ``group`` is the actor, f1 to f3 and m1 to m3.

    Raises:
        CorpusError: no file with an official name, or a name with an unknown emotion.
    """
    records = []
    for path in sorted(root.glob("[fm][0-9]/*")):
        match = NAME.fullmatch(path.stem)
        if not match or path.suffix.lower() not in SOUNDS:
            continue
        emotion, speaker, _ = match.groups()
        if emotion not in EMOTIONS:
            raise CorpusError(f"EMOVO: {path} has an emotion that the corpus does not define.")
        records.append(ClipRecord(path.stem, EMOTIONS[emotion], speaker, voice=path))
    if not records:
        raise CorpusError(
            f"EMOVO was not found: expected files such as f1/neu-f1-b1.wav in {root} "
            "(download it from http://voice.fub.it/activities/corpora/emovo/index.html)."
        )
    return records
