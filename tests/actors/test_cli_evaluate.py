from actors.cli.evaluation import alike
from schemas.events import EmotionEvent, Modalities, PolicyDecision, StateNote
from simulators.score import Answer, Share
from simulators.timeline import Sent


def answer(number, label):
    """One turn of a dialogue that was called so; None: it was withheld."""
    event = EmotionEvent(
        event_id=f"e{number}",
        dialogue_id="d",
        turn=number,
        speaker="A",
        role="performer",
        start_s=2.0 * number,
        end_s=2.0 * number + 1.5,
        label=label,
        abstained=None if label else "withheld",
        modalities=Modalities(audio=True, video=False),
        model_id="m",
        policy=PolicyDecision(allowed=label is not None, role="performer", rule="r"),
        state=StateNote(status="continued"),
    )
    return Answer(Sent("d", f"t{number}", 2.0 * number, 2.0 * number + 2.0, "A", "performer", "joy"), (event,))


def test_turns_are_compared_by_their_names_and_not_by_their_order():
    offline = [answer(0, "joy"), answer(1, "anger"), answer(2, None), answer(3, "fear")]
    served = [answer(3, "fear"), answer(2, None), answer(1, "neutral"), answer(0, "joy")]
    assert alike(offline, served) == Share(2, 3)


def test_a_turn_that_only_one_side_names_is_not_alike():
    assert alike([answer(0, "joy"), answer(1, None)], [answer(0, None), answer(1, "joy")]) == Share(0, 2)
