"""What it costs to cut streams: an hour of a stereo telephone call, and a minute of a talking head.

    python -m tests.benchmarks.perception.ingest --json tests/benchmarks/perception/results/ingest.json

One process, no broker: what is published is thrown away. Processor time over time of the stream is the real-time
factor; memory is by how much the process was larger at its peak than before the stream. Linux only.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.clock import SystemClock
from engine.ingest.base import Heard, Piece, Source
from engine.ingest.builders import IngestSettings, build_ingest
from engine.ingest.segmenter import Identity
from engine.ingest.streamed import StreamedSource
from engine.ingest.voices import Voices
from engine.media.decode import decode_span
from engine.metrics import Figures

DATA = Path("../shared/data")
CALL = [DATA / "diarization" / f"call40_{who}_8k.flac" for who in ("agent", "caller")]
HEAD = DATA / "faces" / "hdtf_a.mp4"


class Repeated:
    """A source again and again, as one long stream."""

    live = False
    resumes = False

    def __init__(self, *, pieces: Callable[[], Iterator[Piece]], lasts_s: float) -> None:
        self._pieces = pieces
        self._lasts_s = lasts_s

    def pieces(self) -> Generator[Piece, None, None]:
        """See `Source`."""
        origin_s = 0.0
        while origin_s < self._lasts_s:
            end_s = origin_s
            for piece in self._pieces():
                moved = replace(piece, start_s=piece.start_s + origin_s)
                end_s = max(end_s, moved.end_s)
                yield moved
            origin_s = end_s


class Forgetting:
    """A publisher that keeps nothing."""

    def publish(self, records: object) -> None:
        """Take records."""

    def flush(self) -> None:
        """Nothing to wait for."""

    def close(self) -> None:
        """Nothing to free."""


def call() -> Callable[[], Iterator[Heard]]:
    """The two tracks side by side, in pieces of 20 ms."""
    tracks = [decode_span(path).audio for path in CALL]
    samples = np.stack([np.rint(track * 32767).astype(np.int16) for track in tracks if track is not None])

    def pieces() -> Iterator[Heard]:
        for start in range(0, samples.shape[1], 320):
            yield Heard(start / 16_000, samples[:, start : start + 320])

    return pieces


def measure(name: str, source: Source, *, voices: Voices) -> dict[str, object]:
    """One stream through the ingest."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before_kib = _status_kib("VmRSS")
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    summary = build_ingest(
        source,
        publisher=Forgetting(),
        identity=Identity("bench", "bench"),
        voices=voices,
        settings=IngestSettings(),
        clock=SystemClock(),
        metrics=Figures(),
        report=lambda notice: None,
    ).run()
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    return {
        "stream": name,
        "seconds": round(summary.seconds, 1),
        "segments": summary.segments,
        "wall_s": round(wall_s, 2),
        "cpu_s": round(cpu_s, 2),
        "real_time_factor": round(cpu_s / summary.seconds, 4),
        "grown_mib": round((_status_kib("VmHWM") - before_kib) / 1024, 1),
    }


def _status_kib(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def main() -> None:
    """Measure and print, and write where asked."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", type=Path)
    target = arguments.parse_args().json
    calling = call()
    head = StreamedSource(address=str(HEAD), live=False)
    rows = [
        measure("call, 10 minutes", Repeated(pieces=calling, lasts_s=600), voices=Voices(apart=True)),
        measure("call, 60 minutes", Repeated(pieces=calling, lasts_s=3600), voices=Voices(apart=True)),
        measure("talking head, 1 minute", Repeated(pieces=head.pieces, lasts_s=60), voices=Voices()),
    ]
    for row in rows:
        print(row)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({"cores": os.cpu_count(), "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
