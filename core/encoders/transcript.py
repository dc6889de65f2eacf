"""What was said: words with times, and which of those that Whisper wrote are believed.

Whisper reads thirty seconds in one go, and what it has written makes it sure of what it writes next: after an English
sentence, one in a language that it does not know becomes the same sentence once more; a sentence that somebody repeats
becomes a loop, in which others get lost. Whisper tiny.en knows English alone and makes English of everything. So the
probabilities of words count where they are written first, and a piece of speech that is doubtful in a window is read
once more alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, groupby, pairwise

import numpy as np

Intervals = tuple[tuple[float, float], ...]
"""(start, end) in seconds of each stretch of speech, in order of time."""

UNDERSTOOD = 0.42  # likelihood of words: 118 of 120 English voices reach it, 16 of 160 in four other languages
UNDERSTOOD_ALONE = 0.5  # likelihood of words of a piece that was doubtful in its window
SURE = 0.7  # likelihood of words that are believed at once beside other pieces
MIN_NEW = 1 / 3  # share of the words of a piece that must be new, for them to say something about the rest
REPETITIVE = 2.4  # Whisper's own: a reading whose text packs better than this may have lost something
PIECE_PAUSE = 0.5  # seconds of a pause that parts two pieces
MAX_PIECE = 6.0  # seconds; a longer piece is parted at its longest pause, if it has one
MAX_REPEATED = 2.5  # the same where a text repeats itself: the shorter a piece, the less often it does in it
SAME = 0.8  # share of their texts that two readings of the same must have in common
PIECE_MARGIN = 0.2  # seconds around a piece that is read alone
WORD_MARGIN = 0.5  # seconds; a word farther from all detected speech than this was invented
MIN_PAUSE = 0.2  # seconds; no word reaches into a pause as long as this
ONSET = 0.25  # seconds; the first word begins with its stretch of speech if Whisper has it no later than this
MIN_MISSED = 1.0  # seconds of speech that was not understood; less is a laugh or a sigh beside words
MIN_WORD = 0.02  # seconds: what Whisper can tell apart


@dataclass(frozen=True)
class Word:
    """A spoken word: ``start`` and ``end`` in seconds, ``probability`` that Whisper gave it, in [0, 1]."""

    text: str
    start: float
    end: float
    probability: float

    @property
    def middle(self) -> float:
        """Seconds; the time of the word's step in a text sequence."""
        return (self.start + self.end) / 2


