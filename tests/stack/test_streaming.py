"""Streams into the real stack: what goes in as sound comes out as turns."""

import json
import os
import signal
import subprocess
import sys
from time import monotonic

import numpy as np
import pytest

from engine.media.decode import decode_span
from engine.transport.kafka_reader import KafkaReader
from schemas.events import DialogueEvent, EmotionEvent
from schemas.topics import DEAD_LETTERS, DIALOGUES, TURNS
from simulators.samples import CALL, MEETING
from tests.stack.running import PATIENCE_S

pytestmark = pytest.mark.stack

TURNTONE = [sys.executable, "-c", "import sys; from actors.cli import main; sys.exit(main())"]


@pytest.fixture
def environment(running):
    return {**os.environ, "TURNTONE_DATA": str(running.folder)}


def turns_of(dialogue_id: str, bootstrap: str) -> list[EmotionEvent]:
    """All turns of a dialogue, once it is over."""
    reader = KafkaReader(bootstrap=bootstrap, topics=[TURNS, DIALOGUES, DEAD_LETTERS], from_beginning=True)
    deadline_s, turns, ended = monotonic() + PATIENCE_S, {}, False
    try:
        while monotonic() < deadline_s and not ended:
            for record in reader.read(timeout_s=1.0):
                if record.key != dialogue_id:
                    continue
                assert record.position.topic != DEAD_LETTERS, dict(record.headers)
                if record.position.topic == TURNS:
                    event = EmotionEvent.model_validate_json(record.value)
                    turns[event.event_id] = event
                elif DialogueEvent.model_validate_json(record.value).status == "ended":
                    ended = True
    finally:
        reader.close()
    assert ended
    return list(turns.values())


def test_a_clip_is_heard_and_seen(running, environment):
    arguments = ["stream", str(MEETING / "bbaf2n.mp4"), "--dialogue", "streamed-clip", "--role", "performer"]
    done = subprocess.run(
        [*TURNTONE, *arguments, "--consent", "--json"], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    sent = [json.loads(line) for line in done.stdout.splitlines()]
    turns = turns_of("streamed-clip", running.bootstrap)
    assert len(sent) == 1
    assert all(turn.distribution is not None for turn in turns)
    assert any(turn.modalities.audio and turn.modalities.video for turn in turns)
    assert all(sent[0]["starttime"] <= turn.start_s < turn.end_s <= sent[0]["endtime"] + 0.1 for turn in turns)


def test_a_pipe_that_is_stopped_in_the_middle_loses_nothing(running, environment):
    first, second = (decode_span(path).audio for path in sorted(CALL.glob("*.flac"))[:2])
    pause = np.zeros(16_000, dtype=np.float32)
    samples = np.concatenate([pause, first, pause, second[:24_000]])
    arguments = ["stream", "-", "--dialogue", "streamed-pipe", "--channel", "0=ann:performer", "--consent", "--json"]
    with subprocess.Popen(
        [*TURNTONE, *arguments], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as streaming:
        streaming.stdin.write(np.rint(samples * 32767).astype("<i2").tobytes())
        streaming.stdin.flush()
        heard = json.loads(streaming.stdout.readline())
        # The second sentence is still open, and standard input too.
        streaming.send_signal(signal.SIGINT)
        rest = [json.loads(line) for line in streaming.stdout.read().splitlines()]
        streaming.stdin.close()
    assert streaming.returncode == 0
    assert heard["speaker"] == "ann"
    assert rest[-1]["endtime"] > len(samples) / 16_000 - 1.0
    turns = turns_of("streamed-pipe", running.bootstrap)
    assert {turn.speaker for turn in turns} == {"ann"}
    assert len(turns) >= 1 + len(rest)
    assert all(turn.distribution is not None for turn in turns)
