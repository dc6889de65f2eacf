"""EmotionTTS open database: fifteen Korean speakers say five sentences in four emotions.

Layout: ``SPEAKER/SPEAKERNNNNN.{wav,opus}``, such as ``ema/ema00101.wav``: 00001 to 00005 are neutral, 00101 to 00105
happy, 00201 to 00205 angry and 00301 to 00305 sad.
"""

import re
from pathlib import Path

from core.corpora.layout import SOUNDS, ClipRecord, CorpusError, labels_of

EMOTIONS = labels_of(**{"000": "neutral", "001": "happiness", "002": "anger", "003": "sadness"})
NAME = re.compile(r"([a-z]{3})(\d{3})\d{2}")


def read_emotiontts(root: Path) -> list[ClipRecord]:
    """One record per recording; ``group`` is the speaker.

    Raises:
        CorpusError: no file with an official name, or a name with an unknown emotion.
    """
    records = []
    for path in sorted(root.glob("[a-z][a-z][a-z]/*")):
        match = NAME.fullmatch(path.stem)
        if not match or path.suffix.lower() not in SOUNDS:
            continue
        speaker, emotion = match.groups()
        if emotion not in EMOTIONS:
            raise CorpusError(f"EmotionTTS: {path} has an emotion that the corpus does not define.")
        records.append(ClipRecord(path.stem, EMOTIONS[emotion], speaker, voice=path))
    if not records:
        raise CorpusError(
            f"EmotionTTS was not found: expected files such as ema/ema00101.wav in {root} "
            "(download it from https://github.com/emotiontts/emotiontts_open_db)."
        )
    return records
