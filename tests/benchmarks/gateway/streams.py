"""Fifty live streams at once through a real socket: is anything lost, how large does it grow, how late is a segment.

    python -m tests.benchmarks.gateway.streams --seconds 150 --json tests/benchmarks/gateway/results/streams.json

The gateway's routes run under uvicorn in a process of their own; what they publish is written down and thrown away.
Of five streams three send samples, one is a call in Twilio's words, one is what a browser records. Delay is from the
end of speech (the end of a segment less its padding) to its publication; the silence that ends an utterance is part of
it.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import uvicorn
import websockets
from fastapi import FastAPI

from actors.gateway.streams.router import streams_router
from actors.gateway.streams.streams import StreamSettings
from engine.clock import SystemClock
from engine.ingest.endpoint import EndpointSettings
from engine.ingest.raw import RawSamples
from engine.ingest.segmenter import Identity, Segmenter
from engine.ingest.voices import Voices
from engine.metrics import Figures
from schemas.cloudevents import read_segment
from schemas.topics import SEGMENT_TYPE
from tests.actors.gateway.streams.doors import START, TOKEN, Twilio, webm
from tests.engine.ingest.sources import talk

SHARES = {"samples": 3, "call": 1, "browser": 1}
"""Of five."""
_PIECE_S = 0.1
_FRAME_S = 0.02
_CLUSTER = b"\x1f\x43\xb6\x75"
"""How a cluster of a recording begins: a browser gives one every quarter of a second."""
_LOOK_S = 30.0
"""Memory is read so often, from when everybody speaks until the first has ended."""
_LEAD_S = 5.0
"""Streams begin one after the other over this time."""

Speak = Callable[[str, float], Awaitable[None]]


def serve(port: int, log: Path) -> None:
    """The gateway's side; every segment is a line: dialogue, end in the stream, wall time."""
    with log.open("w", buffering=1) as lines:

        def send(records: Sequence[object]) -> Future[Sequence[object]]:
            for record in records:
                segment = read_segment(record.key, record.headers)
                if segment.type == SEGMENT_TYPE:
                    lines.write(json.dumps([segment.dialogue_id, segment.starttime, segment.endtime, time.time()]))
                    lines.write("\n")
            done: Future[Sequence[object]] = Future()
            done.set_result(())
            return done

        app = FastAPI()
        app.include_router(
            streams_router(
                send=send,
                authorise=lambda token: token == TOKEN,
                settings=StreamSettings(),
                clock=SystemClock(),
                metrics=Figures(),
            )
        )
        pong_s = StreamSettings().limits.pong_s
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", ws_ping_timeout=pong_s)


