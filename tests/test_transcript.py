"""Which of the words that Whisper wrote are believed, and when they were said; Whisper itself is not asked here."""

from itertools import chain, pairwise

import pytest

from core.encoders.transcript import Reading, Word, believed, likelihood, pieces_of, placed, within


def said(text: str, start: float, end: float, probability: float = 0.9) -> tuple[Word, ...]:
    """A segment whose words are equally long."""
    words = text.split()
    step = (end - start) / len(words)
    return tuple(Word(w, start + i * step, start + (i + 1) * step, probability) for i, w in enumerate(words))


ALL = (0.0, 30.0)  # seconds of the window


def texts(segments) -> str:
    return " ".join(word.text for word in chain(*segments))


class Alone:
    """Answers for pieces that are read alone, by the second in which they begin; remembers which were asked for."""

    def __init__(self, **answers: tuple[str, float]):
        self.answers = {int(second.strip("s")): answer for second, answer in answers.items()}
        self.asked = []

    def __call__(self, pieces):
        self.asked += [(round(start, 2), round(end, 2)) for start, end in pieces]
        found = [(self.answers.get(int(start), ("", 0)), start, end) for start, end in pieces]
        return [[said(text, start, end, p)] if text else [] for (text, p), start, end in found]


def test_words_count_where_they_are_written_first():
    loop = [Word("the", 0, 1, 0.2), Word("top", 0, 1, 0.2), *[Word("the", 0, 1, 0.99), Word("top,", 0, 1, 0.99)] * 20]
    assert likelihood(loop) == pytest.approx(0.2)
    assert likelihood([Word("No,", 0, 1, 0.8), Word("no!", 0, 1, 0.1)]) == pytest.approx(0.8)
    assert likelihood([]) == 0


def test_a_single_piece_is_believed_or_not_as_it_is():
    alone = Alone()
    for probability, kept in ((0.5, "what a day"), (0.3, "")):
        reading = Reading((said("what a day", 0, 2, probability),), 300, 1.0)
        assert texts(believed([reading], ((0.0, 2.0),), ALL, alone)) == kept
    assert not alone.asked


def test_a_sentence_written_once_more_is_read_alone_and_what_is_no_english_is_dropped():
    """As after "I am glad" in English, a sentence in another language."""
    reading = Reading((said("I am glad.", 0, 2, 0.97), said("I am glad.", 3, 5, 0.8)), 500, 1.5)
    alone = Alone(s2=("they no if", 0.25))
    assert texts(believed([reading], ((0.0, 2.0), (3.0, 5.0)), ALL, alone)) == "I am glad."
    assert alone.asked == [(2.8, 5.2)]
    really = Alone(s2=("I am glad.", 0.9))
    assert texts(believed([reading], ((0.0, 2.0), (3.0, 5.0)), ALL, really)) == "I am glad. I am glad."


def test_sure_words_are_not_read_again():
    reading = Reading((said("I am glad.", 0, 2), said("You came home.", 3, 5)), 500, 1.0)
    alone = Alone()
    assert texts(believed([reading], ((0.0, 2.0), (3.0, 5.0)), ALL, alone)) == "I am glad. You came home."
    assert not alone.asked


def test_a_sentence_drawn_over_a_doubtful_piece_is_read_where_it_was_said():
    """Words of one sentence stand in the piece before it, which is of another language."""
    sentence = (Word("I", 0.2, 0.5, 0.2), Word("am", 0.5, 1.0, 0.4), *said("so glad today.", 3.0, 5.0, 0.98))
    alone = Alone(s0=("they no if", 0.2), s2=("I am so glad today.", 0.95))
    assert (
        texts(believed([Reading((sentence,), 500, 1.0)], ((0.0, 2.0), (3.0, 5.0)), ALL, alone)) == "I am so glad today."
    )


def test_where_a_text_repeats_itself_every_piece_is_read():
    reading = Reading((said("Go away.", 0, 1), said("Go away.", 1, 1.1), said("Go away.", 4, 5)), 500, 3.0)
    speech = ((0.0, 1.0), (1.3, 2.3), (2.6, 3.6), (3.9, 5.0))
    alone = Alone(s0=("Go away. Go away.", 0.9), s2=("Go away. Go away.", 0.9))
    assert texts(believed([reading], speech, ALL, alone)) == " ".join(["Go away."] * 4)
    assert len(alone.asked) == 2


def test_a_loop_is_kept_if_it_is_the_same_alone_and_dropped_if_it_is_not():
    once, *more = said("No, no, no, no,", 0, 2, 0.95)
    loop = (Word(once.text, once.start, once.end, 0.4), *more)  # sure of itself when it has begun
    reading = Reading((loop, said("no, no, no.", 2.7, 5, 0.95)), 500, 5.0)
    speech = ((0.0, 2.0), (2.7, 5.0))
    same = Alone(s0=("No, no, no, no, no, no,", 0.4), s2=("No, no, no,", 0.4))
    assert texts(believed([reading], speech, ALL, same)) == "No, no, no, no, no, no, no."
    assert not believed([reading], speech, ALL, Alone(s0=("I'm", 0.4), s2=("top of the", 0.2)))


