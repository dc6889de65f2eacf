"""IEMOCAP, the original release (Busso et al. 2008): five sessions of two actors each, scripted and improvised.

Layout, a session in each ``SessionK`` (the folder ``IEMOCAP_full_release`` around them may be there or not)::

    dialog/EmoEvaluation/<dialog>.txt      [6.2901 - 8.2357]<TAB>Ses01F_impro01_F000<TAB>neu<TAB>[2.5, 2.5, 2.5]
    dialog/transcriptions/<dialog>.txt     Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
    sentences/wav/<dialog>/<utterance>.wav
    dialog/avi/DivX/<dialog>.avi           both speakers side by side

The dialog ``Ses01F_...`` shows the woman in the left half of the picture and the man in the right one,
``Ses01M_...`` the other way round; ``_F000`` at the end of an utterance says that the woman speaks.
"""

import re
from pathlib import Path

from core.corpora.layout import ClipRecord, CorpusError, plain_text

CLASSES = ("angry", "excited", "happy", "sad", "frustrated", "surprise", "neutral")
"""The seven classes of the paper, in its order; labels of this corpus are indices into them."""

CODES = {code: i for i, code in enumerate(("ang", "exc", "hap", "sad", "fru", "sur", "neu"))}
SOURCE = "request the release from https://sail.usc.edu/iemocap"
LABEL = re.compile(r"\[(\d+\.\d+) - (\d+\.\d+)\]\t(Ses\d\d[FM]_\S+_[FM]\S*)\t(\w+)\t\[")
SENTENCE = re.compile(r"(Ses\d\d[FM]_\S+)\s+\[[\d.]+-[\d.]+\]:\s*(.*)")


def read_iemocap(root: Path) -> list[ClipRecord]:
    """One record per utterance of the seven classes; ``group`` is the session, which keeps speakers disjoint.

    The scripted dialogues are the same in every session: leaving a session out holds out voices and faces,
    not lines.

    Raises:
        CorpusError: sessions or files are missing, or a line of the labels cannot be read.
    """
    root = next((folder for folder in (root, root / "IEMOCAP_full_release") if (folder / "Session1").is_dir()), root)
    sessions = [root / f"Session{k}" for k in range(1, 6)]
    missing = [session.name for session in sessions if not (session / "dialog" / "EmoEvaluation").is_dir()]
    if missing:
        raise CorpusError(
            f"IEMOCAP is not complete: {root} lacks dialog/EmoEvaluation of {', '.join(missing)} ({SOURCE})."
        )
    records = [record for session in sessions for record in _read_session(session)]
    absent = [path for record in records for path in (record.voice, record.pictures) if path and not path.exists()]
    if absent:
        raise CorpusError(
            f"IEMOCAP is not complete: {len(absent)} files are missing, the first is {absent[0]} ({SOURCE})."
        )
    return records


def _read_session(session: Path) -> list[ClipRecord]:
    records = []
    for labels in sorted((session / "dialog" / "EmoEvaluation").glob("Ses*.txt")):
        dialog = labels.stem
        sentences = _read_sentences(session / "dialog" / "transcriptions" / labels.name)
        for line in labels.read_text(encoding="utf-8", errors="replace").splitlines():
            match = LABEL.match(line)
            if not match:
                if line.startswith("[") and line[1:2].isdigit():  # other lines are headings and single votes
                    raise CorpusError(f"{labels}: {line!r} is not a line of IEMOCAP's labels.")
                continue
            start, end, name, code = match.groups()
            if code not in CODES:
                continue
            in_left_half = name.rpartition("_")[2][0] == dialog[5]
            records.append(
                ClipRecord(
                    id=name,
                    label=CODES[code],
                    group=session.name,
                    voice=session / "sentences" / "wav" / dialog / f"{name}.wav",
                    pictures=session / "dialog" / "avi" / "DivX" / f"{dialog}.avi",
                    text=sentences.get(name, ""),
                    span=(float(start), float(end)),
                    half="left" if in_left_half else "right",
                )
            )
    return records


def _read_sentences(path: Path) -> dict[str, str]:
    """Utterance -> what was said."""
    if not path.exists():
        raise CorpusError(f"IEMOCAP is not complete: {path} is missing ({SOURCE}).")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {match[1]: plain_text(match[2]) for match in map(SENTENCE.match, lines) if match}
