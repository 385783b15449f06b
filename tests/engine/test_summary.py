"""A speaker over a whole dialogue: what is told, that it keeps its size, and that nobody who is denied is in it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.summary import MOST_POINTS, counted, entered, erased, merged, summary_of, summed
from schemas.events import SpeakerSummary, Stretch
from schemas.labels import CIRCUMPLEX, EMOTIONS
from schemas.record import SpeakerCourse
from schemas.topics import ENDED_TYPE
from tests.engine import spoken
from tests.engine.alerts.heard import turn

LAW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
LABELS = st.none() | st.sampled_from(EMOTIONS)
TALKS = st.lists(st.tuples(LABELS, st.floats(0.1, 30.0), st.booleans()), max_size=30).map(
    lambda said: [turn(n, label, end_s=10.0 * n + seconds, late=late) for n, (label, seconds, late) in enumerate(said)]
)


def valued(*valences, seconds=4.0, **changes):
    return [turn(n, "neutral", valence=value, end_s=10.0 * n + seconds, **changes) for n, value in enumerate(valences)]


def points(*valences):
    return [(point.turn, round(point.before, 3), round(point.after, 3)) for point in told(valences).turning_points]


def told(valences):
    return summary_of(valued(*valences))


def test_shares_and_means_are_by_time_and_of_answered_turns():
    short, long = turn(0, "anger", p=1.0, end_s=1.0), turn(1, "joy", p=1.0, end_s=13.0)
    doubtful = turn(2, None, distribution=short.distribution, valence=-0.6, arousal=0.5, abstained="low_confidence")
    summary = summary_of([short, long, turn(3, None), doubtful])
    assert (summary.shares["anger"], summary.shares["joy"]) == (0.25, 0.75)
    assert summary.valence == pytest.approx(0.25 * CIRCUMPLEX["anger"][0] + 0.75 * CIRCUMPLEX["joy"][0])
    assert summary.arousal == 0.5
    assert (summary.turns, summary.seconds, summary.answered_share, summary.withheld_share) == (4, 12.0, 0.5, 0.25)


def test_who_was_withheld_has_turns_and_seconds_and_nothing_else():
    summary = summary_of([turn(0, None), turn(1, None)])
    assert summary == SpeakerSummary(turns=2, withheld=2, seconds=8.0, answered_share=0.0, withheld_share=1.0)


def test_a_turning_point_is_a_far_move_or_another_side_of_the_smoothed_valence():
    assert points(0.0, 0.0, 0.7) == [(2, 0.0, 0.35)]
    assert points(0.5, -0.6) == [(1, 0.5, -0.05)]
    assert points(0.1, -0.3) == [(1, 0.1, -0.1)], "the other side, though not far"
    assert points(0.1, -0.15) == [], "about 0 there is no side"
    assert points(0.1, -0.15, -0.175) == [(2, 0.1, -0.1)]
    assert points(0.5, 0.1, 0.1) == [(2, 0.5, 0.2)], "a slow move, counted from where it began"


def test_what_is_not_answered_turns_nothing_and_ends_no_stretch():
    first, second, third = valued(0.4, -0.6, -0.6)
    assert summary_of([first, second, third]).turned == 1
    between = summary_of([first, turn(5, None), second, turn(6, None), third])
    assert between.turned == 1
    assert between.negative == Stretch(start_s=10.0, end_s=24.0, since_turn=1, turns=2)


def test_the_longest_negative_stretch_is_the_longest_in_time():
    assert told((-0.3, -0.3, 0.0, -0.3, -0.3, -0.3)).negative == Stretch(
        start_s=30.0, end_s=54.0, since_turn=3, turns=3
    )
    assert told((-0.3, -0.3, 0.0, -0.3, -0.3)).negative.since_turn == 0, "the first of two that are equal"
    assert told((-0.05, 0.3)).negative is None


def test_the_greatest_turning_points_are_kept_and_all_are_counted():
    swinging = [(-1) ** n * min(1.0, 0.3 + n / 40) for n in range(28)]
    summary = told(swinging)
    assert summary.turned > MOST_POINTS == len(summary.turning_points)
    every = summary_of(valued(*swinging[:9])).turning_points
    moves = [abs(point.after - point.before) for point in summary.turning_points]
    assert min(moves) > max(abs(point.after - point.before) for point in every[:4])
    assert [point.turn for point in summary.turning_points] == sorted(point.turn for point in summary.turning_points)


@LAW
@given(TALKS, st.frozensets(st.integers(0, 30)))
def test_statistics_that_are_stored_on_the_way_tell_the_same(talk, stored_at):
    counts, course = SpeakerSummary(), SpeakerCourse()
    for place, event in enumerate(talk):
        counts, course = counted(counts, event), entered(course, event)
        if place in stored_at:
            course = SpeakerCourse.model_validate_json(course.model_dump_json())
    assert summed(counts, course) == summary_of(talk)


@LAW
@given(TALKS)
def test_what_is_told_is_in_its_bounds(talk):
    summary = summary_of(talk)
    again = SpeakerSummary.model_validate_json(summary.model_dump_json())
    assert again == summary
    assert summary.shares == {} or sum(summary.shares.values()) == pytest.approx(1.0, abs=1e-4)
    assert len(summary.turning_points) <= min(MOST_POINTS, summary.turned)
    answered = [event for event in talk if event.label and not event.late]
    assert (summary.negative is None) == all(event.valence > -0.1 for event in answered)
    if summary.negative is not None:
        inside = [event for event in answered if event.turn >= summary.negative.since_turn][: summary.negative.turns]
        assert all(event.valence <= -0.1 for event in inside)
        assert (inside[0].start_s, len(inside)) == (summary.negative.start_s, summary.negative.turns)


@LAW
@given(TALKS, TALKS)
def test_two_ids_of_one_speaker_add_up(first, second):
    def course(talk):
        found = SpeakerCourse()
        for event in talk:
            found = entered(found, event)
        return found

    both, all_at_once = merged(course(first), course(second)), course([*first, *second])
    for name in ("seconds", "answered_s", "rated_s", "valence_s", "arousal_s"):
        assert getattr(both, name) == pytest.approx(getattr(all_at_once, name))
    assert both.emotion_s == pytest.approx(all_at_once.emotion_s)
    assert both.turned == course(first).turned + course(second).turned
    assert erased(both) == SpeakerCourse(seconds=both.seconds)


def test_a_record_does_not_grow_with_its_turns():
    course = SpeakerCourse()
    sizes = []
    for n in range(600):
        course = entered(course, turn(n, EMOTIONS[n % 7], p=0.9))
        sizes.append(len(course.model_dump_json()))
    assert max(sizes) < 2000


def test_the_end_of_a_dialogue_tells_it_and_who_is_denied_in_between_has_no_feelings_in_it():
    said = [
        spoken.incoming(1, (10, 2.0), speaker="ann", role="customer"),
        spoken.incoming(2, (80, 1.0), speaker="bob", role="customer"),
        spoken.incoming(3, (80, 1.0), speaker="bob", role="agent"),
        spoken.incoming(4, kind=ENDED_TYPE, value=b""),
    ]
    *_, ended = spoken.life(*spoken.converse(spoken.build(), *said))
    ann, bob = ended.speakers["ann"], ended.speakers["bob"]
    assert (ann.turns, ann.seconds, ann.labels, ann.shares["joy"]) == (1, 2.0, {"joy": 1}, pytest.approx(0.7))
    assert (ann.valence, ann.arousal, ann.answered_share) == (0.5, 0.25, 1.0)
    assert (bob.turns, bob.withheld, bob.labels, bob.withheld_share) == (2, 1, {}, 0.5)
    assert (bob.shares, bob.valence, bob.turning_points, bob.negative) == ({}, None, (), None)
