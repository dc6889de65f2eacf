"""ASED (Retta et al. 2022): 65 speakers of Amharic in five emotions, kept where five of eight judges agreed.

Layout: ``NNEmotion/eN-SS-RR-GG-PP.{wav,opus}``, such as ``05Angry/a5-03-01-02-50.wav``; GG is 01 for women and 02
for men, PP the speaker.
"""

import re
from pathlib import Path

from core.corpora.layout import ClipRecord, CorpusError, labels_of, recordings_in_folders

EMOTIONS = labels_of(  # neither disgust nor surprise occurs
    **{"01Neutral": "neutral", "02Fearful": "fear", "03Happy": "happiness", "04Sad": "sadness", "05Angry": "anger"}
)
NAME = re.compile(r"[a-zA-Z]\d-\d+-\d+-0[12]-(\d+)")


def read_ased(root: Path) -> list[ClipRecord]:
    """One record per recording; ``group`` is the speaker's number.

    Raises:
        CorpusError: no file with an official name in a folder of one of the emotions.
    """
    records = recordings_in_folders(root, EMOTIONS, NAME)
    if not records:
        raise CorpusError(
            f"ASED was not found: expected files such as 05Angry/a5-03-01-02-50.wav in {root} "
            "(download it from https://github.com/Ethio2021/ASED_V1)."
        )
    return records
