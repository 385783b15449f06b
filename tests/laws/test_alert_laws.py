"""What holds of the rules whatever is said, however it is cut: an alert has its reason and its rest."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.alerts.rule import MOST_WITHIN, Rule
from engine.alerts.state import MOST_SPEAKERS, AlertState, decode, encode, merged, without
from engine.alerts.watch import Fired, watch
from schemas.events import EmotionEvent
from schemas.labels import EMOTIONS
from tests.engine.alerts.heard import turn

# Drawing is slow where other work has the machine, and that says nothing about the law.
LAW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
SHARES = st.sampled_from([0.2, 0.4, 0.5, 0.7, 0.9])
LABELS = st.sampled_from(EMOTIONS)
SPEAKERS = st.sampled_from(["ann", "bob"])


@st.composite
def talks(draw):
    """Turns of two speakers; some are no answer."""
    said = draw(st.lists(st.tuples(SPEAKERS, st.none() | LABELS, SHARES), max_size=25))
    roles = {"ann": "customer", "bob": "visitor"}
    return [turn(n, label, p=p, speaker=who, role=roles[who]) for n, (who, label, p) in enumerate(said)]


@st.composite
def rules(draw):
    within = draw(st.integers(1, 5))
    slopes = st.none() | st.sampled_from([-0.3, -0.05, 0.05, 0.3])
    return Rule(
        name=draw(st.sampled_from(["a", "b", "c"])),
        roles=draw(st.sampled_from([(), ("customer",), ("visitor",)])),
        labels=draw(st.lists(LABELS, max_size=3)),
        emotions=draw(st.lists(LABELS, max_size=3, unique=True)),
        probability=draw(st.sampled_from([0.0, 0.3, 0.6])),
        valence_slope=draw(slopes) if within > 1 else None,
        valence_low=draw(st.sampled_from([None, -0.2, 0.0])),
        turns=draw(st.integers(1, within)),
        within=within,
        cooldown=draw(st.integers(0, 6)),
    )


RULES = st.lists(rules(), min_size=1, max_size=3, unique_by=lambda rule: rule.name)


def run(given_rules: list[Rule], talk: list[EmotionEvent], *, stored_at: frozenset[int] = frozenset()):
    """The alerts at every turn and the last state; where it is `stored_at` a turn, it is written and read back."""
    state, told = AlertState(), []
    for place, event in enumerate(talk):
        state, fired = watch(given_rules, state, event)
        told.append(fired)
        if place in stored_at:
            state = decode(encode(state))
    return told, state


def flat(told: list[tuple[Fired, ...]]) -> list[Fired]:
    return [one for fired in told for one in fired]


@LAW
@given(RULES, talks(), st.frozensets(st.integers(0, 25)))
def test_where_a_stream_is_cut_into_segments_makes_no_difference(given_rules, talk, cuts):
    """Between two segments there is a record that was written and read."""
    assert run(given_rules, talk, stored_at=cuts) == run(given_rules, talk)


@LAW
@given(RULES, talks())
def test_an_alert_never_comes_while_its_rule_rests(given_rules, talk):
    told, _ = run(given_rules, talk)
    for rule in given_rules:
        for speaker in ("ann", "bob"):
            answered = [event.turn for event in talk if event.speaker == speaker and event.label]
            fired = [one.evidence[-1].turn for one in flat(told) if (one.rule, one.speaker) == (rule, speaker)]
            places = [answered.index(number) for number in fired]
            assert all(later - earlier > rule.cooldown for earlier, later in pairwise(places))


@LAW
@given(RULES, talks())
def test_no_alert_without_its_evidence(given_rules, talk):
    told, _ = run(given_rules, talk)
    for event, fired in zip(talk, told, strict=True):
        said = [one for one in talk[: event.turn + 1] if one.speaker == event.speaker and one.label]
        for one in fired:
            numbers = [each.turn for each in one.evidence]
            assert numbers[-1] == event.turn
            assert set(numbers) <= {each.turn for each in said[-one.rule.within :]}
            fulfilling = [each for each in one.evidence if one.rule.fulfilled(each)]
            assert len(fulfilling) >= one.rule.turns
            assert one.rule.watches(event.role)


@LAW
@given(RULES, talks())
def test_a_rule_that_rests_is_the_only_one_that_keeps_silent(given_rules, talk):
    """Without rests, an alert comes at a turn if and only if the turns up to it, taken by themselves, call for it."""
    restless = [replace(rule, cooldown=0) for rule in given_rules]
    told, _ = run(restless, talk)
    for event, fired in zip(talk, told, strict=True):
        again, _ = run(restless, [one for one in talk[: event.turn + 1] if one.speaker == event.speaker])
        assert fired == (again[-1] if again else ())


@LAW
@given(RULES, talks())
def test_others_and_unanswered_turns_make_no_difference(given_rules, talk):
    together = flat(run(given_rules, talk)[0])
    for speaker in ("ann", "bob"):
        alone = [event for event in talk if event.speaker == speaker and event.label]
        assert [one for one in together if one.speaker == speaker] == flat(run(given_rules, alone)[0])


@LAW
@given(RULES, talks())
def test_of_who_is_taken_out_nothing_stays_and_the_others_go_on(given_rules, talk):
    _, state = run(given_rules, talk)
    left = without(encode(state), {"ann"})
    assert b"ann" not in left
    assert decode(left).speakers == {name: each for name, each in state.speakers.items() if name != "ann"}


@LAW
@given(RULES, talks())
def test_two_ids_of_one_voice_become_one_that_rests_as_long(given_rules, talk):
    _, state = run(given_rules, talk)
    after = decode(merged(encode(state), gone="ann", into="bob"))
    assert "ann" not in after.speakers
    both = [each for name in ("ann", "bob") if (each := state.speakers.get(name))]
    if both:
        joined = after.speakers["bob"]
        numbers = [each.turn for each in joined.heard]
        assert numbers == sorted(each.turn for one in both for each in one.heard)[-len(numbers) :]
        assert all(joined.resting[rule] >= turns for one in both for rule, turns in one.resting.items())


def test_the_state_is_bounded():
    rule = Rule(name="never", labels=("joy",), turns=MOST_WITHIN, within=MOST_WITHIN)
    talk = [turn(n, "anger", speaker=f"speaker-{n // 25}") for n in range(1000)]
    _, state = run([rule], talk)
    assert list(state.speakers) == [f"speaker-{n}" for n in range(40 - MOST_SPEAKERS, 40)]
    assert all(len(watched.heard) == MOST_WITHIN for watched in state.speakers.values())
    assert len(encode(state)) < 250_000
