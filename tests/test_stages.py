"""Work that goes on beside other work: nothing is lost, changed or left running, and errors come through."""

import threading
from contextlib import closing

import numpy as np
import pytest

from core.cancellation import cancellation_scope, raise_if_cancelled
from core.encoders.stages import BATCHES_AHEAD, CROPS_AT_A_TIME, Embedding, ahead
from demo.language import current, speaking
from demo.server.intermediate import intermediate_results

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


class Enough(Exception):
    """What ends the work in these tests."""


def test_items_come_in_order_and_no_more_than_a_few_before_they_are_asked_for():
    made = []

    def items():
        for i in range(20):
            made.append(i)
            yield i

    for i, item in enumerate(ahead(items(), 3)):
        assert item == i
        assert len(made) <= i + 1 + 3 + 1, "those that wait, and one that waits to wait"
    assert made == list(range(20))
    assert list(ahead([])) == []


def test_who_leaves_ends_the_work_and_what_it_has_opened():
    closed = []

    def items():
        try:
            yield from range(1_000)
        finally:
            closed.append(threading.current_thread())

    with closing(ahead(items())) as coming:
        assert next(coming) == 0
    assert len(closed) == 1 and closed[0] is not threading.current_thread()


def test_an_error_comes_behind_what_was_made_before_it():
    def items():
        yield from range(3)
        raise Enough

    got = []
    with pytest.raises(Enough):
        got.extend(item for item in ahead(items()))
    coming = ahead(items())
    assert [next(coming) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Enough):
        next(coming)


def test_the_work_can_be_called_off_from_outside():
    def check():
        checks.append(None)
        if len(checks) == 5:
            raise Enough

    def items():
        while True:
            raise_if_cancelled()
            yield None

    checks: list[None] = []
    with pytest.raises(Enough), cancellation_scope(check):
        for _ in ahead(items()):
            pass
    assert len(checks) == 5


def crops(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (count, 48, 48), np.uint8)


def test_crops_are_embedded_in_batches_each_once_whatever_was_added():
    sizes = []

    def embed(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return batch.reshape(len(batch), -1)[:, :4].astype(np.float32)

    all_ = crops(5 * CROPS_AT_A_TIME + 3)
    with Embedding(embed) as embedding:
        for crop in all_[:40]:
            embedding.add(crop)
            embedding.add(crop.copy())
        wanted = all_[[3, 70, 3, 0, *range(39, 83)]]
        np.testing.assert_array_equal(embedding.of(wanted), embed(wanted))
        sizes.pop()
        np.testing.assert_array_equal(embedding.of(wanted[::-1]), embed(wanted[::-1]))
        sizes.pop()
    assert sizes == [16, 16, 16, 16, 16, 3] and sum(sizes) == len(all_)


def test_few_crops_wait_and_what_embeds_them_may_fail():
    go = threading.Event()

    def embed(batch: np.ndarray) -> np.ndarray:
        assert go.wait(10)
        raise Enough

    with pytest.raises(Enough), Embedding(embed) as embedding:
        later = threading.Timer(0.2, go.set)
        later.start()
        for i, crop in enumerate(crops((BATCHES_AHEAD + 2) * CROPS_AT_A_TIME)):
            assert go.is_set() or i < (BATCHES_AHEAD + 1) * CROPS_AT_A_TIME
            embedding.add(crop)
    later.join()


def test_called_off_crops_are_not_embedded():
    def check():
        raise Enough

    with Embedding(lambda batch: pytest.fail("nobody waits for it")) as embedding:
        with pytest.raises(Enough), cancellation_scope(check):
            embedding.of(crops(1))


def collected(results) -> tuple[list, object]:
    """What a generator yields, and what it returns."""
    yielded = []
    while True:
        try:
            yielded.append(next(results))
        except StopIteration as end:
            return yielded, end.value


def test_results_on_the_way_come_while_the_work_goes_on_in_the_visitors_language():
    seen = threading.Event()

    def work(hand_on):
        hand_on(current())
        assert seen.wait(60)
        hand_on(2)
        return 3

    with speaking("de"):
        results = intermediate_results(work)
        assert next(results) == "de"
        seen.set()
        assert collected(results) == ([2], 3)
    assert collected(intermediate_results(lambda hand_on: 4)) == ([], 4)


def test_what_work_raises_comes_behind_its_results():
    def work(hand_on):
        hand_on(1)
        raise Enough

    results = intermediate_results(work)
    assert next(results) == 1
    with pytest.raises(Enough):
        next(results)


def test_work_is_not_waited_for_by_who_leaves():
    left, threads = threading.Event(), []

    def work(hand_on):
        threads.append(threading.current_thread())
        hand_on(1)
        assert left.wait(60)

    results = intermediate_results(work)
    next(results)
    results.close()
    assert threads[0].is_alive()
    left.set()
    threads[0].join(60)
