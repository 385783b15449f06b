"""Who speaks when: error rates on twelve AMI excerpts and a telephone call, and how long ids last.

    python -m tests.benchmarks.perception.diarization --data ../shared/data \
        --json tests/benchmarks/perception/results/diarization.json

Diarization error rate of pyannote.metrics in percent of the reference's speech: no collar, overlap counted. Offline
sees the whole recording. Online is what a stream does: the endpointer cuts segments as speech ends, each is given once,
and what was said of it stays, whatever ids are folded into one later. Settings that are searched over are chosen on
`trn`; leave one out chooses them for each file on the other eleven.
"""

import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

from engine.build import build_segment_detector
from engine.diarization.base import NOBODY, Enrolled
from engine.diarization.clustering import ClusteringSettings
from engine.diarization.online import OnlineDiarizer
from engine.diarization.registry import RegistrySettings
from engine.diarization.resemblyzer import load_resemblyzer
from engine.diarization.separator import VoiceSeparator
from engine.diarization.windows import Embedder, WindowEmbedder, Windows
from engine.ingest.endpoint import Endpointer, EndpointSettings
from engine.layers.silero import load_silero
from engine.signals import SAMPLE_RATE_HZ, Span, Tensors, Waveform
from engine.vad.silero import SileroDetector
from tests.benchmarks.perception.recordings import DEV, SPEAKERS, TRN, sound, turns

Spoken = Sequence[tuple[Span, str]]
Parts = NDArray[np.float64]
"""Missed, false, confused and all of the reference's speech, in seconds."""

ONE_VOICE = (0.84, 0.86, 0.88, 0.9, 0.92)
NEW_VOICE = (0.85, 0.87, 0.89, 0.91)
PIECE_S = 2.5


