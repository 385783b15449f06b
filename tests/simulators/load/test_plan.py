"""What a load plans: the same again for the same seed, as many calls as asked, talk as it was measured."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigurationError
from simulators.load.arrivals import arrivals
from simulators.load.conversation import AGENT, CUSTOMER, SHORTEST_S, broken_off, converse, hung_up, length_s
from simulators.load.faults import FaultRates, draw_faults
from simulators.load.manners import Quantiles, read_manners
from simulators.load.plan import LoadSettings, digest, plan, until
from simulators.load.report import call_counts

MANNERS = read_manners()
BUSY = LoadSettings(
    seconds=300.0,
    per_minute=30.0,
    churn=0.3,
    reconnects=0.3,
    faults=FaultRates(garbage=0.1, duplicate=0.1, late=0.1),
)
manner_names = st.sampled_from(sorted(MANNERS.by_name))
seeds = st.integers(0, 10_000)


def planned(load: LoadSettings):
    return tuple(plan(load, MANNERS))


def test_a_seed_plans_the_same_again_and_another_seed_something_else():
    assert planned(BUSY) == planned(BUSY)
    assert digest(planned(BUSY)) == digest(planned(BUSY)) != digest(planned(replace(BUSY, seed=1)))


def test_a_plan_stays_the_same_from_version_to_version():
    # Whoever changes what is drawn or in which order changes every measured load: that has to be on purpose.
    assert digest(planned(LoadSettings(seconds=60.0))) == "1e3c0efa"


def test_calls_arrive_at_the_rate_asked_and_independently():
    moments = list(arrivals(Random(1), per_minute=30.0, seconds=60_000.0))
    waits = np.diff(moments)
    assert len(moments) == pytest.approx(30_000, abs=4 * 30_000**0.5)
    assert waits.min() > 0
    # An exponential distribution's mean is its standard deviation, and one wait says nothing of the next.
    assert waits.std() == pytest.approx(waits.mean(), rel=0.03)
    assert abs(np.corrcoef(waits[1:], waits[:-1])[0, 1]) < 0.03


def test_a_quantile_lies_on_the_line_between_those_measured_and_never_beyond_them():
    measured = Quantiles((0.1, 0.5, 0.9), (1.0, 2.0, 6.0))
    found = [measured.at(p) for p in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)]
    assert found == pytest.approx([1.0, 1.0, 1.5, 2.0, 4.0, 6.0, 6.0])


@pytest.mark.parametrize("name", sorted(MANNERS.by_name))
def test_people_talk_for_as_long_as_was_measured(name):
    manner, rng = MANNERS.by_name[name], Random(0)
    drawn = [one.end_s - one.start_s for _ in range(400) for one in converse(rng, manner, utterances=10)]
    for probability in (0.25, 0.5, 0.75):
        assert np.quantile(drawn, probability) == pytest.approx(manner.talk_s.at(probability), rel=0.1)


@given(seed=seeds, name=manner_names, utterances=st.integers(1, 30))
def test_nobody_speaks_over_themselves_and_an_agent_answers(seed, name, utterances):
    said = converse(Random(seed), MANNERS.by_name[name], utterances=utterances)
    assert len(said) == utterances
    assert said[0].speaker == AGENT
    assert said[0].start_s == 0.0
    assert all(one.end_s - one.start_s >= SHORTEST_S - 0.001 for one in said)
    for speaker in (AGENT, CUSTOMER):
        own = [one for one in said if one.speaker == speaker]
        assert all(before.end_s < after.start_s for before, after in pairwise(own))


@given(seed=seeds, at=st.floats(0, 1))
def test_after_somebody_hung_up_nothing_is_said(seed, at):
    said = converse(Random(seed), MANNERS.by_name["call"], utterances=12)
    moment_s = at * length_s(said)
    left = hung_up(said, moment_s)
    assert length_s(left) <= moment_s + 0.001
    assert {one for one in said if one.end_s <= moment_s - 0.001} <= set(left)


@given(seed=seeds, at=st.floats(0, 1), away_s=st.floats(0, 10))
def test_while_a_line_is_away_nothing_is_heard_and_nothing_else_is_lost(seed, at, away_s):
    said = converse(Random(seed), MANNERS.by_name["call"], utterances=12)
    cut_s = at * length_s(said)
    heard = broken_off(said, cut_s=cut_s, back_s=cut_s + away_s)
    for one in heard:
        assert (one.end_s <= cut_s + 0.001) if one.connection == 0 else (one.start_s >= cut_s + away_s - 0.001)
    untouched = [one for one in said if one.end_s < cut_s or one.start_s > cut_s + away_s]
    assert len(untouched) <= len(heard) <= len(said) + 2


@given(seed=seeds, shares=st.tuples(*[st.floats(0, 0.33)] * 3), connections=st.lists(st.integers(0, 1), max_size=30))
@settings(max_examples=50)
def test_what_is_late_always_has_something_to_come_after(seed, shares, connections):
    connections = sorted(connections)
    garbage, duplicate, late = shares
    rates = FaultRates(garbage=garbage, duplicate=duplicate, late=late)
    drawn = draw_faults(Random(seed), rates, connections)
    assert len(drawn) == len(connections)
    for place, fault in enumerate(drawn):
        if fault == "late":
            following = [n for n in range(place + 1, len(drawn)) if connections[n] == connections[place]]
            assert following
            assert drawn[following[0]] != "late"


def test_rates_are_kept_and_one_does_not_move_the_others():
    calls = planned(replace(BUSY, seconds=3000.0))
    counts = call_counts(calls)
    assert counts["hung_up"] / counts["begun"] == pytest.approx(0.3, abs=0.04)
    assert counts["broke_off"] / counts["begun"] == pytest.approx(0.3, abs=0.05)
    faults = [fault for call in calls for fault in call.faults]
    assert faults.count("garbage") / len(faults) == pytest.approx(0.1, abs=0.01)
    assert faults.count("duplicate") / len(faults) == pytest.approx(0.1, abs=0.01)
    # One whose next is late itself, or that has none, comes in time.
    assert 0.07 < faults.count("late") / len(faults) < 0.1
    stayed = planned(replace(BUSY, seconds=3000.0, churn=0.0))
    finished = [call for call in calls if call.ending == "finished"]
    assert [stayed[call.number].said for call in finished] == [call.said for call in finished]


def test_the_load_is_over_when_it_was_to_be():
    calls = planned(BUSY)
    assert max(call.begin_s + call.length_s for call in calls) <= BUSY.seconds + 0.01
    assert any(call.ending == "cut short" for call in calls)


def test_a_load_that_is_stopped_has_the_calls_that_had_begun():
    calls = planned(BUSY)
    counts = call_counts(until(calls, 100.0))
    assert counts["begun"] == sum(call.begin_s < 100.0 for call in calls)
    still = sum(call.begin_s < 100.0 < call.begin_s + call.length_s for call in calls)
    assert counts["cut_short"] == still > 0
    assert until(calls, BUSY.seconds + 1.0) == calls


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"churn": 1.5}, "churn is a share"),
        ({"per_minute": 0.0}, "calls a minute has to be above 0"),
        ({"seconds": float("inf")}, "seconds has to be above 0"),
    ],
)
def test_a_load_that_cannot_be_says_why(wrong, said):
    with pytest.raises(ConfigurationError, match=said):
        LoadSettings(**wrong)


def test_faults_cannot_be_more_than_all():
    with pytest.raises(ConfigurationError, match="shares of all"):
        FaultRates(garbage=0.6, late=0.6)