@dataclass(frozen=True)
class OtherLanguage:
    """Speech that was not understood as English. No fusion model uses it.

    Attributes:
        code: as Whisper names the language ("pl", "haw"), None where it was not recognised.
        name: in English ("Polish"), None likewise.
        probability: of the likeliest language, in [0, 1], whether it was recognised or not.
        words: in that language, in order of time, on the axis of the clip; none where it was not recognised.
    """

    code: str | None
    name: str | None
    probability: float
    words: tuple[Word, ...] = ()

    @property
    def text(self) -> str:
        """All words with single spaces between them."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class Transcript:
    """The words in order of time.

    Attributes:
        words: English ones that were understood, which the models use.
        other: what was not understood, None where there is none or nobody has looked.
    """

    words: tuple[Word, ...] = ()
    other: OtherLanguage | None = None

    @property
    def text(self) -> str:
        """All words with single spaces between them."""
        return " ".join(word.text for word in self.words)


Segment = tuple[Word, ...]
"""Words that Whisper wrote between two marks of time, usually a sentence; at least one."""


@dataclass(frozen=True)
class Reading:
    """What Whisper made of some seconds in one go.

    Attributes:
        segments: on the axis of the whole voice.
        end: mel frame where it stopped reading.
        compression_ratio: of its text, Whisper's own measure of repetition.
    """

    segments: tuple[Segment, ...]
    end: int
    compression_ratio: float


def likelihood(words: Iterable[Word]) -> float:
    """Geometric mean of the probabilities of words where they are written for the first time; 0 without any."""
    return geometric_mean(first_written(words))


def geometric_mean(words: Sequence[Word]) -> float:
    """Of the probabilities of words, each a millionth at least; 0 without any."""
    return float(np.exp(np.log([max(word.probability, 1e-6) for word in words]).mean())) if words else 0.0


def first_written(words: Iterable[Word]) -> list[Word]:
    """One word of each text, the first."""
    first: dict[str, Word] = {}
    for word in words:
        first.setdefault(plain(word.text), word)
    return list(first.values())


def plain(text: str) -> str:
    """A word in small letters without its punctuation."""
    return text.strip(" .,;:!?…\"'“”‘’()[]-").lower()


def joined(intervals: Intervals, pause: float) -> Intervals:
    """Stretches of speech, those with a shorter pause than ``pause`` seconds between them taken together."""
    found: list[tuple[float, float]] = []
    for start, end in intervals:
        if found and start - found[-1][1] < pause:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return tuple(found)


def within(intervals: Intervals, begin: float, stop: float) -> Intervals:
    """What of stretches of speech lies between two times."""
    cut = ((max(start, begin), min(end, stop)) for start, end in intervals)
    return tuple((start, end) for start, end in cut if start < end)


def pieces_of(intervals: Intervals, longest: float = MAX_PIECE) -> Intervals:
    """Speech in pieces that can be read alone: parted at its pauses, at shorter ones too where it goes on for long."""
    found: list[tuple[float, float]] = []
    for start, end in joined(intervals, PIECE_PAUSE):
        found += _parted([(s, e) for s, e in intervals if start <= s and e <= end], longest)
    return tuple(found)


def _parted(intervals: Sequence[tuple[float, float]], longest: float) -> list[tuple[float, float]]:
    start, end = intervals[0][0], intervals[-1][1]
    if end - start <= longest or len(intervals) < 2:
        return [(start, end)]
    pauses = [following - stop for (_, stop), (following, _) in pairwise(intervals)]
    at = max(range(len(pauses)), key=lambda i: (round(pauses[i], 1), -abs(i + 1 - len(intervals) / 2))) + 1
    return _parted(intervals[:at], longest) + _parted(intervals[at:], longest)


def owners(segments: Sequence[Segment], intervals: Intervals) -> list[int]:
    """Which stretch of speech, of one at least, each word of some segments belongs to; never an earlier one than the
    word before.

    Whisper knows the times of words to a tenth of a second inside a sentence. Across a pause it does not: the first
    word of a sentence may begin, the last one end seconds away, and words for which it found no time at all stand
    anywhere.
    """
    starts, ends = (np.array(side) for side in zip(*intervals, strict=True))
    found: list[int] = []
    for segment in segments:
        for i, word in enumerate(segment):
            if word.end - word.start < MIN_WORD and i:
                found.append(found[-1])
                continue
            if len(segment) > 1 and i == 0:
                start = end = word.end
            elif len(segment) > 1 and i == len(segment) - 1:
                start = end = word.start
            else:
                start, end = word.start, word.end
            shared = np.minimum(end, ends) - np.maximum(start, starts)  # seconds; negative is a distance
            found.append(int(shared.argmax()))
    return list(accumulate(found, max))


@dataclass(frozen=True)
class _Part:
    """What of a sentence was said in one piece of speech: ``words``, and those of them that were not written before."""

    piece: int
    words: Segment
    new: tuple[Word, ...]


def believed(
    readings: Sequence[Reading],
    intervals: Intervals,
    span: tuple[float, float],
    read_alone: Callable[[Sequence[tuple[float, float]]], list[list[Segment]]],
) -> list[Segment]:
    """What was understood of a window, in order of time.

    Args:
        readings: of the window, in order of time.
        intervals: speech in it, one at least.
        span: (start, end) of the window in seconds.
        read_alone: reads each of several (start, end) in seconds, without anything before it.
    """
    segments = [segment for reading in readings for segment in reading.segments]
    repetitive = any(reading.compression_ratio > REPETITIVE for reading in readings)
    pieces = pieces_of(intervals, MAX_REPEATED if repetitive else MAX_PIECE)
    if len(pieces) == 1:
        words = list(chain(*segments))  # "No! No! No!" is no loop: the surest of them count as well
        return segments if (likelihood(words) if repetitive else geometric_mean(words)) >= UNDERSTOOD else []

    sure: list[list[_Part]] = []
    doubtful: list[list[_Part]] = []
    again = set(range(len(pieces))) if repetitive else set()
    for parts in _divided(segments, pieces):
        is_sure = not repetitive and _likely(parts, SURE)
        (sure if is_sure else doubtful).append(parts)
        if not is_sure or any(geometric_mean(part.words) < SURE for part in parts):
            again |= {part.piece for part in parts}

    chosen, spans = sorted(again), around(pieces, span)
    alone = dict(zip(chosen, read_alone([spans[i] for i in chosen]), strict=True))
    parts_of = {i: [part for parts in [*sure, *doubtful] for part in parts if part.piece == i] for i in chosen}
    confirmed = {i for i in chosen if _confirmed(parts_of[i], list(chain(*alone[i])))}
    understood = {
        i: said for i, said in alone.items()
        if likelihood(chain(*said)) >= UNDERSTOOD_ALONE and (repetitive or i not in confirmed)
    }  # fmt: skip

    def own(parts: list[_Part]) -> set[int]:
        return {part.piece for part in parts} & understood.keys()

    # A sentence that is sure gives way to readings that hold nearly all of it, since these know when it was said. Where
    # they do not, all readings of its pieces are worse than it, and with them those that other sentences gave way to.
    while torn := {i for parts in sure if not _held(parts, [understood[i] for i in own(parts)]) for i in own(parts)}:
        understood = {i: said for i, said in understood.items() if i not in torn}
    kept = [part.words for parts in sure if not own(parts) for part in parts]
    kept += [
        part.words
        for part in chain(*doubtful)
        if part.piece not in understood and (part.piece in confirmed or _likely([part], UNDERSTOOD_ALONE))
    ]
    return sorted([*kept, *chain(*understood.values())], key=lambda segment: segment[0].start)


def _divided(segments: Sequence[Segment], pieces: Intervals) -> list[list[_Part]]:
    """Each sentence in parts, by the pieces in which its words were said."""
    owner = iter(owners(segments, pieces))
    written: set[str] = set()
    sentences = []
    for segment in segments:
        parts = []
        for piece, words in groupby(segment, lambda _word: next(owner)):
            said = tuple(words)
            parts.append(_Part(piece, said, tuple(w for w in first_written(said) if plain(w.text) not in written)))
            written |= _texts(said)
        sentences.append(parts)
    return sentences


def _likely(parts: Sequence[_Part], least: float) -> bool:
    """Whether enough of some words is new, and that is likely enough, for all of them to be believed."""
    words, new = (list(chain(*side)) for side in ([part.words for part in parts], [part.new for part in parts]))
    return len(new) >= MIN_NEW * len(first_written(words)) and likelihood(new) >= least


def _held(parts: Sequence[_Part], readings: Iterable[Sequence[Segment]]) -> bool:
    """Whether nearly all texts of a sentence stand in some readings."""
    texts = _texts(chain(*(part.words for part in parts)))
    return len(texts & _texts(chain(*chain(*readings)))) >= SAME * len(texts)


def _confirmed(parts: Sequence[_Part], alone: Sequence[Word]) -> bool:
    """Whether a piece read alone has nearly the same words as in its window, where Whisper was sure of them.

    What stood in its window is then the better reading, in its context. "No, no, no" for long is a loop both times,
    and how often it was said nobody knows.
    """
    before = list(chain(*(part.words for part in parts)))
    texts, again = _texts(before), _texts(alone)
    return len(texts & again) >= SAME * max(len(texts), len(again)) and geometric_mean(before) >= SURE


def _texts(words: Iterable[Word]) -> set[str]:
    return {plain(word.text) for word in words}


def around(pieces: Intervals, window: tuple[float, float]) -> Intervals:
    """Pieces with a margin, as far as the pauses around them and the window in which they lie reach."""
    edges = [window[0], *((end + start) / 2 for (_, end), (start, _) in pairwise(pieces)), window[1]]
    return tuple(
        (max(start - PIECE_MARGIN, before), min(end + PIECE_MARGIN, behind))
        for (start, end), (before, behind) in zip(pieces, pairwise(edges), strict=True)
    )


def not_understood(intervals: Intervals, words: Sequence[Word]) -> Intervals:
    """The pieces of speech in which no word was understood; none if together they are no longer than a sound."""
    missed = tuple(
        (start, end) for start, end in pieces_of(intervals) if not any(start <= word.middle <= end for word in words)
    )
    return missed if sum(end - start for start, end in missed) >= MIN_MISSED else ()


def placed(segments: Sequence[Segment], intervals: Intervals) -> tuple[Word, ...]:
    """The words of all segments that lie near speech, each within the stretch in which it was said.

    Args:
        intervals: of speech, in order of time.
    """
    near = [
        segment for segment in segments
        if any(w.start < end + WORD_MARGIN and w.end > start - WORD_MARGIN for w in segment for start, end in intervals)
    ]  # fmt: skip
    if not near:
        return ()
    stretches = joined(intervals, MIN_PAUSE)
    words, owner = list(chain(*near)), owners(near, stretches)
    return tuple(
        word
        for i, (start, end) in enumerate(stretches)
        for word in _within([w for w, o in zip(words, owner, strict=True) if o == i], start, end)
    )


def _within(words: Sequence[Word], start: float, end: float) -> list[Word]:
    """Words moved into a stretch; those for which no time is left share that of the next word, or of the last one."""
    starts, ends = (np.clip([getattr(word, side) for word in words], start, end) for side in ("start", "end"))
    starts[:1] = np.where(starts[:1] - start <= ONSET, start, starts[:1])
    timed = [*np.flatnonzero(ends - starts >= MIN_WORD), len(words)]
    first = 0
    for i in timed:
        begin, last = first, min(i, len(words) - 1)
        if i == len(words) and first:
            begin -= 1  # nothing has time behind them
        if last > begin:
            until = ends[last] if i < len(words) else end
            edges = np.linspace(starts[begin] if first else start, until, last - begin + 2)
            starts[begin : last + 1], ends[begin : last + 1] = edges[:-1], edges[1:]
        first = i + 1
    moved = zip(words, starts.tolist(), ends.tolist(), strict=True)
    return [replace(word, start=begin, end=stop) for word, begin, stop in moved]
