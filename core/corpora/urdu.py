"""URDU (Latif et al. 2018): natural speech of 38 speakers, cut from Urdu talk shows, in four emotions.

Layout: ``Emotion/SPEAKER_FILE_....wav``, such as ``Angry/SM4_F25_A077.wav``; speakers begin with SM
(men) or SF (women).
"""

import re
from pathlib import Path

from core.corpora.layout import ClipRecord, CorpusError, labels_of, recordings_in_folders

EMOTIONS = labels_of(Angry="anger", Happy="happiness", Neutral="neutral", Sad="sadness")
NAME = re.compile(r"(S[MF]\d+)_.+")


def read_urdu(root: Path) -> list[ClipRecord]:
    """One record per utterance; ``group`` is the speaker.

    Raises:
        CorpusError: no file with an official name in a folder of one of the emotions.
    """
    records = recordings_in_folders(root, EMOTIONS, NAME)
    if not records:
        raise CorpusError(
            f"URDU was not found: expected files such as Angry/SM4_F25_A077.wav in {root} "
            "(download it from https://github.com/siddiquelatif/URDU-Dataset)."
        )
    return records
