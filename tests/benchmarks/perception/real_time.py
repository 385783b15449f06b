"""What perception costs of the time that is listened to, stage by stage, on one core and on two, and in memory.

    python -m tests.benchmarks.perception.real_time --seconds 3600

Real speech (AMI excerpts and a telephone call, one after the other, again and again) becomes one recording. It is cut
into utterances as `analyze` cuts it, and each stage goes over all utterances; then `analyze` itself goes over the file.
Processor seconds over seconds of sound is the real-time factor; the wall clock beside it means something on a quiet
machine only. Faces are looked for in a talking head of as many seconds as `--faces` says. Peers get ten minutes of the
same sound at the most: pyannote.audio's own pipeline over the embedded networks, and Resemblyzer's way of embedding an
utterance (`embed_utterance`: partials of 1.6 s, 1.3 a second) with the embedded network, which is equal to it.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.signals import SAMPLE_RATE_HZ, StepRequest, Tensors, Utterance, Waveform

FOLDER = Path("../shared/data")
RESULTS = Path(__file__).parent / "results" / "real_time.json"
PEERS_S = 600.0
_PARTIAL = round(1.6 * SAMPLE_RATE_HZ)
_PARTIALS_HZ = 1.3
_WARM_UP = 3
"""Utterances until everything is imported and loaded."""
_PARTIAL_FRAMES, _FRAME = 160, SAMPLE_RATE_HZ // 100


class Stopwatch:
    """Seconds of processor and of wall clock, by stage."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}
        self.wall_s: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        yield
        self.cpu_s[stage] = self.cpu_s.get(stage, 0.0) + time.process_time() - cpu_s
        self.wall_s[stage] = self.wall_s.get(stage, 0.0) + time.perf_counter() - wall_s

    def factors(self, heard_s: dict[str, float]) -> dict[str, dict[str, float]]:
        """Real-time factors by stage, for as many seconds as each has gone over."""
        return {
            stage: {
                "processor": round(self.cpu_s[stage] / heard_s[stage], 5),
                "wall": round(self.wall_s[stage] / heard_s[stage], 5),
                "seconds": round(heard_s[stage], 1),
            }
            for stage in self.cpu_s
        }


def recording(path: Path, seconds: float) -> None:
    """One wav of real speech."""
    from engine.media.encode import Sound, encode_wav
    from tests.benchmarks.perception.recordings import DEV, TRN, sound

    parts: list[Waveform] = []
    names = [*TRN, *DEV, "call"]
    pieces = {name: sound(FOLDER / "diarization", name) for name in names}
    while sum(map(len, parts)) < seconds * SAMPLE_RATE_HZ:
        parts.append(pieces[names[len(parts) % len(names)]])
    whole = np.concatenate(parts)[: round(seconds * SAMPLE_RATE_HZ)]
    path.write_bytes(encode_wav(Sound(whole[None], SAMPLE_RATE_HZ)))


def stages(path: Path, seconds: float, faces_s: float) -> dict[str, Any]:
    """Every stage over the same utterances, and the peers."""
    from engine.build import LONGEST_TURN_S, build_models, build_perceiver
    from engine.config import read_config
    from engine.ingest.voices import Voices
    from engine.media.decode import decode
    from engine.perceive import split
    from schemas.topics import SEGMENT_TYPE
    from simulators.recordings import Conversation, records

    config, watch = read_config(), Stopwatch()
    heard_s: dict[str, float] = dict.fromkeys(
        ("ingest", "decode", "vad and diarization", "encoders", "all models"), seconds
    )
    conversation = Conversation(dialogue_id="hour", files=(path,), voices=Voices())
    with watch("ingest"):
        media = [
            record.value or b""
            for record in records(conversation, run="r", listened=lambda _: None, report=lambda _: None)
            if dict(record.headers)["ce_type"] == SEGMENT_TYPE.encode()
        ]
    with watch("decode"):
        decoded = [decode(value, content_type=None) for value in media]
    perceiver, models = build_perceiver(config), build_models(config)
    for one in decoded[:_WARM_UP]:
        perceiver.listen(one, {}, speaker=None)
    tensors: Tensors = {}
    parts: dict[str, float] = {}
    turns = []
    with watch("vad and diarization"):
        for one in decoded:
            listened = perceiver.listen(one, tensors, speaker=None)
            tensors = listened.tensors
            turns.append([piece for turn in listened.turns for piece in split(turn, longest_s=LONGEST_TURN_S)])
            for name, spent_s in listened.seconds.items():
                parts[name] = parts.get(name, 0.0) + spent_s
    encode = models._encode

    def timed(batch: Any) -> Any:
        with watch("encoders"):
            return encode(batch)

    setattr(models, "_encode", timed)  # noqa: B010 - a stopwatch inside the one call
    state: Tensors = {}
    with watch("all models"):
        for one, found in zip(decoded, turns, strict=True):
            spoken = tuple(Utterance(turn.speaker, _cut(one.audio, turn.span), None) for turn in found)
            if spoken:
                (outcome,) = models.infer([StepRequest(tensors=state, turns=spoken)])
                state = outcome.tensors
    _faces(watch, heard_s, faces_s)
    _peers(watch, heard_s, path, min(seconds, PEERS_S))
    return {
        "utterances": len(media),
        "turns": sum(map(len, turns)),
        "factors": watch.factors(heard_s),
        "wall of vad and of diarization": {name: round(spent_s / seconds, 5) for name, spent_s in parts.items()},
    }


