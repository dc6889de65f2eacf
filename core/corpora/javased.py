"""Java-SED: ten Javanese actors, four sentences, six emotions, seven takes; the first take of each also on camera.

Layout: ``voices/AA-BB-CC_DD.{wav,opus}`` and ``clips/AA-BB-CC_DD.mp4`` with actor, sentence, emotion and take, such as
``clips/01-02-06_01.mp4``. A clip holds face and voice of one moment: nothing in it is composed.
"""

import re
from pathlib import Path

from core.corpora.layout import SOUNDS, ClipRecord, CorpusError, labels_of

EMOTIONS = labels_of(  # disgust does not occur
    **{"01": "neutral", "02": "sadness", "03": "happiness", "04": "surprise", "05": "fear", "06": "anger"}
)
NAME = re.compile(r"(\d\d)-\d\d-(\d\d)_\d\d")
ENDINGS = {"voices": SOUNDS, "clips": {".mp4"}}


def read_javased(root: Path, folder: str) -> list[ClipRecord]:
    """One record per file of ``folder``, "voices" or "clips"; ``group`` is the actor.

    Raises:
        CorpusError: no file with an official name, or a name with an unknown emotion.
    """
    records = []
    for path in sorted((root / folder).glob("*")):
        match = NAME.fullmatch(path.stem)
        if not match or path.suffix.lower() not in ENDINGS[folder]:
            continue
        actor, emotion = match.groups()
        if emotion not in EMOTIONS:
            raise CorpusError(f"Java-SED: {path} has an emotion that the corpus does not define.")
        pictures = path if folder == "clips" else None
        records.append(ClipRecord(path.stem, EMOTIONS[emotion], actor, voice=path, pictures=pictures))
    if not records:
        example = {"voices": "voices/01-02-06_01.wav", "clips": "clips/01-02-06_01.mp4"}[folder]
        raise CorpusError(
            f"Java-SED was not found: expected files such as {example} in {root} (ask its author for it)."
        )
    return records
