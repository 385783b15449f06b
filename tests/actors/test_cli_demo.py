import pytest

from actors.cli.demo import judge
from actors.cli.hearing import Hearing
from engine.config import Config
from engine.transport.base import Incoming
from schemas.events import DialogueEvent, EmotionEvent, Modalities, PolicyDecision, StateNote
from schemas.record import Position
from schemas.topics import DEAD_LETTERS, DIALOGUES, TURNS
from simulators.replay import Replayed
from simulators.timeline import Sent


def incoming(topic, value, headers=()):
    return Incoming(position=Position(topic=topic, partition=0, offset=0), key="r-call", value=value, headers=headers)


def turn(number, *, dialogue, role, label="joy"):
    allowed = role != "agent"
    event = EmotionEvent(
        event_id=f"{dialogue}-{number}",
        dialogue_id=dialogue,
        turn=number,
        speaker=role,
        role=role,
        start_s=2.0 * number,
        end_s=2.0 * number + 1.5,
        label=label if allowed else None,
        abstained=None if allowed else "withheld",
        modalities=Modalities(audio=True, video=dialogue == "r-meeting"),
        model_id="m",
        policy=PolicyDecision(allowed=allowed, role=role, rule="r"),
        state=StateNote(status="continued"),
    )
    return incoming(TURNS, event.model_dump_json().encode())


def sent(number, *, dialogue, role):
    return Sent(dialogue, f"t{number}", 2.0 * number, 2.0 * number + 2.0, role, role, "joy")


CALL = [("r-call", role) for role in ("agent", "customer") * 2]
MEETING = [("r-meeting", "performer")] * 2
REPLAYED = Replayed(
    sent=tuple(
        sent(n, dialogue=dialogue, role=role) for group in (CALL, MEETING) for n, (dialogue, role) in enumerate(group)
    ),
    skipped=(),
    dialogue_ids=("r-call", "r-meeting"),
)


@pytest.fixture
def heard():
    hearing = Hearing(json=False)
    for group in (CALL, MEETING):
        for number, (dialogue, role) in enumerate(group):
            hearing(turn(number, dialogue=dialogue, role=role))
    return hearing


def test_a_kept_promise_is_good_and_prints_the_accuracy(heard, capsys):
    assert judge(Config(), REPLAYED, heard)
    assert "label right                     2 of 2 (100%)" in capsys.readouterr().out


def test_a_turn_that_is_missing_is_not(heard, capsys):
    heard.events.pop()
    assert not judge(Config(), REPLAYED, heard)
    assert "r-meeting t1 was not answered" in capsys.readouterr().err


def test_a_dead_letter_is_not(heard, capsys):
    heard(incoming(DEAD_LETTERS, b"", headers=(("turntone_error", b"BadMedia: broken"),)))
    assert "dead letter of r-call: BadMedia: broken" in capsys.readouterr().err
    assert not judge(Config(), REPLAYED, heard)


def test_the_end_of_a_dialogue_is_heard(heard):
    ended = DialogueEvent(event_id="e", dialogue_id="r-call", status="ended")
    heard(incoming(DIALOGUES, ended.model_dump_json().encode()))
    assert heard.ended == {"r-call"}
