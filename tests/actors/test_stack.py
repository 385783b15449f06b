import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.embedded.folder import FolderLock, running_stack
from actors.embedded.jars import cached_jars
from actors.progress import Step
from actors.supervisor import Supervisor
from engine.config import Config, DialogueSettings, MetricsSettings, ModelSettings, WorkerSettings
from engine.transport.base import Outgoing
from engine.transport.kafka_publisher import KafkaPublisher
from engine.transport.kafka_reader import KafkaReader
from schemas.cloudevents import segment_headers
from schemas.events import DialogueEvent, EmotionEvent
from schemas.segment import Segment
from schemas.topics import DIALOGUES, SEGMENT_TYPE, SEGMENTS, TURNS

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not cached_jars(), reason="the broker's jars are not cached: python -m actors.embedded.install"),
]

CLIPS = sorted((Path(__file__).parents[2] / "simulators" / "samples").rglob("*.mp4"))
PATIENCE_S = 120.0
"""Long enough for the slowest machine; a test that succeeds never waits for it."""


class Running:
    """The stack, a producer, and every turn it has answered with."""

    def __init__(self, supervisor: Supervisor, steps: list[Step]) -> None:
        self.supervisor = supervisor
        self.steps = steps
        bootstrap = supervisor.config.broker.bootstrap
        assert bootstrap is not None
        self.publisher = KafkaPublisher(bootstrap=bootstrap)
        self.turns = KafkaReader(bootstrap=bootstrap, topics=[TURNS], from_beginning=True)
        self.dialogues = KafkaReader(bootstrap=bootstrap, topics=[DIALOGUES], from_beginning=True)
        self.sequence = 0
        self.seen: dict[str, EmotionEvent] = {}

    def say(self, dialogue_id: str, *, speaker: str = "ann") -> None:
        segment = Segment(
            dialogue_id=dialogue_id,
            id=f"{dialogue_id}-{self.sequence}",
            source="/test",
            type=SEGMENT_TYPE,
            time=datetime.now(UTC),
            datacontenttype="video/mp4",
            sequence=self.sequence,
            starttime=2.0 * self.sequence,
            endtime=2.0 * self.sequence + 2.0,
            speaker=speaker,
            role="performer",
            consent=True,
        )
        media = CLIPS[self.sequence % len(CLIPS)].read_bytes()
        self.publisher.publish([Outgoing(SEGMENTS, dialogue_id, media, segment_headers(segment))])
        self.publisher.flush()
        self.sequence += 1

    def answered(self, count: int) -> dict[str, EmotionEvent]:
        """All turns, once there are so many different ones."""
        deadline_s = monotonic() + PATIENCE_S
        while len(self.seen) < count and monotonic() < deadline_s:
            self.supervisor.wait(timeout_s=0.0)
            for record in self.turns.read(timeout_s=1.0):
                event = EmotionEvent.model_validate_json(record.value or b"")
                again = self.seen.setdefault(event.event_id, event)
                assert again == event
        assert len(self.seen) == count, [step for step in self.steps if step.status in ("failed", "restarted")]
        return self.seen

    def ended(self, dialogue_id: str) -> DialogueEvent | None:
        deadline_s = monotonic() + PATIENCE_S
        while monotonic() < deadline_s:
            for record in self.dialogues.read(timeout_s=1.0):
                event = DialogueEvent.model_validate_json(record.value or b"")
                if event.dialogue_id == dialogue_id and event.status == "ended":
                    return event
        return None


@pytest.fixture(scope="module")
def running(tmp_path_factory, checkpoint) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("stack")
    config = Config(
        data=data,
        dialogue=DialogueSettings(idle_s=20.0),
        model=ModelSettings(checkpoint=str(checkpoint)),
        workers=WorkerSettings(count=2),
        metrics=MetricsSettings(port=0),
    )
    steps: list[Step] = []
    with Supervisor(config=config, progress=steps.append) as supervisor:
        running = Running(supervisor, steps)
        yield running
        running.publisher.close()
        running.turns.close()
        running.dialogues.close()
    assert running_stack(data) is None
    # The folder is free again only when both servers have really ended.
    FolderLock(data).release()


def test_every_part_says_when_it_is_ready(running):
    ready = {step.part for step in running.steps if step.status == "ready"}
    assert ready == {"broker", "state store", "ray", "models", "worker-0", "worker-1"}


def test_every_segment_is_answered_in_the_order_of_its_dialogue(running):
    for _ in range(3):
        for dialogue_id in ("first", "second"):
            running.say(dialogue_id)
    events = running.answered(6)
    for dialogue_id in ("first", "second"):
        own = [event for event in events.values() if event.dialogue_id == dialogue_id]
        assert [event.start_s for event in own] == sorted(event.start_s for event in own)
        numbers = [event.turn for event in own if event.turn is not None]
        assert numbers == list(range(len(numbers)))
        assert {event.model_id for event in own} == {running.supervisor.model_id}
    # A segment is counted when its events are acknowledged, and so a moment after they can be read.
    deadline_s = monotonic() + PATIENCE_S
    while running.supervisor.reading().counts.get("segments") != 6:
        assert monotonic() < deadline_s


def metrics(running: Running) -> dict[str, float]:
    """By name, each metric of the stack's page summed over its labels."""
    with urlopen(f"http://127.0.0.1:{running.supervisor.config.metrics.port}/metrics") as answer:
        text = answer.read().decode()
    summed: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.labels.keys() != {"reference"}:
                assert not {"first", "second", "ann", "performer"} & set(sample.labels.values())
            summed[sample.name] = summed.get(sample.name, 0.0) + sample.value
    return summed


def test_the_page_says_of_all_workers_what_they_have_done(running):
    turns = len([event for event in running.seen.values() if event.turn is not None])
    deadline_s = monotonic() + PATIENCE_S
    while metrics(running)["turntone_consumer_lag"] > 0:
        assert monotonic() < deadline_s
    found = metrics(running)
    assert found["turntone_up"] == found["turntone_workers"] == found["turntone_workers_wanted"] == 2
    assert found["turntone_open_dialogues"] == 2
    assert found["turntone_partitions"] == running.supervisor.config.broker.partitions
    assert found["turntone_segments_total"] == 6
    assert found["turntone_turns_total"] == found["turntone_labels_total"] + found["turntone_abstained_total"] == turns
    assert found["turntone_latency_seconds_count"] == 6
    assert found["turntone_model_call_seconds_count"] > 0
    assert found["turntone_stage_seconds_sum"] > 0


def test_a_killed_worker_is_replaced_and_nothing_is_lost(running, capsys):
    before = running.supervisor.pids()
    assert set(before) == {"worker-0", "worker-1"}
    for slot, pid in before.items():
        os.kill(pid, signal.SIGKILL)
        running.say("first")
        running.say("second")
        running.answered(len(running.seen) + 2)
        assert any(step == slot for step in restarted(running))
    assert not set(before.values()) & set(running.supervisor.pids().values())
    # Ray would say it on standard output, where a program may be reading.
    assert "raylet" not in capsys.readouterr().out


def restarted(running: Running) -> list[str]:
    return [step.part for step in running.steps if step.status == "restarted"]


def test_a_dialogue_nobody_speaks_in_is_ended_by_the_timer(running):
    ended = running.ended("first")
    assert ended is not None
    assert ended.reason == "idle"