class Remembering:
    """An embedder that answers what it was asked before without computing it again: for searches over settings."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._answers: dict[bytes, Windows] = {}

    def embed(self, audio: Waveform, speech: Sequence[Span]) -> Windows:
        key = blake2b(audio.tobytes() + repr(speech).encode()).digest()
        if key not in self._answers:
            self._answers[key] = self._embedder.embed(audio, speech)
        return self._answers[key]


@dataclass(frozen=True)
class Recording:
    """A sound, who speaks in it, and the segments a stream of it is cut into."""

    audio: Waveform
    reference: Annotation
    segments: Sequence[Span]


@dataclass(frozen=True)
class Bench:
    """The parts that stay the same whatever the settings."""

    whole: Callable[[Waveform], Sequence[Span]]
    """Finds the speech of a recording."""
    segment: Callable[[Waveform], Sequence[Span]]
    """Finds the speech of a segment."""
    embedder: Embedder

    def offline(
        self,
        audio: Waveform,
        clustering: ClusteringSettings,
        speakers: int | None = None,
        enrolled: Enrolled = NOBODY,
    ) -> Spoken:
        separator = VoiceSeparator(
            detect=self.whole, embedder=self.embedder, clustering=clustering, registry=RegistrySettings()
        )
        turns = separator.label(audio, speakers=speakers, known=enrolled)
        return [(turn.span, str(turn.voice)) for turn in turns]

    def diarizer(self, registry: RegistrySettings) -> OnlineDiarizer:
        separator = VoiceSeparator(
            detect=self.segment, embedder=self.embedder, clustering=ClusteringSettings(), registry=registry
        )
        return OnlineDiarizer(pipeline=separator, registry=registry)

    def online(self, recording: Recording, registry: RegistrySettings, enrolled: Enrolled = NOBODY) -> Spoken:
        diarizer = self.diarizer(registry)
        tensors: Tensors = {}
        heard: list[tuple[Span, str]] = []
        for segment in recording.segments:
            piece = _piece(recording.audio, segment)
            whole = [Span(0.0, len(piece) / SAMPLE_RATE_HZ)]
            answer = diarizer.assign(piece, whole, tensors, enrolled=enrolled)
            tensors = answer.tensors
            at = segment.start_s
            heard += [(Span(at + t.span.start_s, at + t.span.end_s), t.speaker) for t in answer.turns]
        return heard


def load(folder: Path, name: str) -> Recording:
    audio = sound(folder, name)
    endpointer = Endpointer(settings=EndpointSettings())
    samples = (np.clip(audio, -1, 1) * 32767).astype(np.int16)
    cuts = [*endpointer.feed(samples), *endpointer.finish()]
    return Recording(audio, turns(folder, name), [Span(cut.start_s, cut.end_s) for cut in cuts])


def parts(recording: Recording, spoken: Spoken) -> Parts:
    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    extent = Timeline([Segment(0, len(recording.audio) / SAMPLE_RATE_HZ)])
    hypothesis = Annotation()
    for index, (span, speaker) in enumerate(spoken):
        hypothesis[Segment(span.start_s, span.end_s), index] = speaker
    found = metric.compute_components(recording.reference, hypothesis, uem=extent)
    return np.array([found[each] for each in ("missed detection", "false alarm", "confusion", "total")])


def percent(table: Parts) -> dict[str, float]:
    """Of one recording, or of several `[F, 4]` together."""
    missed, false, confused, total = np.atleast_2d(table).sum(axis=0)
    rates = {"error": missed + false + confused, "missed": missed, "false": false, "confusion": confused}
    return {name: round(100 * float(seconds / total), 1) for name, seconds in rates.items()}


def everyone(spoken: Spoken) -> Spoken:
    return [(span, "everyone") for span, _ in spoken]


def headline(tables: Parts, chosen: Sequence[int], names: Sequence[str]) -> dict[str, object]:
    """Leave one out: `tables` `[S, F, 4]` by setting and file, `chosen` `[F]`; files drawn anew 2000 times."""
    held_out = np.stack([tables[setting, file] for file, setting in enumerate(chosen)])
    random = np.random.default_rng(0)
    drawn = held_out[random.integers(0, len(names), size=(2000, len(names)))].sum(axis=1)
    rates = 100 * drawn[:, :3].sum(axis=1) / drawn[:, 3]
    return {
        **percent(held_out),
        "interval of 95 %": [round(float(edge), 1) for edge in np.percentile(rates, [2.5, 97.5])],
        "by file": {name: percent(row) for name, row in zip(names, held_out, strict=True)},
    }


def searched(
    settings: Sequence[float], names: Sequence[str], score: Callable[[float, str], Parts]
) -> tuple[dict[str, object], float]:
    """Leave one out over all files, and the setting that is best on `trn`."""
    tables = np.array([[score(setting, name) for name in names] for setting in settings])
    wrong = tables[..., :3].sum(axis=2)
    chosen = [int((wrong.sum(axis=1) - wrong[:, one]).argmin()) for one in range(len(names))]
    trn = tables[:, : len(TRN)]
    report = {
        "errors on trn": {str(s): percent(table)["error"] for s, table in zip(settings, trn, strict=True)},
        "leave one out": headline(tables, chosen, names),
        "chosen": [settings[index] for index in chosen],
    }
    return report, settings[int(trn[..., :3].sum(axis=(1, 2)).argmin())]


def enrolled_from(bench: Bench, other: Recording) -> Enrolled:
    """Centroids of the voices of a recording, each from where nobody else speaks in it."""
    voices = {}
    for speaker in other.reference.labels():
        rest = other.reference.subset([speaker], invert=True).get_timeline().support()
        alone = other.reference.label_timeline(speaker).support().extrude(rest)
        spans = [Span(part.start, part.end) for part in alone]
        voices[str(speaker)] = bench.embedder.embed(other.audio, spans).embeddings.mean(axis=0)
    return voices


def identities(bench: Bench, folder: Path, *, segments: int) -> dict[str, object]:
    """A dialogue of segments of the call's two tracks, in order; a turn counts by the id its speaker has mostly."""
    tracks = {speaker: sound(folder, speaker) for speaker in SPEAKERS}
    pieces = []
    for speaker in SPEAKERS:
        for part, _ in turns(folder, speaker).itertracks():
            count = max(1, round(part.duration / PIECE_S))
            edges = np.linspace(part.start, part.end, count + 1)
            pieces += [(Span(float(a), float(b)), speaker) for a, b in pairwise(edges)]
    pieces = sorted(pieces, key=lambda piece: piece[0].start_s)[:segments]
    diarizer = bench.diarizer(RegistrySettings())
    tensors: Tensors = {}
    heard: dict[str, Counter[str]] = {speaker: Counter() for speaker in SPEAKERS}
    for span, speaker in pieces:
        piece = _piece(tracks[speaker], span)
        answer = diarizer.assign(piece, [Span(0.0, len(piece) / SAMPLE_RATE_HZ)], tensors)
        tensors = answer.tensors
        heard[speaker].update(turn.speaker for turn in answer.turns)
    total = sum(sum(ids.values()) for ids in heard.values())
    kept = sum(max(ids.values(), default=0) for ids in heard.values())
    return {
        "segments": len(pieces),
        "turns": total,
        "changed": total - kept,
        "percent": round(100 * (total - kept) / total, 1),
        "ids": {speaker: dict(ids) for speaker, ids in heard.items()},
    }


