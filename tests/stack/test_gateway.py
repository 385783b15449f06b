"""The gateway of the real stack: a recording goes in over HTTP, its turns come out, and its death is nobody else's."""

from collections.abc import Iterator
from time import monotonic

import pytest

from actors.client import Client, Heard, Refused
from engine.errors import Unavailable
from schemas.events import EmotionEvent
from tests.stack.media import VOICE
from tests.stack.processes import GATEWAY, WORKER, kill, named
from tests.stack.running import PATIENCE_S

pytestmark = pytest.mark.stack

DIALOGUE = "over-http"


@pytest.fixture
def client(running):
    with Client(running.gateway, token=running.token) as client:
        yield client


def push(client: Client, sequence: int) -> None:
    """Send a sentence, again and again until there is a gateway that takes it."""
    deadline_s = monotonic() + PATIENCE_S
    while True:
        try:
            client.push(
                DIALOGUE,
                VOICE.read_bytes(),
                content_type="audio/flac",
                sequence=sequence,
                start_s=4.0 * sequence,
                end_s=4.0 * sequence + 3.0,
                speaker="ann",
                role="performer",
                consent=True,
            )
        except (Unavailable, Refused) as error:
            if not error.retryable or monotonic() > deadline_s:
                raise
        else:
            return


def next_turn(events: Iterator[Heard]) -> EmotionEvent:
    return EmotionEvent.model_validate(next(events).event)


def test_a_recording_is_answered_and_a_gateway_that_dies_is_replaced(running, client):
    events = client.events(kinds=["turn"], dialogues=[DIALOGUE], from_beginning=True)
    push(client, 0)
    first = next_turn(events)
    assert first.label is not None
    workers, doors = named(WORKER, below_pid=running.pid), named(GATEWAY, below_pid=running.pid)
    assert len(doors) == 1
    kill(*doors)
    push(client, 1)
    second = next_turn(events)
    events.close()
    assert (first.turn, second.turn) == (0, 1)
    assert not doors & named(GATEWAY, below_pid=running.pid)
    assert named(WORKER, below_pid=running.pid) == workers
    kept = client.dialogue(DIALOGUE)
    assert [turn.event_id for turn in kept.turns] == [first.event_id, second.event_id]
    assert kept.live is not None
    assert set(kept.live.participants) == {"ann"}
