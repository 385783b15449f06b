"""How well the embedded diarization does: error rates on AMI excerpts, ids over dialogues of EmoDB voices, time.

    PYTHONPATH=. python tests/benchmarks/perception/diarization.py ../shared/data --json runs/diarization.json

Error rates are without a collar and count overlap (pyannote.metrics). Online means: the excerpt is cut into segments
where speech pauses, each segment is given once, and what was said of it stays. Pauses of a voice below `PAUSE_S` are
bridged.
"""

import io
import json
import tarfile
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import av
import numpy as np
import torch
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate
from scipy.optimize import linear_sum_assignment

from engine.diarization.online import OnlineDiarizer
from engine.diarization.pyannote import PyannotePipeline
from engine.diarization.registry import RegistrySettings
from engine.layers.silero import FRAME, load_silero
from engine.signals import SAMPLE_RATE_HZ, Span, Tensors, Waveform

LONGEST_S = 6.0
PAUSE_S = 0.5
PADDING_S = 0.1
SPEECH = 0.2
WHOLE_RECORDING = 0.4
"""Cosine distance within a voice over a whole recording; a segment, with fewer windows, wants a smaller one."""


def decode(source: str | io.BytesIO) -> Waveform:
    with av.open(source) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def reference(rttm: Path, name: str) -> Annotation:
    turns = Annotation(uri=name)
    for index, line in enumerate(rttm.read_text().splitlines()):
        _, uri, _, start, duration, _, _, speaker, *_ = line.split()
        if uri == name:
            turns[Segment(float(start), float(start) + float(duration)), index] = speaker
    return turns


def utterances(audio: Waveform) -> list[Span]:
    """Stretches of speech with pauses shorter than `PAUSE_S`, at most `LONGEST_S` long."""
    with torch.inference_mode():
        speech = load_silero()(torch.from_numpy(audio)[None])[0].numpy() > SPEECH
    frame_s = FRAME / SAMPLE_RATE_HZ
    spans: list[Span] = []
    for index in np.flatnonzero(speech):
        start_s, end_s = index * frame_s, (index + 1) * frame_s
        last = spans[-1] if spans else None
        if last and start_s - last.end_s < PAUSE_S and end_s - last.start_s <= LONGEST_S:
            spans[-1] = Span(last.start_s, end_s)
        else:
            spans.append(Span(start_s, end_s))
    return spans


def online(diarizer: OnlineDiarizer, audio: Waveform) -> Annotation:
    turns = Annotation()
    tensors: Tensors = {}
    for span in utterances(audio):
        start_s = max(0.0, span.start_s - PADDING_S)
        piece = audio[round(start_s * SAMPLE_RATE_HZ) : round((span.end_s + PADDING_S) * SAMPLE_RATE_HZ)]
        answer = diarizer.assign(piece, [Span(0.0, len(piece) / SAMPLE_RATE_HZ)], tensors)
        tensors = answer.tensors
        for turn in answer.turns:
            turns[Segment(start_s + turn.span.start_s, start_s + turn.span.end_s)] = turn.speaker
    return turns


def offline(pipeline: PyannotePipeline, audio: Waveform) -> Annotation:
    turns = Annotation()
    for turn in pipeline.separate(audio).turns:
        turns[Segment(turn.span.start_s, turn.span.end_s)] = turn.voice
    return turns


def everyone(turns: Annotation) -> Annotation:
    return turns.rename_labels(mapping=dict.fromkeys(turns.labels(), "everyone"))


def error_rates(folder: Path, names: Sequence[str], system: Callable[[Waveform], Annotation]) -> dict[str, float]:
    """Percent of the reference's speech; the parts add up to the whole."""
    metric = DiarizationErrorRate()
    rttm = folder / ("ami_train.rttm" if names[0].startswith("trn") else "ami_development.rttm")
    for name in names:
        hypothesis = system(decode(str(folder / f"{name}.flac"))).support(PAUSE_S)
        metric(reference(rttm, name), hypothesis, uem=Timeline([Segment(0, 30)]))
    parts = {part: metric[part] / metric["total"] for part in ("missed detection", "false alarm", "confusion")}
    return {name: round(100 * value, 1) for name, value in {"error": abs(metric), **parts}.items()}