class Crowd:
    """Everybody who streams, each the same voice again and again at the pace of life."""

    def __init__(self, *, port: int, seconds: float) -> None:
        self._address = f"ws://127.0.0.1:{port}/v1"
        voice = talk(6)
        self.pcm = np.tile(voice, int(seconds * 16_000) // len(voice) + 1)[: int(seconds * 16_000)]
        self.mulaw = _mu_law(self.pcm[::2])
        self.webm = webm(self.pcm, picture=False)
        self.began: dict[str, float] = {}

    async def samples(self, name: str, after_s: float) -> None:
        """16-bit samples in pieces of a tenth of a second."""
        size, data = round(_PIECE_S * 32_000), self.pcm.tobytes()
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        await self._speak(name, after_s, START, pieces, _PIECE_S)

    async def browser(self, name: str, after_s: float) -> None:
        """A recording in chunks of a quarter of a second."""
        first, *clusters = self.webm.split(_CLUSTER)
        pieces = [first + _CLUSTER + clusters[0], *(_CLUSTER + cluster for cluster in clusters[1:])]
        lasts_s = len(self.pcm) / 16_000 / len(clusters)
        start = {"type": "start", "format": "webm", "token": TOKEN}
        await self._speak(name, after_s, start, pieces, lasts_s)

    async def call(self, name: str, after_s: float) -> None:
        """Two tracks in frames of twenty milliseconds; one side speaks and the other is silent."""
        await asyncio.sleep(after_s)
        said: list[str] = []
        async with websockets.connect(
            f"{self._address}/twilio", max_queue=None, ping_interval=None, open_timeout=120
        ) as line:
            twilio = Twilio(said.append, call=name)
            twilio.connected()
            twilio.start()
            began = time.time()
            self.began[name] = began
            for number, start in enumerate(range(0, len(self.mulaw), 160)):
                await _until(began + (number + 1) * _FRAME_S)
                for track, data in (("inbound", self.mulaw[start : start + 160]), ("outbound", b"\xff" * 160)):
                    twilio.media(track, number + 1, data, stamp_ms=number * 20)
                while said:
                    await line.send(said.pop(0))
            twilio.stop()
            await line.send(said.pop(0))
            await line.wait_closed()

    async def _speak(self, name: str, after_s: float, start: dict, pieces: Sequence[bytes], lasts_s: float) -> None:
        await asyncio.sleep(after_s)
        async with websockets.connect(
            f"{self._address}/streams", max_queue=None, ping_interval=None, open_timeout=120
        ) as line:
            await line.send(json.dumps({**start, "dialogue_id": name}))
            await line.recv()
            began = time.time()
            self.began[name] = began
            for number, piece in enumerate(pieces):
                await _until(began + (number + 1) * lasts_s)
                await line.send(piece)
            await line.send('{"type": "stop"}')
            async for _ in line:
                pass


async def _until(moment_s: float) -> None:
    await asyncio.sleep(max(0.0, moment_s - time.time()))


def _mu_law(samples: np.ndarray) -> bytes:
    """ITU-T G.711, of 16-bit samples."""
    biased = np.minimum(np.abs(samples.astype(np.int32)), 32_635) + 0x84
    exponent = np.floor(np.log2(biased)).astype(np.int32) - 7
    code = np.where(samples < 0, 0x80, 0) | (exponent << 4) | ((biased >> (exponent + 3)) & 0x0F)
    return (~code & 0xFF).astype(np.uint8).tobytes()


def expected(data: bytes, *, format: str, rate_hz: int) -> int:
    """How many segments the same sound has when nobody is in a hurry."""
    samples = RawSamples(format=format, rate_hz=rate_hz, channels=1)
    segmenter = Segmenter(
        identity=Identity("d", "r"), voices=Voices(), endpoint=EndpointSettings(), wall=lambda time_s: None
    )
    pieces = [*samples.feed(data), *samples.finish()]
    return sum(1 for piece in pieces for _ in segmenter.feed(piece)) + sum(1 for _ in segmenter.finish())


@dataclass(frozen=True)
class Resident:
    """Memory, of which what is shared is counted once."""

    gateway_mib: float
    decoders_mib: float
    decoders: int


def resident(pid: int) -> Resident:
    """Of the gateway, and of its decoding processes; one that ends meanwhile is left out."""
    children = [
        int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()
    ]
    decoders = [found for each in children if (found := _resident_kib(each)) is not None]
    return Resident(
        gateway_mib=round((_resident_kib(pid) or 0) / 1024, 1),
        decoders_mib=round(sum(decoders) / 1024, 1),
        decoders=len(decoders),
    )


def _resident_kib(pid: int) -> int | None:
    """None: it has ended. Of one that has and was not yet waited for there is a file, which is empty or gives ESRCH."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next((int(line.split()[1]) for line in rollup if line.startswith("Pss:")), None)


async def crowd(people: Crowd, *, pid: int, seconds: float, streams: int) -> list[dict[str, float]]:
    """Let everybody speak, and look at the memory meanwhile."""
    speaks: dict[str, Speak] = {"samples": people.samples, "call": people.call, "browser": people.browser}
    names = [(name, speaks[name.partition("-")[0]]) for name in _names(streams)]
    speaking = [
        asyncio.create_task(speak(name, number * _LEAD_S / len(names))) for number, (name, speak) in enumerate(names)
    ]
    began, memory = time.time(), []
    for at_s in np.arange(min(_LOOK_S, seconds / 2), seconds, _LOOK_S).tolist():
        await _until(began + at_s)
        found = await asyncio.to_thread(resident, pid)
        memory.append({"at_s": at_s, **asdict(found)})
        print(f"{at_s:5.0f} s  {found}", flush=True)
    await asyncio.gather(*speaking)
    return memory


def _names(streams: int) -> list[str]:
    return [f"{kind}-{number}" for kind, share in SHARES.items() for number in range(streams * share // 5)]


def measure(seconds: float, log: Path, *, streams: int) -> dict[str, object]:
    """One run."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    people = Crowd(port=port, seconds=seconds)
    wanted = {
        "samples": expected(people.pcm.tobytes(), format="s16le", rate_hz=16_000),
        "call": expected(people.mulaw, format="mulaw", rate_hz=8000),
    }
    command = [sys.executable, "-m", "tests.benchmarks.gateway.streams", "--serve", str(port), str(log)]
    with subprocess.Popen(command) as gateway:
        try:
            _wait_for(port)
            memory = asyncio.run(crowd(people, pid=gateway.pid, seconds=seconds, streams=streams))
            ticks = map(int, Path(f"/proc/{gateway.pid}/stat").read_text().split()[13:17])
            cpu_s = sum(ticks) / os.sysconf("SC_CLK_TCK")
        finally:
            gateway.terminate()
    found = [json.loads(line) for line in log.read_text().splitlines()]
    rows: dict[str, object] = {}
    padding_s = EndpointSettings().padding_after_s
    for kind in SHARES:
        mine = [line for line in found if line[0].startswith(f"{kind}-")]
        each = [sum(line[0] == name for line in mine) for name in _names(streams) if name.startswith(f"{kind}-")]
        late_s = np.array([at_s - (people.began[name] + end_s - padding_s) for name, _, end_s, at_s in mine])
        rows[kind] = {
            "streams": len(each),
            "segments_a_stream": sorted(set(each)),
            "expected_a_stream": wanted.get(kind),
            "delay_s": {f"p{p}": round(float(np.percentile(late_s, p)), 3) for p in (50, 95, 99)},
        }
    return {
        "seconds": seconds,
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[2],
        "rows": rows,
        "memory": memory,
        "gateway_and_decoders_cpu_s": round(cpu_s, 1),
    }


def _wait_for(port: int) -> None:
    deadline_s = time.monotonic() + 300
    while time.monotonic() < deadline_s:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.2)
    raise TimeoutError("the gateway did not start")


def main() -> None:
    """Measure and print, and write where asked."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=150.0)
    arguments.add_argument("--streams", type=int, default=50)
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--log", type=Path, default=Path("/tmp/turntone-streams.log"))  # noqa: S108 - a benchmark's own
    arguments.add_argument("--serve", nargs=2, metavar=("PORT", "LOG"))
    asked = arguments.parse_args()
    if asked.serve is not None:
        serve(int(asked.serve[0]), Path(asked.serve[1]))
        return
    result = measure(asked.seconds, asked.log, streams=asked.streams)
    print(json.dumps(result, indent=2))
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
