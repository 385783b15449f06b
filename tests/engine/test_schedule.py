"""Waves: at most one segment of a dialogue, order kept, oldest first, no more than a wave may hold."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from engine.schedule import Backlog

Item = tuple[str, int, int]
"""Dialogue, partition, number of arrival."""

arrivals = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2)), max_size=60)


def filled(came: list[tuple[str, int]], *, wave_most: int) -> Backlog[Item]:
    backlog: Backlog[Item] = Backlog(wave_most=wave_most)
    for number, (dialogue, partition) in enumerate(came):
        backlog.add((dialogue, partition, number), dialogue_id=dialogue, partition=("t", partition))
    return backlog


def waves_of(backlog: Backlog[Item]) -> list[list[Item]]:
    waves = []
    while backlog:
        waves.append(backlog.wave())
    return waves


@given(came=arrivals, wave_most=st.integers(1, 8))
def test_everything_leaves_once_in_order_and_never_twice_of_a_dialogue(came, wave_most: int) -> None:
    waves = waves_of(filled(came, wave_most=wave_most))
    seen = defaultdict(list)
    for wave in waves:
        assert 0 < len(wave) <= wave_most
        assert len({dialogue for dialogue, _, _ in wave}) == len(wave)
        for dialogue, _, number in wave:
            seen[dialogue].append(number)
    assert sum(len(numbers) for numbers in seen.values()) == len(came)
    assert all(numbers == sorted(numbers) for numbers in seen.values())


@given(came=arrivals, wave_most=st.integers(1, 8), gone=st.integers(0, 2))
def test_a_partition_that_is_gone_leaves_nothing_behind(came, wave_most: int, gone: int) -> None:
    backlog = filled(came, wave_most=wave_most)
    backlog.drop(frozenset({("t", gone)}))
    assert len(backlog) == sum(partition != gone for _, partition in came)
    assert all(partition != gone for wave in waves_of(backlog) for _, partition, _ in wave)


def test_the_oldest_go_first_and_a_long_dialogue_starves_nobody() -> None:
    backlog = filled([("a", 0)] * 5 + [("b", 0), ("c", 0)], wave_most=2)
    assert [[number for _, _, number in wave] for wave in waves_of(backlog)] == [[0, 5], [1, 6], [2], [3], [4]]