def emodb_voices(path: Path, *, emotions: str) -> dict[str, list[Waveform]]:
    voices: dict[str, list[Waveform]] = {}
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            name = Path(member.name).name
            stream = archive.extractfile(member) if name.endswith(".flac") and name[5] in emotions else None
            if stream is not None:
                voices.setdefault(name[:2], []).append(decode(io.BytesIO(stream.read())))
    return voices


def id_accuracy(diarizer: OnlineDiarizer, voices: dict[str, list[Waveform]], *, together: int) -> dict[str, float]:
    """Dialogues of `together` voices in turn, at most ten utterances each, every combination once.

    A segment counts as right when its longest turn has the id that is its speaker's under the best one-to-one match.
    """
    random = np.random.default_rng(0)
    shares, ids = [], []
    for speakers in combinations(voices, together):
        heard: Counter[tuple[str, str]] = Counter()
        segments = 0
        tensors: Tensors = {}
        for index in random.permutation(min(len(voices[speaker]) for speaker in speakers))[:10]:
            for speaker in speakers:
                segments += 1
                audio = voices[speaker][index]
                answer = diarizer.assign(audio, [Span(0.0, len(audio) / SAMPLE_RATE_HZ)], tensors)
                tensors = answer.tensors
                if answer.turns:
                    heard[speaker, max(answer.turns, key=lambda turn: turn.span.duration_s).speaker] += 1
        found = sorted({identity for _, identity in heard})
        table = np.array([[heard[speaker, identity] for identity in found] for speaker in speakers])
        shares.append(table[linear_sum_assignment(-table)].sum() / segments)
        ids.append(len(found))
    return {"right": round(100 * float(np.mean(shares)), 1), "ids": round(float(np.mean(ids)), 1)}


def milliseconds(pipeline: PyannotePipeline, audio: Waveform) -> dict[str, float]:
    """Median time of one segment, by its length."""
    times = {}
    for length_s in (1, 3, 5, 10, 30):
        piece, spent = audio[: length_s * SAMPLE_RATE_HZ], []
        for _ in range(7):
            start_s = time.perf_counter()
            pipeline.separate(piece)
            spent.append(time.perf_counter() - start_s)
        times[f"{length_s} s"] = round(1000 * float(np.median(spent)), 1)
    return times


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    start_s = time.perf_counter()
    pipeline = PyannotePipeline.embedded()
    loaded_s = time.perf_counter() - start_s
    whole = PyannotePipeline.embedded(voice_distance=WHOLE_RECORDING)
    diarizer = OnlineDiarizer(pipeline=pipeline, registry=RegistrySettings())
    systems: dict[str, Callable[[Waveform], Annotation]] = {
        "online registry": lambda audio: online(diarizer, audio),
        "online, everyone is one speaker": lambda audio: everyone(online(diarizer, audio)),
        "offline pipeline": lambda audio: offline(whole, audio),
        "offline, everyone is one speaker": lambda audio: everyone(offline(whole, audio)),
    }
    folder = arguments.data / "diarization"
    sets = {"AMI trn": [f"trn{i:02d}" for i in range(10)], "AMI dev": ["dev00", "dev01"]}
    emotions = {"neutral": "N", "all emotions": "WLEAFTN"}
    voices = {
        title: emodb_voices(arguments.data / "emodb_16k.tar", emotions=letters) for title, letters in emotions.items()
    }
    report = {
        "error rates": {
            title: {name: error_rates(folder, names, system) for name, system in systems.items()}
            for title, names in sets.items()
        },
        "ids, EmoDB": {
            f"{n} voices, {title}": id_accuracy(diarizer, recordings, together=n)
            for title, recordings in voices.items()
            for n in (2, 3)
        },
        "milliseconds a segment": milliseconds(pipeline, decode(str(folder / "trn03.flac"))),
        "seconds to build": round(loaded_s, 1),
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
