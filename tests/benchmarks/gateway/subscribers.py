"""Two hundred listeners to server-sent events at once: is anything lost, how late is an event, how large does it grow.

    python -m tests.benchmarks.gateway.subscribers --seconds 120 --json FILE

The whole gateway runs in a process of its own, over a log in memory into which turns are written at a steady rate.
Delay is from the writing of a turn until a listener has read it; the listeners share one process, so their own work is
part of it; one that is cut resumes, as a client does. One more listener reads nothing at all. The log in memory is part
of the process: it grows by what is written, which is told beside.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import numpy as np

from engine.transport.base import Outgoing
from schemas.topics import TURNS
from tests.actors.gateway.opened import OWNER, Log, server, turn_event

DIALOGUES = 50
KEPT = 500
"""Events and turns in memory: soon full, so that what grows then is something else."""
_LOOK_S = 5.0
_LEAD_S = 10.0
"""Until everybody listens, before the first turn is written."""


def serve(*, rate_hz: float, seconds: float) -> None:
    """The gateway's side: tells its port, writes turns, and ends when its standard input does."""
    log = Log()
    gateway = server(log, tokens=(), kept_events=KEPT, kept_turns=KEPT)
    print(gateway.port, flush=True)
    pause = Event()

    def write() -> None:
        sys.stdin.readline()
        began_s, count = time.monotonic(), int(rate_hz * seconds)
        for number in range(count):
            pause.wait(max(0.0, began_s + number / rate_hz - time.monotonic()))
            dialogue_id = f"call-{number % DIALOGUES}"
            event = turn_event(dialogue_id, number // DIALOGUES).model_copy(update={"event_id": repr(time.time())})
            log.broker.append(Outgoing(TURNS, dialogue_id, event.model_dump_json().encode()))
        sys.stdin.readline()
        gateway.stop()

    Thread(target=write, daemon=True).start()
    gateway.run()


class Listener:
    """One subscriber, how late each turn came, and how often it had to resume."""

    def __init__(self) -> None:
        self.delays_s: list[float] = []
        self.turns: set[str] = set()
        self.out_of_order = 0
        self.connections = 0
        self._id = ""
        self._last: dict[str, int] = {}

    async def listen(self, port: int, *, expected: int) -> None:
        """Read until everything came; a connection that ends is made again where it ended."""
        while len(self.turns) < expected:
            self.connections += 1
            try:
                reader, writer = await connect(port, last_id=self._id)
                await self._read(reader, expected=expected)
                writer.close()
            except ConnectionError:
                await asyncio.sleep(0.25)

    async def _read(self, reader: asyncio.StreamReader, *, expected: int) -> None:
        told_id = ""
        async for line in reader:
            if line.startswith(b"id: "):
                told_id = line[4:].decode().strip()
            elif not line.strip():
                # An event counts when it is whole.
                self._id = told_id or self._id
            elif line.startswith(b"data: {") and b'"event_id"' in line:
                event, now_s = json.loads(line[6:]), time.time()
                self.delays_s.append(now_s - float(event["event_id"]))
                self.turns.add(event["event_id"])
                self.out_of_order += event["turn"] <= self._last.get(event["dialogue_id"], -1)
                self._last[event["dialogue_id"]] = event["turn"]
                if len(self.turns) == expected:
                    return


async def connect(port: int, *, last_id: str = "") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request for events, sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024 * 1024)
    resume = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
    writer.write(f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OWNER}\r\n{resume}\r\n".encode())
    await writer.drain()
    return reader, writer


async def measure(*, listeners: int, rate_hz: float, seconds: float) -> dict[str, object]:
    """Start a gateway, listen, and say how it was."""
    command = [sys.executable, "-m", "tests.benchmarks.gateway.subscribers", "--serve"]
    command += ["--rate", str(rate_hz), "--seconds", str(seconds)]
    load_before = os.getloadavg()[0]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(await asyncio.to_thread(server.stdout.readline))
        crowd, expected = [Listener() for _ in range(listeners)], int(rate_hz * seconds)
        # Connected first, and never read from: the kernel's buffers fill, and then the gateway's own place for it.
        _, stalled = await connect_when_ready(port)
        listening = [asyncio.create_task(one.listen(port, expected=expected)) for one in crowd]
        await asyncio.sleep(_LEAD_S)
        server.stdin.write(b"\n")
        server.stdin.flush()
        sizes_mib: list[float] = []
        looking = asyncio.create_task(_look(server.pid, sizes_mib))
        _, late = await asyncio.wait(listening, timeout=seconds * 2 + 60.0)
        for task in (looking, *late):
            task.cancel()
        figures = _figures(crowd, expected, sizes_mib)
        stalled.close()
        server.stdin.write(b"\n")
        server.stdin.close()
    return {"listeners": listeners, "rate_hz": rate_hz, "seconds": seconds, "load_before": load_before, **figures}


async def connect_when_ready(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as soon as the gateway answers with a stream."""
    while True:
        try:
            reader, writer = await connect(port)
            if b" 200 " in await reader.readline():
                return reader, writer
            writer.close()
        except ConnectionError:
            pass
        await asyncio.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20.0, help="turns a second, each told to everybody")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--json", type=Path, default=Path("runs/subscribers.json"), help="where the figures go")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(rate_hz=arguments.rate, seconds=arguments.seconds)
        return
    figures = asyncio.run(measure(listeners=arguments.listeners, rate_hz=arguments.rate, seconds=arguments.seconds))
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


def _figures(crowd: list[Listener], expected: int, sizes: list[float]) -> dict[str, object]:
    delays_ms = np.array([delay for one in crowd for delay in one.delays_s]) * 1000
    p50, p95, p99 = (round(float(each), 1) for each in np.percentile(delays_ms, (50, 95, 99)))
    return {
        "told": len(delays_ms),
        "lost": sum(expected - len(one.turns) for one in crowd),
        "twice": sum(len(one.delays_s) - len(one.turns) for one in crowd),
        "out_of_order": sum(one.out_of_order for one in crowd),
        "resumed": sum(one.connections - 1 for one in crowd),
        "delay_ms": {"p50": p50, "p95": p95, "p99": p99},
        "written_mib": round(expected * len(turn_event("call-1", 1).model_dump_json()) / 2**20, 1),
        "memory_mib": {"first": sizes[0], "middle": sizes[len(sizes) // 2], "last": sizes[-1]},
    }


async def _look(pid: int, sizes_mib: list[float]) -> None:
    while True:
        status = Path(f"/proc/{pid}/status").read_text()
        sizes_mib.append(round(int(status.partition("VmRSS:")[2].split()[0]) / 1024, 1))
        await asyncio.sleep(_LOOK_S)


if __name__ == "__main__":
    main()
