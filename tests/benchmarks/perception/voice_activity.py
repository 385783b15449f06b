"""How well speech is told from silence: detection error rates on AMI excerpts and a telephone call, and the cost.

    python -m tests.benchmarks.perception.voice_activity --data ../shared/data \
        --json tests/benchmarks/perception/results/voice_activity.json

Detection error rate of pyannote.metrics without a collar: missed and false speech in percent of the reference's.
"""

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import product
from pathlib import Path

import numpy as np
import torch
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.detection import DetectionErrorRate
from scipy.signal import resample_poly
from torch import Tensor

from engine.layers.silero import FRAME, SileroState, SileroVad, load_silero
from engine.signals import SAMPLE_RATE_HZ, Span, Waveform
from engine.vad.silero import SileroDetector
from engine.vad.spans import bridge, pad
from engine.vad.webrtc import WebrtcDetector
from tests.benchmarks.perception.recordings import AMI_PAUSE_S, DEV, TRN, WORDS_PAUSE_S, annotated, sound, turns

Detect = Callable[[Waveform], Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound and who speaks in it."""

    audio: Waveform
    reference: Annotation

    @property
    def extent(self) -> Timeline:
        """The whole of it is scored."""
        return Timeline([Segment(0, len(self.audio) / SAMPLE_RATE_HZ)])


class Remembering:
    """A network that answers what it was asked before without computing it again: for searches over settings."""

    def __init__(self, network: SileroVad) -> None:
        self._network = network
        self._answers: dict[bytes, tuple[Tensor, SileroState]] = {}

    def silence(self, batch: int) -> SileroState:
        return self._network.silence(batch)

    def listen(self, waveforms: Tensor, state: SileroState) -> tuple[Tensor, SileroState]:
        key = blake2b(waveforms.numpy().tobytes() + state.hidden.numpy().tobytes()).digest()
        if key not in self._answers:
            self._answers[key] = self._network.listen(waveforms, state)
        return self._answers[key]


def untuned_silero(network: SileroVad) -> Detect:
    """Silero as its makers recommend: 0.5, release 0.15 below, 250 ms of speech, 100 ms of silence, 30 ms padding."""

    def detect(audio: Waveform) -> Sequence[Span]:
        with torch.inference_mode():
            speech = network(torch.from_numpy(audio)[None])[0].numpy()
        runs, start = [], None
        for index, probability in enumerate([*speech, 0.0]):
            if start is None and probability >= 0.5:
                start = index
            elif start is not None and probability < 0.35:
                runs.append(Span(start * FRAME / SAMPLE_RATE_HZ, index * FRAME / SAMPLE_RATE_HZ))
                start = None
        kept = [span for span in bridge(runs, gap_s=0.1) if span.duration_s >= 0.25]
        return pad(kept, padding_s=0.03, duration_s=len(audio) / SAMPLE_RATE_HZ)

    return detect


def rates(recordings: Sequence[Recording], detect: Detect) -> dict[str, float]:
    """Over all recordings together."""
    metric = DetectionErrorRate(collar=0.0)
    for recording in recordings:
        metric(recording.reference, annotated(detect(recording.audio)), uem=recording.extent)
    parts = {"error": abs(metric), "missed": metric["miss"] / metric["total"]}
    parts["false"] = metric["false alarm"] / metric["total"]
    return {name: round(100 * float(value), 1) for name, value in parts.items()}


def seconds(recording: Recording, detect: Detect) -> tuple[float, float]:
    """Wrong and spoken."""
    metric = DetectionErrorRate(collar=0.0)
    found = metric.compute_components(recording.reference, annotated(detect(recording.audio)), uem=recording.extent)
    return found["miss"] + found["false alarm"], found["total"]


def settings() -> Iterator[dict[str, float]]:
    """Those searched over; `gap_s` is the annotators' and is not."""
    for threshold, ratio, depth_db, shortest_s, padding_s in product(
        (0.03, 0.04, 0.05, 0.07, 0.1), (0.5, 0.75, 1.0), (30.0, 40.0), (0.1, 0.15, 0.2, 0.3), (0.05, 0.1)
    ):
        yield {
            "threshold": threshold,
            "release": round(threshold * ratio, 4),
            "depth_db": depth_db,
            "shortest_s": shortest_s,
            "padding_s": padding_s,
        }


def searched(recordings: Sequence[Recording], network: SileroVad, *, chosen_on: int) -> dict[str, object]:
    """The best settings on the first `chosen_on` recordings; and each recording by what is best on all the others."""
    remembering = Remembering(network)
    tried = list(settings())
    table = np.array(
        [
            [seconds(recording, SileroDetector(network=remembering, **setting).detect) for recording in recordings]  # type: ignore[arg-type]
            for setting in tried
        ]
    )
    wrong, spoken = table[..., 0], table[0, :, 1]
    best = int(wrong[:, :chosen_on].sum(axis=1).argmin())
    left_out = [int((wrong.sum(axis=1) - wrong[:, one]).argmin()) for one in range(len(recordings))]
    held_out = [wrong[setting, one] for one, setting in enumerate(left_out)]
    return {
        "settings tried": len(tried),
        "best on trn": {
            **tried[best],
            "error on trn": round(100 * wrong[best, :chosen_on].sum() / spoken[:chosen_on].sum(), 1),
        },
        "leave one out": round(100 * sum(held_out) / spoken.sum(), 1),
        "leave one out, by file": [round(100 * error / of, 1) for error, of in zip(held_out, spoken, strict=True)],
    }


def by_telephone(recording: Recording) -> Recording:
    """The same through 8 kHz mu-law."""
    narrow = np.clip(resample_poly(recording.audio, 1, 2), -1, 1)
    companded = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256) * 127) / 127
    linear = np.sign(companded) * (256 ** np.abs(companded) - 1) / 255
    return Recording(resample_poly(linear, 2, 1).astype(np.float32)[: len(recording.audio)], recording.reference)