def test_a_sentence_with_a_pause_after_each_word_is_not_taken_apart():
    """Single words that are read alone become others."""
    sentence = tuple(Word(w, 2.0 * i, 2.0 * i + 0.4, p) for i, (w, p) in enumerate(
        [("I", 0.8), ("do", 0.9), ("not", 0.5), ("know", 0.98), ("you.", 0.97)]
    ))  # fmt: skip
    speech = tuple((word.start, word.end) for word in sentence)
    alone = Alone(s0=("Hi.", 0.4), s1=("Do", 0.2), s3=("No.", 0.6), s5=("Oh.", 0.3), s7=("Yeah.", 0.4))
    assert texts(believed([Reading((sentence,), 900, 1.0)], speech, ALL, alone)) == "I do not know you."


def test_context_is_kept_where_a_piece_says_the_same_alone():
    texts_said = "Why did you never tell me about it?"
    reading = Reading((said(texts_said, 0, 3, 0.95), said(texts_said, 4, 7, 0.98)), 900, 2.0)
    alone = Alone(s3=("Why did you ever tell me about it?", 0.9))
    assert texts(believed([reading], ((0.0, 3.0), (4.0, 7.0)), ALL, alone)) == f"{texts_said} {texts_said}"


def test_a_reading_is_worse_than_one_of_two_sentences_and_the_other_is_not_lost():
    """The second sentence is drawn into the piece of the first one, and its beginning is missing where it is alone."""
    first, second = said("I am glad.", 0, 2, 0.95), said("came home.", 3, 5, 0.98)
    reading = Reading((first, (Word("You", 1.8, 2.2, 0.5), *second)), 500, 1.0)
    alone = Alone(s0=("I am glad.", 0.95), s2=("came home.", 0.95))
    assert texts(believed([reading], ((0.0, 2.0), (3.0, 5.0)), ALL, alone)) == "I am glad. You came home."


def test_a_piece_is_read_alone_within_its_window():
    reading = Reading((said("they no if", 10, 12, 0.3), said("or not so", 13, 15, 0.3)), 500, 1.0)
    alone = Alone()
    assert not believed([reading], ((10.0, 12.0), (13.0, 15.0)), (9.9, 15.1), alone)
    assert alone.asked == [(9.9, 12.2), (12.8, 15.1)]


def test_speech_is_parted_at_pauses_and_at_the_longest_ones_where_it_goes_on():
    assert pieces_of(((0.0, 1.0), (1.2, 2.0), (2.6, 3.0))) == ((0.0, 2.0), (2.6, 3.0))
    long = tuple((float(i), i + (0.6 if i == 4 else 0.8)) for i in range(9))
    assert pieces_of(long) == ((0.0, 4.6), (5.0, 8.8))
    assert pieces_of(((0.0, 20.0),)) == ((0.0, 20.0),), "nobody pauses"
    assert all(end - start <= 2.5 for start, end in pieces_of(long, 2.5))
    assert within(((0.0, 2.0), (3.0, 4.0), (5.0, 6.0)), 1.0, 5.0) == ((1.0, 2.0), (3.0, 4.0))


def test_words_lie_within_the_speech_in_which_they_were_said():
    sentence = (
        Word("I", 0.1, 0.6, 0.9), Word("am", 0.6, 1.2, 0.9), Word("glad", 1.2, 1.5, 0.9),
        Word("today.", 1.5, 3.9, 0.9), Word("You", 2.2, 4.2, 0.9), Word("came", 4.2, 4.5, 0.9),
        Word("home.", 4.5, 4.5, 0.9),
    )  # fmt: skip
    words = placed((sentence[:4], sentence[4:]), ((1.0, 2.0), (4.0, 5.0)))
    assert [word.text for word in words] == [word.text for word in sentence]
    spans = [(round(word.start, 2), round(word.end, 2)) for word in words]
    assert spans == [(1.0, 1.1), (1.1, 1.2), (1.2, 1.5), (1.5, 2.0), (4.0, 4.2), (4.2, 4.6), (4.6, 5.0)]
    assert all(before.end <= after.start for before, after in pairwise(words))


def test_words_for_which_there_is_no_time_share_the_whole_stretch():
    words = placed((tuple(Word(text, 3.0, 3.0, 0.9) for text in "abcd"),), ((1.0, 2.9),))
    assert [round(word.end - word.start, 3) for word in words] == [0.475] * 4 and words[0].start == 1.0


def test_a_first_word_begins_with_the_speech_unless_it_is_much_later():
    for start, moved in ((1.2, 1.0), (1.6, 1.6)):
        (word,) = placed((said("Hello", start, 1.9),), ((1.0, 2.0),))
        assert (word.start, word.end) == (moved, 1.9)


def test_what_is_far_from_all_speech_was_invented():
    segments = (said("Hello there.", 1, 2), said("Thank you.", 8, 9))
    assert [word.text for word in placed(segments, ((1.0, 2.0),))] == ["Hello", "there."]
    assert placed(segments, ()) == ()
