"""Words with times -> phrases: what somebody says between two pauses, or in one sentence.

Whisper's own segments would not do: they end where a window of thirty seconds or a time mark of its own does, which
may be in the middle of a sentence. Its punctuation and the pauses between its words are better guides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.encoders.transcript import Word

PAUSE = 0.7  # seconds of silence that end a phrase, whatever the punctuation
SHORTEST = 0.5  # seconds; a sentence shorter than this goes on into the next, if no pause parts them
LONGEST = 10.0  # seconds; a longer phrase is cut in its longest pause
MARGIN = 0.2  # seconds before the first and after the last word, as far as the pause reaches
ENDS = (".", "?", "!", "…")
CLOSING = "\"'”’)]"  # may stand behind the end of a sentence
TITLES = frozenset({"mr.", "mrs.", "ms.", "dr.", "st."})  # a point that ends nothing


@dataclass(frozen=True)
class Phrase:
    """Some words in a row: ``text`` with single spaces, ``start`` and ``end`` in seconds, margins included."""

    start: float
    end: float
    text: str


def phrases_of(words: Sequence[Word], duration: float) -> tuple[Phrase, ...]:
    """The phrases of a clip of ``duration`` seconds, in order of time; they hold every word once and do not overlap."""
    if not words:
        return ()
    groups: list[list[Word]] = []
    for word in words:
        if groups and not _ends(groups[-1], word):
            groups[-1].append(word)
        else:
            groups.append([word])
    groups = [part for group in groups for part in _cut(group)]
    starts, ends = [group[0].start for group in groups], [group[-1].end for group in groups]
    # A pause belongs half to either side, but no more than the margin.
    halves = [max(start - end, 0.0) / 2 for end, start in zip(ends, starts[1:], strict=False)]
    before = [starts[0], *halves]
    after = [*halves, max(duration - ends[-1], 0.0)]
    return tuple(
        Phrase(start - min(MARGIN, left), end + min(MARGIN, right), " ".join(word.text for word in group))
        for group, start, end, left, right in zip(groups, starts, ends, before, after, strict=True)
    )


def _ends(said: list[Word], following: Word) -> bool:
    """Whether a phrase is over before the following word."""
    if following.start - said[-1].end >= PAUSE:
        return True
    text = said[-1].text.rstrip(CLOSING).lower()
    return text.endswith(ENDS) and text not in TITLES and said[-1].end - said[0].start >= SHORTEST


def _cut(group: list[Word]) -> list[list[Word]]:
    """A phrase in parts no longer than ``LONGEST``, cut in the longest pauses; one word is never cut."""
    if group[-1].end - group[0].start <= LONGEST or len(group) < 2:
        return [group]
    pauses = [after.start - before.end for before, after in pairwise(group)]
    at = max(range(len(pauses)), key=lambda i: (pauses[i], -abs(i + 1 - len(group) / 2))) + 1
    return _cut(group[:at]) + _cut(group[at:])
