"""The buffer between two threads: who waits, what goes, and what is said of it."""

from threading import Thread

from engine.ingest.buffer import Buffer


def buffer(*, waits=False, most=3.0, lost=None):
    return Buffer(
        limits={"a": most, "b": 2.0},
        measure=lambda item: (item[0], float(item[1])),
        waits=waits,
        dropped=(lost if lost is not None else []).append,
    )


def test_first_in_first_out():
    queue = buffer()
    for item in (("a", 1), ("b", 1), ("a", 2)):
        assert queue.put(item)
    assert queue.get() == [("a", 1)]
    assert queue.get(most=5) == [("b", 1), ("a", 2)]


def test_the_oldest_of_the_same_kind_goes_and_is_told():
    lost: list = []
    queue = buffer(lost=lost)
    for item in (("b", 2), ("a", 2), ("a", 1), ("a", 1.5)):
        assert queue.put(item)
    assert lost == [("a", 2)]
    assert queue.get(most=9) == [("b", 2), ("a", 1), ("a", 1.5)]


def test_one_item_is_taken_however_large():
    lost: list = []
    queue = buffer(lost=lost)
    assert queue.put(("a", 99))
    assert queue.put(("a", 98))
    assert lost == [("a", 99)]


def test_a_writer_that_waits_loses_nothing():
    queue, given = buffer(waits=True), [("a", 1 + n % 3) for n in range(200)]

    def write():
        for item in given:
            queue.put(item)
        queue.close()

    writer = Thread(target=write)
    writer.start()
    taken, held = [], []
    while items := queue.get(most=2):
        taken += items
        held.append(sum(size for _, size in items))
    writer.join()
    assert taken == given
    assert max(held) <= 3


def test_closing_frees_both_sides_and_keeps_what_is_there():
    queue = buffer(waits=True)
    queue.put(("a", 3))
    answers = []
    writer = Thread(target=lambda: answers.append(queue.put(("a", 3))))
    writer.start()
    queue.close()
    writer.join()
    assert answers == [False]
    assert queue.get() == [("a", 3)]
    assert queue.get() == []
