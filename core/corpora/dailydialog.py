"""DailyDialog (Li et al. 2017): written everyday dialogues, each line with one of six emotions or none.

Layout: ``dialogues_PART.txt`` (a dialogue a line, its utterances ended by ``__eou__``) and
``dialogues_emotion_PART.txt`` (as many numbers), for the parts ``train``, ``validation`` and ``test``.
"""

from pathlib import Path

from core.corpora.layout import ClipRecord, CorpusError, labels_of, plain_text

EMOTIONS = labels_of(  # 0 is "no emotion", five lines of six
    **{"0": "neutral", "1": "anger", "2": "disgust", "3": "fear"},
    **{"4": "happiness", "5": "sadness", "6": "surprise"},
)


def read_dailydialog(root: Path, split: str) -> list[ClipRecord]:
    """One record per utterance; ``group`` is the dialogue. A dialogue with more lines than labels is left out.

    Args:
        split: ``train``, ``validation`` or ``test``.

    Raises:
        CorpusError: a file is missing, the two files are of different lengths, or a label is unknown.
    """
    written, felt = root / f"dialogues_{split}.txt", root / f"dialogues_emotion_{split}.txt"
    for path in (written, felt):
        if not path.exists():
            raise CorpusError(
                f"DailyDialog was not found: expected {path.name} in {root} (download it from http://yanran.li/dailydialog)."
            )
    dialogues, labels = (path.read_text(encoding="utf-8").splitlines() for path in (written, felt))
    if len(dialogues) != len(labels):
        raise CorpusError(f"{written} holds {len(dialogues)} dialogues, {felt.name} {len(labels)}.")
    records = []
    for number, (dialogue, line) in enumerate(zip(dialogues, labels, strict=True)):
        utterances = [part.strip() for part in dialogue.split("__eou__") if part.strip()]
        codes = line.split()
        if unknown := set(codes) - set(EMOTIONS):
            raise CorpusError(f"{felt}, line {number + 1}: {sorted(unknown)[0]} is none of DailyDialog's emotions.")
        if len(utterances) != len(codes):
            continue
        group = f"{split}/{number}"
        records += [
            ClipRecord(f"{group}_{i}", EMOTIONS[code], group, split, text=plain_text(text))
            for i, (text, code) in enumerate(zip(utterances, codes, strict=True))
        ]
    return records
