"""How soon after somebody falls silent the utterance is cut, what a cut holds, and that chunks change nothing.

    python -m tests.benchmarks.perception.endpointing --data ../shared/data \
        --json tests/benchmarks/perception/results/endpointing.json

The delay of a cut runs from the end of the speech it ends on (annotated) to the moment of the stream at which it is
emitted, with samples coming 10 ms at a time. Annotators bridge pauses below 0.8 s, so a cut may lie inside an annotated
turn and yet in a pause: silero says which.
"""

import json
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.ingest.endpoint import Cut, Endpointer, EndpointSettings
from engine.layers.silero import load_silero
from engine.signals import SAMPLE_RATE_HZ, Span
from engine.vad.silero import SileroDetector
from tests.benchmarks.perception.recordings import DEV, SPEAKERS, TRN, sound, turns

CHUNK_S = 0.01
EDGE_S = 0.1
"""What an annotator's edge may be off by."""
HANGOVERS_S = (0.2, 0.3, 0.5, 0.8)
CHUNKS_MS = (10, 20, 30, 100)


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound, who speaks in it, and where somebody speaks with no pause bridged."""

    pcm: NDArray[np.int16]
    turns: Sequence[Span]
    stretches: Sequence[Span]
    """The turns, joined where they touch or overlap."""
    voiced: Sequence[Span]

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / SAMPLE_RATE_HZ


def read(folder: Path, name: str, detector: SileroDetector) -> Recording:
    audio, annotation = sound(folder, name), turns(folder, name)
    return Recording(
        pcm=np.rint(audio * 32767).astype(np.int16),
        turns=[Span(segment.start, segment.end) for segment in annotation.itersegments()],
        stretches=[Span(segment.start, segment.end) for segment in annotation.get_timeline().support()],
        voiced=detector.detect(audio),
    )


def emitted(recording: Recording, settings: EndpointSettings) -> Iterator[tuple[Cut, float]]:
    """Cuts, with the moment of the stream at which each came out."""
    endpointer, chunk = Endpointer(settings=settings), round(CHUNK_S * SAMPLE_RATE_HZ)
    for at in range(0, len(recording.pcm), chunk):
        for cut in endpointer.feed(recording.pcm[at : at + chunk]):
            yield cut, (at + chunk) / SAMPLE_RATE_HZ
    for cut in endpointer.finish():
        yield cut, recording.duration_s


def within(spans: Sequence[Span], moment_s: float, *, edge_s: float = 0.0) -> bool:
    return any(span.start_s + edge_s < moment_s < span.end_s - edge_s for span in spans)


def shared_s(one: Span, other: Span) -> float:
    return max(0.0, min(one.end_s, other.end_s) - max(one.start_s, other.start_s))


def measured(recordings: Sequence[Recording], settings: EndpointSettings) -> dict[str, object]:
    """Delays, cuts through speech, and turns a cut holds, over all recordings together."""
    delays: list[float] = []
    lengths: list[float] = []
    held: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    kept_s = spoken_s = 0.0
    for recording in recordings:
        previous_s = 0.0
        for cut, moment_s in emitted(recording, settings):
            span = Span(cut.start_s, cut.end_s)
            counts[cut.reason] += 1
            lengths.append(span.duration_s)
            kept_s += sum(shared_s(span, stretch) for stretch in recording.stretches)
            turns_held = sum(shared_s(span, turn) > EDGE_S for turn in recording.turns)
            held[str(turns_held) if turns_held < 4 else "4 or more"] += 1
            if cut.reason != "end" and within(recording.stretches, cut.end_s, edge_s=EDGE_S):
                counts["inside a turn"] += 1
                counts["through speech"] += within(recording.voiced, cut.end_s)
            ended = [stretch.end_s for stretch in recording.stretches if previous_s < stretch.end_s <= moment_s]
            if cut.reason == "pause" and ended and not within(recording.stretches, moment_s):
                delays.append(moment_s - ended[-1])
            previous_s = moment_s
        spoken_s += sum(stretch.duration_s for stretch in recording.stretches)
    return {
        "cuts": sum(held.values()),
        "by reason": {reason: counts[reason] for reason in ("pause", "longest", "end")},
        "length of a cut, median s": round(float(np.median(lengths)), 2),
        "delays measured": len(delays),
        "delay, median s": round(float(np.median(delays)), 2),
        "delay, p95 s": round(float(np.percentile(delays, 95)), 2),
        "ends inside an annotated turn": counts["inside a turn"],
        "of these through speech": counts["through speech"],
        "turns a cut holds": dict(sorted(held.items())),
        "speech in no cut, percent": round(100 * (1 - kept_s / spoken_s), 1),
    }


def digest(cuts: Sequence[Cut]) -> str:
    """Of times, reasons and every sample."""
    told = sha256()
    for cut in cuts:
        told.update(f"{cut.start_s} {cut.end_s} {cut.reason} ".encode() + cut.samples.astype("<i2").tobytes())
    return told.hexdigest()[:16]


def by_chunks(recordings: Sequence[Recording], settings: EndpointSettings) -> dict[str, str]:
    """One digest of all cuts for each way of chunking; restored by value now and then in the last."""
    found: dict[str, list[Cut]] = {f"{ms} ms": [] for ms in CHUNKS_MS}
    found |= {"random": [], "random, restored by value": []}
    random = np.random.default_rng(0)
    for recording in recordings:
        for name, cuts in found.items():
            endpointer, at = Endpointer(settings=settings), 0
            while at < len(recording.pcm):
                if "restored" in name and random.random() < 0.1:
                    endpointer = Endpointer.restore(endpointer.state, settings=settings)
                ms = int(name.split()[0]) if name[0].isdigit() else 0
                size = ms * SAMPLE_RATE_HZ // 1000 or int(random.integers(1, 8000))
                cuts += endpointer.feed(recording.pcm[at : at + size])
                at += size
            cuts += endpointer.finish()
    return {name: digest(cuts) for name, cuts in found.items()}


def milliseconds(recording: Recording, settings: EndpointSettings) -> float:
    """Of processor time for a second of sound."""
    start_s = time.process_time()
    for _ in emitted(recording, settings):
        pass
    return round(1000 * (time.process_time() - start_s) / recording.duration_s, 2)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = arguments.data / "diarization"
    detector = SileroDetector(network=load_silero(), gap_s=0.0, padding_s=0.0)
    recordings = {name: read(folder, name, detector) for name in (*TRN, *DEV, "call", *SPEAKERS)}
    sets = {
        "AMI trn": TRN,
        "AMI dev": DEV,
        "call, one line": ("call",),
        "call, a track a speaker": SPEAKERS,
    }
    chunks = by_chunks(list(recordings.values()), EndpointSettings())
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "default hangover_s": EndpointSettings().hangover_s,
        "by hangover": {
            title: {
                f"{hangover_s} s": measured([recordings[name] for name in names], with_hangover(hangover_s))
                for hangover_s in HANGOVERS_S
            }
            for title, names in sets.items()
        },
        "digest of all cuts by chunk": chunks,
        "all the same": len(set(chunks.values())) == 1,
        "milliseconds a second of sound": milliseconds(recordings["call"], EndpointSettings()),
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def with_hangover(hangover_s: float) -> EndpointSettings:
    """The defaults but for the hangover, and a padding that fits in it."""
    default = EndpointSettings()
    return replace(default, hangover_s=hangover_s, padding_after_s=min(default.padding_after_s, hangover_s))


if __name__ == "__main__":
    main()
