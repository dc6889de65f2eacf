"""EmoDB, the Berlin database of emotional speech (Burkhardt et al. 2005): ten actors, ten German lines.

Layout: ``wav/SSTTTEv.{wav,flac}`` with speaker, line, emotion and version, such as ``wav/03a01Fa.wav``.
"""

import re
from pathlib import Path

from core.corpora.layout import ClipRecord, CorpusError, labels_of

# Boredom (L) has no counterpart among the seven classes and is left out; surprise does not occur.
EMOTIONS = labels_of(W="anger", E="disgust", A="fear", F="happiness", T="sadness", N="neutral")
LINES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
NAME = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z])")


def read_emodb(root: Path) -> list[ClipRecord]:
    """One record per utterance of the six shared classes; ``group`` is the speaker.

    Raises:
        CorpusError: no file with an official name.
    """
    records = []
    for path in sorted((root / "wav").glob("*")):
        match = NAME.fullmatch(path.stem)
        if match and path.suffix.lower() in {".wav", ".flac"} and match[3] in EMOTIONS:
            records.append(
                ClipRecord(path.stem, EMOTIONS[match[3]], match[1], voice=path, text=LINES.get(match[2], ""))
            )
    if not records:
        raise CorpusError(
            f"EmoDB was not found: expected files such as wav/03a01Fa.wav in {root} "
            "(download it from http://emodb.bilderbar.info)."
        )
    return records
