from actors.scaling import LATER_S, SOON_S, Scaling
from engine.clock import ManualClock

TICK_S = 5.0


def wanted(scaling: Scaling, clock: ManualClock, *, lag: int, during_s: float) -> int:
    for _ in range(int(during_s / TICK_S)):
        clock.advance(TICK_S)
        count = scaling.want(lag)
    return count


def scaling(clock: ManualClock) -> Scaling:
    return Scaling(least=2, most=4, lag_each=50, clock=clock)


def test_as_many_as_configured_while_little_waits():
    clock = ManualClock()
    assert wanted(scaling(clock), clock, lag=100, during_s=10 * LATER_S) == 2


def test_one_more_at_a_time_while_too_much_waits_and_never_more_than_the_most():
    clock = ManualClock()
    one = scaling(clock)
    assert wanted(one, clock, lag=1000, during_s=SOON_S - TICK_S) == 2
    assert wanted(one, clock, lag=1000, during_s=TICK_S) == 3
    assert wanted(one, clock, lag=1000, during_s=SOON_S) == 4
    assert wanted(one, clock, lag=1000, during_s=10 * SOON_S) == 4


def test_a_short_rush_changes_nothing():
    clock = ManualClock()
    one = scaling(clock)
    for _ in range(20):
        assert wanted(one, clock, lag=1000, during_s=SOON_S - TICK_S) == 2
        assert wanted(one, clock, lag=0, during_s=TICK_S) == 2


def test_back_to_the_least_when_nothing_has_waited_for_long():
    clock = ManualClock()
    one = scaling(clock)
    assert wanted(one, clock, lag=1000, during_s=5 * SOON_S) == 4
    assert wanted(one, clock, lag=0, during_s=LATER_S - TICK_S) == 4
    assert wanted(one, clock, lag=0, during_s=TICK_S) == 3
    assert wanted(one, clock, lag=0, during_s=5 * LATER_S) == 2
