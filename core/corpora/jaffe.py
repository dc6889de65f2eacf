"""JAFFE (Lyons et al. 1998): photographs of ten Japanese women, six emotions and neutral.

Layout: ``WOMAN.EMOTION.NUMBER.{tiff,tif}``, such as ``KA.AN1.39.tiff``, in one folder.
"""

import re
from pathlib import Path

from core.corpora.layout import ClipRecord, CorpusError, labels_of

EMOTIONS = labels_of(AN="anger", DI="disgust", FE="fear", HA="happiness", NE="neutral", SA="sadness", SU="surprise")
NAME = re.compile(r"([A-Z]{2})\.([A-Z]{2})\d\.\d+")


def read_jaffe(root: Path) -> list[ClipRecord]:
    """One record per photograph; ``group`` is the woman.

    Raises:
        CorpusError: no file with an official name, or a name with an unknown emotion.
    """
    records = []
    for path in sorted(root.glob("*")):
        match = NAME.fullmatch(path.stem)
        if not match or path.suffix.lower() not in {".tiff", ".tif"}:
            continue
        woman, emotion = match.groups()
        if emotion not in EMOTIONS:
            raise CorpusError(f"JAFFE: {path} has an emotion that the corpus does not define.")
        records.append(ClipRecord(path.stem, EMOTIONS[emotion], woman, pictures=path))
    if not records:
        raise CorpusError(
            f"JAFFE was not found: expected files such as KA.AN1.39.tiff in {root} "
            "(ask for it at https://zenodo.org/records/3451524)."
        )
    return records