def measure(folder: Path) -> dict[str, object]:
    bench = Bench(
        whole=SileroDetector(network=load_silero()).detect,
        segment=build_segment_detector().detect,
        embedder=Remembering(WindowEmbedder(encoder=load_resemblyzer())),
    )
    ami = (*TRN, *DEV)
    recordings = {name: load(folder, name) for name in (*ami, "call")}

    def offline(one_voice: float, name: str) -> Parts:
        clustering = ClusteringSettings(one_voice=one_voice)
        return parts(recordings[name], bench.offline(recordings[name].audio, clustering))

    def online(new_voice: float, name: str) -> Parts:
        registry = replace(RegistrySettings(), new_voice=new_voice)
        return parts(recordings[name], bench.online(recordings[name], registry))

    left_out, best_offline = searched(ONE_VOICE, ami, offline)
    left_out_online, best_online = searched(NEW_VOICE, ami, online)
    report: dict[str, object] = {
        "date": datetime.now(UTC).date().isoformat(),
        "offline": {**left_out, "best on trn": best_offline},
        "online": {**left_out_online, "best on trn": best_online},
    }
    clustering, registry = ClusteringSettings(), RegistrySettings()
    others = {"dev00": "dev01", "dev01": "dev00"}
    for title, names in {"AMI trn": TRN, "AMI dev": DEV, "call": ("call",)}.items():
        rows: dict[str, list[Parts]] = {}
        voices: dict[str, list[str]] = {}
        for name in names:
            recording = recordings[name]
            spoken = {
                "offline": bench.offline(recording.audio, clustering),
                "offline, number of speakers given": bench.offline(
                    recording.audio, clustering, speakers=len(recording.reference.labels())
                ),
                "online": bench.online(recording, registry),
            }
            if name in others:
                enrolled = enrolled_from(bench, recordings[others[name]])
                spoken["offline, voices enrolled from the other file"] = bench.offline(
                    recording.audio, clustering, enrolled=enrolled
                )
                spoken["online, voices enrolled from the other file"] = bench.online(recording, registry, enrolled)
            for system in ("offline", "online"):
                spoken[f"{system}, everyone is one speaker"] = everyone(spoken[system])
            for system, each in spoken.items():
                rows.setdefault(system, []).append(parts(recording, each))
                voices.setdefault(system, []).append(f"{len({speaker for _, speaker in each})}")
        report[title] = {
            system: {**percent(np.array(table)), "voices": ", ".join(voices[system])} for system, table in rows.items()
        }
    report["ids over a dialogue"] = identities(bench, folder, segments=100)
    return report


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report = json.dumps(measure(arguments.data / "diarization"), indent=2)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(report + "\n")
    print(report)


def _piece(audio: Waveform, span: Span) -> Waveform:
    return np.ascontiguousarray(audio[round(span.start_s * SAMPLE_RATE_HZ) : round(span.end_s * SAMPLE_RATE_HZ)])


if __name__ == "__main__":
    main()
