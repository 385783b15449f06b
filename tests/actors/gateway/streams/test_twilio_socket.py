"""`/v1/twilio` over a socket: a real call as Twilio sends it, and what Twilio would never send."""

import json
from pathlib import Path

import av
import numpy as np
import pytest

from actors.cli import main
from actors.gateway.streams.limits import StreamLimits
from actors.gateway.streams.refusal import MALFORMED, POLICY, UNSUPPORTED
from engine.ingest.pcm import MU_LAW
from engine.transport.memory import MemoryBroker, MemoryPublisher
from schemas.cloudevents import read_segment
from schemas.segment import DialogueEnded, DialogueStarted
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, SEGMENTS, STARTED_TYPE
from tests.actors.gateway.streams.doors import Twilio, closed, opened

PATH = "/v1/twilio"
TRACKS = {who: Path("../shared/data/diarization") / f"call40_{who}_8k.flac" for who in ("caller", "agent")}
LASTS_S = 30
FRAME = 160
"""Twenty milliseconds, which is what Twilio sends."""


@pytest.fixture(scope="module")
def call() -> dict[str, bytes]:
    """The two sides as mu-law: who called is inbound."""
    if not all(path.exists() for path in TRACKS.values()):
        pytest.skip("the two tracks of the call are not here: ../shared/data/diarization")
    sides = (mu_law(samples_of(TRACKS[who])[: LASTS_S * 8000]) for who in ("caller", "agent"))
    return dict(zip(("inbound", "outbound"), sides, strict=True))


def samples_of(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])


def mu_law(samples: np.ndarray) -> bytes:
    """The nearest codes."""
    codes = np.argsort(MU_LAW, kind="stable")
    values = MU_LAW[codes].astype(np.int32)
    above = np.clip(np.searchsorted(values, samples), 1, 255)
    nearer = np.abs(values[above] - samples) < np.abs(values[above - 1] - samples)
    return codes[np.where(nearer, above, above - 1)].astype(np.uint8).tobytes()


def frames(call: dict[str, bytes]):
    """Both sides in turns: track, chunk, bytes, milliseconds."""
    for number, start in enumerate(range(0, len(call["inbound"]), FRAME)):
        for track, data in call.items():
            yield track, number + 1, data[start : start + FRAME], number * 20


def as_a_file(call, folder: Path, monkeypatch) -> list:
    """What `turntone stream` publishes of the same call as one file of two channels."""
    broker = MemoryBroker(partitions=1)
    monkeypatch.setattr(
        "engine.transport.kafka_publisher.KafkaPublisher", lambda *, bootstrap: MemoryPublisher(broker=broker)
    )
    monkeypatch.setattr("actors.cli.stream.bootstrap_of", lambda config: "memory")
    sides = [np.frombuffer(data, dtype=np.uint8) for data in call.values()]
    (folder / "call.ulaw").write_bytes(np.stack(sides, axis=1).tobytes())
    said = ["--channel", "0=inbound:customer", "--channel", "1=outbound:agent", "--consent", "--dialogue", "CA1"]
    assert main(["stream", str(folder / "call.ulaw"), "--format", "mulaw", "--channels", "2", *said]) == 0
    return broker.records(SEGMENTS)


def told(records) -> list[tuple]:
    """What has to be the same of all that is published, whoever published it."""
    wanted = ("type", "sequence", "starttime", "endtime", "speaker", "role", "channel", "consent", "datacontenttype")
    found = []
    for record in records:
        segment = read_segment(record.key, record.headers)
        value = record.value if segment.type == SEGMENT_TYPE else None
        found.append((record.key, value, *(getattr(segment, name) for name in wanted)))
    return found


