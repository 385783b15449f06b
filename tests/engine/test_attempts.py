"""Who runs alone, and when the attempts are spent."""

from dataclasses import dataclass

from engine.attempts import Attempts
from engine.state.memory import MemoryStore
from schemas.record import Position


@dataclass(frozen=True)
class Begun:
    position: Position
    attempts: int = 0


def at(offset: int, *, partition: int = 0) -> Position:
    return Position(topic="t", topic_id="one", partition=partition, offset=offset)


def owner(store: MemoryStore, *, wave_most: int = 2) -> Attempts:
    return Attempts(store=store, most=3, wave_most=wave_most, ttl_s=60.0)


def test_a_segment_that_was_begun_alone_runs_alone_again() -> None:
    attempts = owner(MemoryStore())
    assert not attempts.alone(Begun(at(1)))
    assert attempts.alone(Begun(at(1), attempts=1))


def test_a_segment_that_failed_in_company_runs_alone() -> None:
    attempts = owner(MemoryStore())
    attempts.suspect(at(1))
    assert attempts.alone(Begun(at(1)))
    attempts.conclude([at(1)])
    assert not attempts.alone(Begun(at(1)))


def test_an_owner_who_begins_where_another_never_got_past_is_wary_of_as_many_as_a_wave_holds() -> None:
    store = MemoryStore()
    owner(store).enter(at(5))
    second = owner(store)
    second.enter(at(5))
    assert [second.alone(Begun(at(offset))) for offset in (5, 6, 7)] == [True, True, False]
    assert not second.alone(Begun(at(5, partition=1)))


def test_progress_or_an_orderly_hand_over_leaves_nothing_to_suspect() -> None:
    store = MemoryStore()
    first = owner(store)
    first.enter(at(5))
    second = owner(store)
    second.enter(at(6))
    assert not second.alone(Begun(at(6)))
    second.leave([("t", 0)])
    third = owner(store)
    third.enter(at(6))
    assert not third.alone(Begun(at(6)))


def test_the_mark_of_a_partition_is_no_attempt_of_its_first_segment() -> None:
    store = MemoryStore()
    owner(store).enter(at(5))
    assert store.load([], attempts_of=[at(5)]).attempts == {at(5): 0}


def test_a_beginning_counts_once_until_it_has_failed() -> None:
    store = MemoryStore()
    attempts = owner(store)
    one = Begun(at(1))
    assert [attempts.begin(one), attempts.begin(one)] == [1, 1]
    attempts.failed(at(1))
    assert attempts.begin(one) == 2


def test_attempts_are_spent_only_if_others_made_them() -> None:
    store = MemoryStore()
    attempts = owner(store)
    for _ in range(2):
        owner(store).begin(Begun(at(1)))
    assert not attempts.spent(Begun(at(1), attempts=2))
    assert attempts.begin(Begun(at(1), attempts=2)) == 3
    assert not attempts.spent(Begun(at(1), attempts=3))
    assert owner(store).spent(Begun(at(1), attempts=3))


def test_what_is_lost_is_forgotten_here_and_kept_in_the_store() -> None:
    store = MemoryStore()
    attempts = owner(store)
    attempts.begin(Begun(at(1)))
    attempts.suspect(at(1))
    attempts.lose([("t", 0)])
    assert not attempts.alone(Begun(at(1)))
    assert store.load([], attempts_of=[at(1)]).attempts == {at(1): 1}