def milliseconds(detect: Detect, audio: Waveform) -> float:
    """Of processor time for a second of sound; the median of five."""
    spent = []
    for _ in range(5):
        start_s = time.process_time()
        detect(audio)
        spent.append(time.process_time() - start_s)
    return round(1000 * float(np.median(spent)) * SAMPLE_RATE_HZ / len(audio), 2)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder, network = arguments.data / "diarization", load_silero()
    ami = {name: Recording(sound(folder, name), turns(folder, name)) for name in (*TRN, *DEV)}
    line = sound(folder, "call")
    sets = {
        "AMI trn": [ami[name] for name in TRN],
        "AMI dev": [ami[name] for name in DEV],
        "AMI dev by telephone": [by_telephone(ami[name]) for name in DEV],
        "call": [Recording(line, turns(folder, "call"))],
    }
    words = [Recording(line, turns(folder, "call", pause_s=WORDS_PAUSE_S))]
    systems: dict[str, Callable[[float], Detect]] = {
        "webrtcvad": lambda gap_s: WebrtcDetector(gap_s=gap_s).detect,
        "silero, untuned": lambda gap_s: untuned_silero(network),
        "silero both ways": lambda gap_s: SileroDetector(network=network, gap_s=gap_s).detect,
    }
    detector = SileroDetector(network=network)
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "error rates": {
            name: {
                **{title: rates(recordings, build(AMI_PAUSE_S)) for title, recordings in sets.items()},
                "call, pauses over 0.3 s count": rates(words, build(WORDS_PAUSE_S)),
            }
            for name, build in systems.items()
        },
        "by file": {name: rates([recording], detector.detect)["error"] for name, recording in ami.items()},
        "call, by the level that counts as speech": {
            f"{level_dbfs} dBFS": rates(
                [Recording(line, turns(folder, "call", level_dbfs=level_dbfs))], detector.detect
            )
            for level_dbfs in (-55.0, -50.0, -45.0, -40.0)
        },
        "search": searched(list(ami.values()), network, chosen_on=len(TRN)),
        "milliseconds a second of sound": {
            name: milliseconds(build(AMI_PAUSE_S), line) for name, build in systems.items()
        },
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