def test_a_real_call_gives_what_the_file_of_it_gives(call, tmp_path, monkeypatch):
    expected = as_a_file(call, tmp_path, monkeypatch)
    with opened() as door:
        with door.client.websocket_connect(PATH) as socket:
            twilio = Twilio(socket.send_text)
            twilio.connected()
            twilio.start(inbound_role="customer", outbound_role="agent")
            for track, chunk, data, stamp_ms in frames(call):
                door.clock.advance(0.01)
                twilio.media(track, chunk, data, stamp_ms=stamp_ms)
                if chunk == 500:
                    twilio.mark(f"half of {track}")
                    twilio.dtmf("5")
            twilio.stop()
            assert closed(socket) == (1000, "")
        records = door.broker.records(SEGMENTS)
    assert told(records) == told(expected)
    media = [one for one in told(records) if one[2] == SEGMENT_TYPE]
    assert {one[6] for one in media} == {"inbound", "outbound"}
    assert len(media) >= 5
    people = DialogueStarted.model_validate_json(records[0].value).participants
    assert [(one.speaker, one.role, one.consent) for one in people] == [
        ("inbound", "customer", True),
        ("outbound", "agent", True),
    ]
    assert DialogueEnded.model_validate_json(records[-1].value).reason == "the call ended"


def test_a_call_that_breaks_off_keeps_what_was_said_and_stays_open(call):
    with opened() as door:
        for _ in range(2):
            with door.client.websocket_connect(PATH) as socket:
                twilio = Twilio(socket.send_text, tracks=("inbound",))
                twilio.connected()
                twilio.start()
                for track, chunk, data, stamp_ms in frames({"inbound": call["inbound"][: 12 * 8000]}):
                    door.clock.advance(0.02)
                    twilio.media(track, chunk, data, stamp_ms=stamp_ms)
                socket.close(1006)
                door.settle()
            door.clock.advance(5.0)
        segments = door.segments()
    assert ENDED_TYPE not in {segment.type for segment in segments}
    assert [segment.type for segment in segments].count(STARTED_TYPE) == 2
    media = [segment for segment in segments if segment.type == SEGMENT_TYPE]
    assert len({segment.source for segment in media}) == 2
    assert media[-1].starttime > 17.0
    assert {(one.speaker, one.channel, one.role) for one in media} == {("inbound", None, None)}


def start(**parameters: str):
    return lambda twilio: (twilio.connected(), twilio.start(**parameters))


@pytest.mark.parametrize(
    ("says", "code", "word"),
    [
        (lambda twilio: twilio.media("inbound", 1, b"\xff", stamp_ms=0), POLICY, "order"),
        (lambda twilio: twilio.start(), POLICY, "order"),
        (start(token="stolen"), POLICY, "unauthorized"),  # noqa: S106 - not a secret
        (start(encoding="audio/opus"), UNSUPPORTED, "format"),
        (lambda twilio: (start()(twilio), twilio.connected()), POLICY, "order"),
        (lambda twilio: (start()(twilio), twilio.media("third", 1, b"\xff", stamp_ms=0)), UNSUPPORTED, "track"),
        (lambda twilio: (start()(twilio), twilio.media("inbound", 1, b"", stamp_ms=-20)), MALFORMED, "malformed"),
    ],
)
def test_wrong_order_and_wrong_words_are_closed_with_a_code(says, code, word):
    with opened() as door, door.client.websocket_connect(PATH) as socket:
        says(Twilio(socket.send_text))
        ended_with, reason = closed(socket)
        assert ended_with == code
        assert reason.startswith(f"{word}: ")
        assert door.segments() == []


@pytest.mark.parametrize(
    ("message", "code"), [("{", MALFORMED), (b"\x00", UNSUPPORTED), (json.dumps({"event": "stop"}), POLICY)]
)
def test_garbage_is_closed_with_a_code(message, code):
    with opened() as door, door.client.websocket_connect(PATH) as socket:
        send = socket.send_bytes if isinstance(message, bytes) else socket.send_text
        send(message)
        assert closed(socket)[0] == code


def test_a_stamp_from_the_future_is_no_flood():
    with opened(StreamLimits(ahead_most_s=20.0)) as door, door.client.websocket_connect(PATH) as socket:
        twilio = Twilio(socket.send_text)
        twilio.connected()
        twilio.start()
        for number in range(4):
            twilio.media("inbound", number, b"\xff" * FRAME, stamp_ms=number * 50_000)
        assert closed(socket)[0] == POLICY