def _cut(audio: Waveform | None, span: Any) -> Waveform | None:
    return None if audio is None else audio[round(span.start_s * SAMPLE_RATE_HZ) : round(span.end_s * SAMPLE_RATE_HZ)]


def _faces(watch: Stopwatch, heard_s: dict[str, float], faces_s: float) -> None:
    from engine.faces.mtcnn import load_mtcnn
    from engine.faces.track import MtcnnLocator
    from engine.media.decode import decode

    film = (FOLDER / "faces" / "hdtf_a.mp4").read_bytes()
    locator, seen_s = MtcnnLocator(detector=load_mtcnn()), 0.0
    while seen_s < faces_s:
        with watch("decode of film"):
            media = decode(film, content_type=None)
        with watch("faces"):
            found = locator.locate(media)
        if not found:
            raise ValueError("no face in a talking head")
        seen_s += media.duration_s
    heard_s |= {"decode of film": seen_s, "faces": seen_s}


def _peers(watch: Stopwatch, heard_s: dict[str, float], path: Path, seconds: float) -> None:
    from engine.diarization.pyannote import PyannotePipeline
    from engine.diarization.resemblyzer import load_resemblyzer
    from engine.media.decode import decode_span

    audio = decode_span(path, start_s=0.0, end_s=seconds).audio
    if audio is None:
        raise ValueError(f"{path} holds no sound")
    pipeline, network = PyannotePipeline.embedded().pipeline, load_resemblyzer()
    with watch("pyannote.audio's pipeline"):
        pipeline({"waveform": torch.from_numpy(audio.copy())[None], "sample_rate": SAMPLE_RATE_HZ})
    step = round(SAMPLE_RATE_HZ / _PARTIALS_HZ)
    with watch("Resemblyzer's way"), torch.inference_mode():
        mels = network.mel(torch.from_numpy(audio.copy())[None])[0]
        frames = [start // _FRAME for start in range(0, len(audio) - _PARTIAL, step)]
        partials = torch.stack([mels[first : first + _PARTIAL_FRAMES] for first in frames])
        embeddings = network(partials, torch.full((len(partials),), _PARTIAL_FRAMES))
    if not bool(torch.isfinite(embeddings).all()):
        raise ValueError("embeddings that are no numbers")
    heard_s |= {"pyannote.audio's pipeline": seconds, "Resemblyzer's way": seconds}


def whole(path: Path, seconds: float) -> dict[str, Any]:
    """`analyze` over the recording, all of it."""
    from actors.cli import main

    def spent() -> float:
        return sum(
            used.ru_utime + used.ru_stime
            for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
        )

    cpu_s, wall_s = spent(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        code = main(
            ["analyze", str(path), "--json", "--rttm", str(out / "out.rttm"), "--report", str(out / "out.html")]
        )
        turns, page = len((out / "out.rttm").read_text().splitlines()), (out / "out.html").stat().st_size
    return {
        "exit code": code,
        "turns": turns,
        "page_kib": page // 1024,
        "processor": round((spent() - cpu_s) / seconds, 5),
        "wall": round((time.perf_counter() - wall_s) / seconds, 5),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def alone(part: str, path: Path, *, seconds: float, faces_s: float, cores: int) -> dict[str, Any]:
    """One part in a process of its own, on so many cores."""
    command = ["taskset", "-c", ",".join(map(str, range(cores))), sys.executable, "-m", __spec__.name]
    command += ["--part", part, "--recording", str(path), "--seconds", str(seconds), "--faces", str(faces_s)]
    command += ["--threads", str(cores)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(cores), "MKL_NUM_THREADS": str(cores)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--faces", type=float, default=60.0)
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--part", choices=["stages", "whole"])
    parser.add_argument("--recording", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    if asked.part is not None:
        torch.set_num_threads(asked.threads)
        found = (
            whole(asked.recording, asked.seconds)
            if asked.part == "whole"
            else stages(asked.recording, asked.seconds, asked.faces)
        )
        print(json.dumps(found))
        return
    report: dict[str, Any] = {
        "measured": datetime.now(tz=UTC).date().isoformat(),
        "seconds": asked.seconds,
        "load before": round(os.getloadavg()[0], 1),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hour.wav"
        recording(path, asked.seconds)
        for cores in (1, 2):
            for part in ("stages", "whole"):
                found = alone(part, path, seconds=asked.seconds, faces_s=asked.faces, cores=cores)
                report[f"{part}, {cores} core{'s' * (cores > 1)}"] = found
                print(json.dumps({part: found}, indent=2), flush=True)
    report["load after"] = round(os.getloadavg()[0], 1)
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
