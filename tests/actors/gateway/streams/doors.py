"""What the tests of live streams stream with: a gateway's routes over a log in memory, Twilio's words, WebM."""

import base64
import io
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from threading import Event

import av
import numpy as np
from fastapi import FastAPI
from starlette.testclient import TestClient

from actors.gateway.streams.limits import StreamLimits
from actors.gateway.streams.proof import TwilioProof
from actors.gateway.streams.router import streams_router
from actors.gateway.streams.streams import StreamSettings
from engine.clock import ManualClock
from engine.ingest.reconnect import Backoff
from engine.metrics import Figures
from engine.transport.base import Outgoing
from engine.transport.memory import MemoryBroker
from schemas.cloudevents import read_segment
from schemas.record import Position
from schemas.segment import Segment
from schemas.topics import SEGMENT_TYPE, SEGMENTS
from tests.engine.ingest.sources import seen

TOKEN = "t0ken-0f-the-tests"  # noqa: S105 - nothing is behind it
START = {"type": "start", "dialogue_id": "d", "format": "s16le", "rate_hz": 16_000, "token": TOKEN}


class Watched(Figures):
    """Figures that say when the last stream has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.empty = Event()

    def level(self, name: str, value: float) -> None:
        super().level(name, value)
        if name == "streams" and value == 0:
            self.empty.set()


@dataclass
class Door:
    """The routes, the log behind them, and the clock they read."""

    client: TestClient
    broker: MemoryBroker
    clock: ManualClock
    metrics: Watched
    failures: list[Exception] = field(default_factory=list)
    """What the next attempts to publish fail with."""

    def segments(self) -> list[Segment]:
        """Everything that was published, in order."""
        return [read_segment(record.key, record.headers) for record in self.broker.records(SEGMENTS)]

    def settle(self) -> None:
        """Wait until the stream that was closed has ended: the client would call it off."""
        assert self.metrics.empty.wait(120)
        self.metrics.empty.clear()

    def media(self) -> list[Segment]:
        """The utterances among it."""
        return [segment for segment in self.segments() if segment.type == SEGMENT_TYPE]


@contextmanager
def opened(limits: StreamLimits | None = None, *, proof: TwilioProof | None = None) -> Iterator[Door]:
    """A gateway of live streams and nothing else."""
    broker, clock, metrics = MemoryBroker(partitions=1), ManualClock(), Watched()
    failures: list[Exception] = []

    def send(records: Sequence[Outgoing]) -> Future[Sequence[Position]]:
        done: Future[Sequence[Position]] = Future()
        if failures:
            done.set_exception(failures.pop(0))
        else:
            done.set_result([broker.append(record) for record in records])
        return done

    app = FastAPI()
    app.include_router(
        streams_router(
            send=send,
            authorise=lambda token: token == TOKEN,
            settings=StreamSettings(
                limits=limits or StreamLimits(), deliver=Backoff(attempts=2, first_s=0.0, most_s=0.0)
            ),
            clock=clock,
            metrics=metrics,
            proof=proof,
        )
    )
    with TestClient(app) as client:
        yield Door(client, broker, clock, metrics, failures)


def until(socket, kind: str) -> list[dict]:
    """What the server says up to a message of this type."""
    said = []
    while not said or said[-1]["type"] != kind:
        said.append(socket.receive_json())
    return said


def closed(socket) -> tuple[int, str]:
    """The code and the reason of the server's close frame, after whatever it said before."""
    while (message := socket.receive())["type"] != "websocket.close":
        pass
    return message["code"], message["reason"]


class Twilio:
    """Twilio's side of one socket."""

    def __init__(self, say: Callable[[str], object], *, call: str = "CA1", tracks=("inbound", "outbound")) -> None:
        self._say = say
        self._call = call
        self._tracks = tracks
        self._number = 0

    def connected(self) -> None:
        self._say(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))

    def start(self, *, encoding: str = "audio/x-mulaw", **parameters: str) -> None:
        said = {
            "accountSid": "AC1",
            "streamSid": "MZ1",
            "callSid": self._call,
            "tracks": list(self._tracks),
            "mediaFormat": {"encoding": encoding, "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": TOKEN, "consent": "true", **parameters},
        }
        self._event("start", start=said)

    def media(self, track: str, chunk: int, data: bytes, *, stamp_ms: int) -> None:
        payload = base64.b64encode(data).decode()
        said = {"track": track, "chunk": str(chunk), "timestamp": str(stamp_ms), "payload": payload}
        self._event("media", media=said)

    def mark(self, name: str) -> None:
        self._event("mark", mark={"name": name})

    def dtmf(self, digit: str) -> None:
        self._event("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def stop(self) -> None:
        self._event("stop", stop={"accountSid": "AC1", "callSid": self._call})

    def _event(self, event: str, **said: object) -> None:
        self._number += 1
        self._say(json.dumps({"event": event, "sequenceNumber": str(self._number), "streamSid": "MZ1", **said}))


def webm(pcm: np.ndarray, *, picture: bool) -> bytes:
    """What a browser's MediaRecorder makes of a voice `[N]` at 16 kHz: Opus, and VP8 where there is a camera.

    A cluster lasts about a quarter of a second.
    """
    target = io.BytesIO()
    with av.open(target, "w", format="webm", options={"live": "1", "cluster_time_limit": "250"}) as sink:
        sound = sink.add_stream("libopus", rate=48_000, layout="mono")
        packets = []
        if picture:
            video = sink.add_stream("libvpx", rate=25)
            video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
            video.options = {"deadline": "realtime", "cpu-used": "8"}
            for number, shot in enumerate(seen(start_s=0, end_s=len(pcm) / 16_000)):
                frame = av.VideoFrame.from_ndarray(shot.pixels, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                packets += video.encode(frame)
            packets += video.encode(None)
        resampler = av.AudioResampler(
            format=sound.codec_context.format.name, layout="mono", rate=48_000, frame_size=960
        )
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16_000, 0, Fraction(1, 16_000)
        for part in (frame, None):
            for piece in resampler.resample(part):
                packets += sound.encode(piece)
        packets += sound.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.pts * packet.time_base):
            sink.mux(packet)
    return target.getvalue()
