"""GoEmotions (Demszky et al. 2020): comments on Reddit with 27 emotions and neutral.

Layout: ``train.tsv``, ``dev.tsv``, ``test.tsv`` (text, comma-separated label numbers, id), ``labels.txt`` (names in the
order of the numbers) and ``ekman_mapping.json`` (the authors' grouping into six emotions).
"""

import json
from pathlib import Path

from core.corpora.layout import ClipRecord, CorpusError, labels_of, plain_text

# The authors' six groups are six of the seven classes; their "surprise" holds curiosity, confusion and realisation too.
EMOTIONS = labels_of(
    anger="anger",
    disgust="disgust",
    fear="fear",
    joy="happiness",
    sadness="sadness",
    surprise="surprise",
    neutral="neutral",
)


def read_goemotions(root: Path, split: str) -> list[ClipRecord]:
    """One record per comment with a single label; those with several are left out. A comment is a group of its own.

    Args:
        split: ``train``, ``dev`` or ``test``.

    Raises:
        CorpusError: a file is missing, or a row is not GoEmotions'.
    """
    table, names, groups = root / f"{split}.tsv", root / "labels.txt", root / "ekman_mapping.json"
    for path in (table, names, groups):
        if not path.exists():
            raise CorpusError(
                f"GoEmotions was not found: expected {path.name} in {root} (download it from "
                "https://github.com/google-research/google-research/tree/master/goemotions)."
            )
    group_of = {name: group for group, members in json.loads(groups.read_text("utf-8")).items() for name in members}
    label_of = [EMOTIONS[group_of.get(name, name)] for name in names.read_text("utf-8").split()]
    records = []
    for number, row in enumerate(table.read_text(encoding="utf-8").splitlines(), 1):
        cells = row.split("\t")
        if len(cells) != 3 or not all(n.isdecimal() and int(n) < len(label_of) for n in cells[1].split(",")):
            raise CorpusError(f"{table}, line {number}: expected a text, label numbers and an id.")
        text, numbers, name = cells
        if "," not in numbers:
            records.append(
                ClipRecord(f"{split}/{name}", label_of[int(numbers)], f"{split}/{name}", split, text=plain_text(text))
            )
    return records
