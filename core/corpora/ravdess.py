"""RAVDESS speech (Livingstone and Russo 2018): 24 actors, two lines, eight emotions in the studio.

Layout: ``Actor_NN/MM-VV-EE-II-SS-RR-AA.{mp4,wav,flac}`` with modality (01 sound and pictures, 02 pictures,
03 sound), channel (01 speech, 02 song), emotion, intensity, statement, repetition and actor.
"""

from pathlib import Path

from core.corpora.layout import ClipRecord, CorpusError, labels_of

# 02 is calm, the corpus's second baseline: it counts as neutral.
EMOTIONS = labels_of(
    **{"01": "neutral", "02": "neutral", "03": "happiness", "04": "sadness"},
    **{"05": "anger", "06": "fear", "07": "disgust", "08": "surprise"},
)
STATEMENTS = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
ENDINGS = {".mp4", ".wav", ".flac"}


def read_ravdess(root: Path) -> list[ClipRecord]:
    """One record per spoken utterance; ``group`` is the actor. The three versions of an utterance are one record.

    Raises:
        CorpusError: no file with an official name, or a name with an unknown code.
    """
    versions: dict[str, dict[str, Path]] = {}  # the name behind the modality -> modality -> file
    for path in sorted(root.glob("Actor_[0-9][0-9]/*")):
        if path.suffix.lower() in ENDINGS and path.stem.count("-") == 6 and not path.name.startswith("."):
            modality, _, name = path.stem.partition("-")
            versions.setdefault(name, {})[modality] = path
    records = [_record(name, files) for name, files in sorted(versions.items()) if name.startswith("01-")]
    if not records:
        raise CorpusError(
            f"RAVDESS was not found: expected files such as Actor_01/03-01-05-02-01-01-01.wav in {root} "
            "(download it from https://zenodo.org/records/1188976)."
        )
    return records


def _record(name: str, files: dict[str, Path]) -> ClipRecord:
    _, emotion, _, statement, _, actor = name.split("-")
    if emotion not in EMOTIONS or statement not in STATEMENTS or not set(files) <= {"01", "02", "03"}:
        raise CorpusError(f"RAVDESS: {next(iter(files.values()))} has a code that the corpus does not define.")
    # The version with both is preferred: its sound and pictures are in step.
    return ClipRecord(
        id=name,
        label=EMOTIONS[emotion],
        group=actor,
        voice=files.get("01", files.get("03")),
        pictures=files.get("01", files.get("02")),
        text=STATEMENTS[statement],
    )
