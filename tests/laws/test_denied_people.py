"""Nothing of a denied person reaches anything that is written: what they say could be anything else."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from engine import snapshot
from engine.alerts.state import decode as decode_alerts
from engine.build import InProcess, build_in_process
from engine.clock import SystemClock
from engine.config import AlertRule, AlertSettings, read_config
from engine.media.base import Limits
from engine.media.decode import decode
from engine.metrics import Figures
from engine.state.codec import decode_record, encode_record
from engine.transport.base import Outgoing
from engine.transport.memory import MemoryPublisher
from schemas.cloudevents import read_segment
from schemas.events import AlertEvent, DialogueEvent, EmotionEvent
from schemas.labels import EMOTIONS
from schemas.topics import ALERTS, DEAD_LETTERS, DIALOGUES, SEGMENTS, STATES, TURNS
from simulators.folder import open_corpus
from simulators.replay import Replay

CALL = Path(__file__).parents[2] / "simulators" / "samples" / "call"
RULE = AlertRule(name="any", labels=frozenset(EMOTIONS), cooldown=0)
WRITTEN = (TURNS, DIALOGUES, ALERTS, DEAD_LETTERS, STATES)


class Swapping:
    """A publisher that puts other media into the agent's segments."""

    def __init__(self, publisher: MemoryPublisher, media: bytes | None) -> None:
        self._publisher = publisher
        self._media = media

    def publish(self, records: Sequence[Outgoing]) -> None:
        self._publisher.publish([self._swapped(record) for record in records])

    def flush(self) -> None:
        self._publisher.flush()

    def close(self) -> None:
        self._publisher.close()

    def _swapped(self, record: Outgoing) -> Outgoing:
        if self._media is None or read_segment(record.key, record.headers).role != "agent":
            return record
        return Outgoing(topic=record.topic, key=record.key, value=self._media, headers=record.headers)


def play(agent_says: bytes | None) -> InProcess:
    engine = build_in_process(read_config(alerts=AlertSettings(rules=(RULE,))), metrics=Figures())
    publisher = Swapping(MemoryPublisher(broker=engine.broker), agent_says)
    Replay(
        publisher=publisher,
        clock=SystemClock(),
        wait=lambda seconds: None,
        report=lambda sent: None,
        run="law",
        speed=None,
    ).play(open_corpus(CALL))
    end = engine.broker.end((SEGMENTS, 0))
    while engine.broker.committed("turntone").get((SEGMENTS, 0), 0) < end:
        engine.loop.turn()
    engine.close()
    return engine


def values(engine: InProcess, topic: str) -> list[bytes]:
    return [record.value or b"" for record in engine.broker.records(topic)]


def states(engine: InProcess) -> list[bytes]:
    return [decode_record(value).state for value in values(engine, STATES)]


def record(engine: InProcess):
    return engine.store.load(["law-call"]).records["law-call"]


@pytest.fixture(scope="module")
def plain() -> InProcess:
    return play(None)


def test_what_a_denied_person_says_changes_no_byte_of_any_event(plain):
    for other in (b"this is no media at all", (CALL / "14b10Eb.flac").read_bytes()):
        swapped = play(other)
        for topic in (TURNS, DIALOGUES, ALERTS, DEAD_LETTERS):
            assert values(swapped, topic) == values(plain, topic)
        assert states(swapped) == states(plain)


def test_neither_bytes_nor_samples_of_a_denied_voice_are_written(plain):
    written = b"".join(
        part
        for topic in WRITTEN
        for r in plain.broker.records(topic)
        for part in (r.value or b"", *(value for _, value in r.headers))
    )
    written += encode_record(record(plain))
    for clip in CALL.glob("12*.flac"):
        encoded = clip.read_bytes()
        samples = decode(encoded, content_type="audio/flac", limits=Limits()).audio
        middle = len(samples) // 2
        loud = samples[middle : middle + 400]
        pcm = (loud * 32767).round().astype("<i2")
        assert encoded[len(encoded) // 2 :][:32] not in written
        assert loud[:16].tobytes() not in written
        assert pcm[:16].tobytes() not in written


def test_a_denied_person_has_turns_and_nothing_else(plain):
    events = [EmotionEvent.model_validate_json(value) for value in values(plain, TURNS)]
    agent = [event for event in events if event.role == "agent"]
    assert len(agent) == 12
    assert all(event.abstained == "withheld" and event.turn is not None for event in agent)
    assert all(event.distribution is None and event.weights is None and event.confidence is None for event in agent)
    alerts = [AlertEvent.model_validate_json(value) for value in values(plain, ALERTS)]
    assert [alert.turn for alert in alerts] == [event.turn for event in events if event.label]
    assert {alert.role for alert in alerts} == {"customer"}
    watched = [decode_alerts(decode_record(value).alerts) for value in values(plain, STATES)]
    assert any("Customer" in state.speakers for state in watched)
    assert not any("Agent" in state.speakers for state in watched)
    (*_, ended) = [DialogueEvent.model_validate_json(value) for value in values(plain, DIALOGUES)]
    told = ended.speakers["Agent"]
    assert (told.turns, told.withheld_share, told.shares, told.valence, told.negative) == (12, 1.0, {}, None, None)
    tensors = [snapshot.decode(state) for state in states(plain)]
    assert any("speaker/Customer" in named for named in tensors)
    assert not any("Agent" in name for named in tensors for name in named)
