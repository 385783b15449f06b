import pytest

from schemas.events import EmotionEvent, Modalities, PolicyDecision, StateNote
from simulators.score import match, score, shortfalls
from simulators.timeline import Sent

AGENT = frozenset({"agent"})


def sent(number, *, role="customer", emotion="joy", dialogue="call"):
    start_s = 2.0 * number
    return Sent(dialogue, f"t{number}", start_s, start_s + 1.9, role.title(), role, emotion)


def event(number, *, label="joy", abstained=None, dialogue="call", video=False, revision=0, span=None):
    start_s, end_s = span or (2.0 * number + 0.1, 2.0 * number + 1.8)
    return EmotionEvent(
        event_id=f"{dialogue}-{number}-{revision}",
        dialogue_id=dialogue,
        turn=number,
        speaker="x",
        start_s=start_s,
        end_s=end_s,
        label=label,
        abstained=abstained,
        modalities=Modalities(audio=True, video=video),
        model_id="m",
        policy=PolicyDecision(allowed=abstained != "withheld", rule="r"),
        state=StateNote(status="continued"),
        revision=revision,
    )


def withheld(number):
    return event(number, label=None, abstained="withheld")


def call():
    """Ten turns of a customer, with one of an agent after each."""
    return [sent(n, role="agent" if n % 2 else "customer") for n in range(20)]


def answers_to_call():
    return [withheld(n) if n % 2 else event(n) for n in range(20)]


def test_a_kept_promise_has_no_shortfall():
    meeting = [sent(n, role="performer", dialogue="meeting") for n in range(4)]
    seen = [event(n, dialogue="meeting", video=True) for n in range(4)]
    answers = match([*call(), *meeting], [*answers_to_call(), *seen])
    assert shortfalls(answers, denied=AGENT, both_in=frozenset({"meeting"})) == ()


def test_an_unanswered_turn_is_named():
    answers = match(call(), answers_to_call()[:-2])
    problems = shortfalls(answers, denied=AGENT, both_in=frozenset())
    assert "call t18 was not answered" in problems
    assert "call t19 was not answered" in problems


def test_withheld_turns_are_exactly_the_denied_ones():
    events = answers_to_call()
    events[0], events[1] = withheld(0), event(1)
    problems = shortfalls(match(call(), events), denied=AGENT, both_in=frozenset())
    assert problems == ("call t0 (customer) was withheld", "call t1 (agent) was not withheld")


@pytest.mark.parametrize(("abstained", "kept"), [(1, True), (2, False)])
def test_nine_of_ten_allowed_turns_need_a_label(abstained, kept):
    events = answers_to_call()
    for n in range(abstained):
        events[2 * n] = event(2 * n, label=None, abstained="low_confidence")
    problems = shortfalls(match(call(), events), denied=AGENT, both_in=frozenset())
    assert (problems == ()) == kept


@pytest.mark.parametrize(("unseen", "kept"), [(2, True), (3, False)])
def test_four_of_five_turns_of_the_meeting_are_seen_and_heard(unseen, kept):
    meeting = [sent(n, role="performer", dialogue="meeting") for n in range(10)]
    events = [event(n, dialogue="meeting", video=n >= unseen) for n in range(10)]
    problems = shortfalls(match(meeting, events), denied=AGENT, both_in=frozenset({"meeting"}))
    assert (problems == ()) == kept


def test_the_last_revision_counts():
    (answer,) = match([sent(0)], [event(0, label="fear"), event(0, label="joy", revision=1)])
    assert [each.label for each in answer.events] == ["joy"]


def test_several_turns_of_one_utterance_are_judged_by_the_longest():
    events = [event(0, label="fear", span=(0.0, 0.5)), event(1, label="joy", span=(0.6, 1.9))]
    (answer,) = match([sent(0)], events)
    assert len(answer.events) == 2
    assert answer.label == "joy"


def test_events_of_other_dialogues_answer_nothing():
    (answer,) = match([sent(0)], [event(0, dialogue="other")])
    assert answer.events == ()


def test_figures():
    truth = [sent(0), sent(1, role="agent"), sent(2, emotion="anger"), sent(3), sent(4, emotion=None)]
    events = [event(0), withheld(1), event(2, label="joy"), event(3, label=None, abstained="low_confidence"), event(4)]
    figures = score(match(truth, events))
    assert str(figures.answered) == "5 of 5 (100%)"
    assert (figures.withheld.count, figures.labelled.count, figures.labelled.of) == (1, 3, 4)
    assert (figures.correct.count, figures.correct.of) == (1, 2)
    assert {label: share.value for label, share in figures.by_label.items()} == {"joy": 1.0, "anger": 0.0}
