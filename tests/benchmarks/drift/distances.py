"""How far held-out turns are from a checkpoint's training, as they are and as lines, rooms and cameras change them.

env OMP_NUM_THREADS=1 .venv/bin/python tests/benchmarks/drift/distances.py
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from engine import artifact, parts
from engine.build import build_vad
from engine.calibration import probabilities
from engine.config import Config
from engine.drift.bins import Bins, tally
from engine.drift.reference import Reference, read
from engine.drift.stability import stability_index
from engine.media.decode import decode_span
from engine.signals import SAMPLE_RATE_HZ
from engine.training.corpora import acted, emodb, fer2013, ravdess, scripted
from engine.training.corpora.base import NO_FACES, Dialogue, FaceSet, Turn, Voice
from engine.training.learned.dialogues import predict
from engine.training.material import tokens
from engine.training.material.batches import Assembler, only
from engine.training.voices.conditions import CONDITIONS
from schemas.labels import EMOTIONS

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
OUT = Path(__file__).parent / "results"
LINES = ("clean", "babble", "telephone")
_LEAST_S = 0.5


@dataclass(frozen=True, slots=True)
class Case:
    """Turns that are not of the training, in dialogues, and their media."""

    name: str
    dialogues: Sequence[Dialogue]
    voices: Sequence[Voice]
    faces: FaceSet = NO_FACES


def scripted_cases() -> Iterator[Case]:
    """Held-out actors in MELD's order of speakers and labels, with FER2013's faces."""
    for part in ("dev", "test"):
        voices = ravdess.read(DATA / "ravdess_speech_16k.tar", actors=scripted.ACTORS[part])
        whole = scripted.read(DATA / "scripted" / f"scripted_{part}.csv")
        heard = [tuple(only(turn, voice=True) for turn in one) for one in whole]
        for line in LINES:
            yield Case(f"scripted {part}, voices, {line}", heard, list(CONDITIONS[line](voices, voices)))
        seen = [tuple(only(turn, voice=False) for turn in one) for one in whole]
        faces = fer2013.Fer2013(DATA / "fer2013.npz").source(part)
        for camera, changed in (("clean", faces), ("blurred", blurred(faces)), ("dark", dark(faces))):
            yield Case(f"scripted {part}, faces, {camera}", seen, [], changed)


def german_cases() -> Iterator[Case]:
    """EmoDB's speakers 12 and 14, those of the bundled call, in acted calls."""
    voices = emodb.read(DATA / "emodb_16k.tar", speakers=emodb.BUNDLED_SPEAKERS)
    calls = acted.dialogues(voices, turns=10, copies=1, seed=0)
    for line in LINES:
        yield Case(f"German calls, {line}", calls, list(CONDITIONS[line](voices, voices)))


def real_call() -> Case:
    """A real telephone call, a track a speaker, cut into the stretches that the engine's detector finds."""
    vad, voices = build_vad(Config()), []
    for speaker in ("agent", "caller"):
        audio = decode_span(DATA / "diarization" / f"call40_{speaker}_8k.flac").audio
        for span in () if audio is None else vad.detect(audio):
            cut = np.asarray(audio)[round(span.start_s * SAMPLE_RATE_HZ) : round(span.end_s * SAMPLE_RATE_HZ)]
            if span.duration_s >= _LEAST_S:
                voices.append(Voice(name=f"{span.start_s:08.3f} {speaker}", speaker=speaker, label=0, audio=cut))
    call = tuple(Turn.heard(voice) for voice in sorted(voices, key=lambda voice: voice.name))
    return Case("a real telephone call", [call], voices)


def blurred(faces: FaceSet) -> FaceSet:
    """As from a camera far away: a quarter of the lines."""
    pixels = torch.from_numpy(faces.images)[:, None].float()
    small = F.interpolate(pixels, scale_factor=0.25, mode="area")
    back = F.interpolate(small, size=pixels.shape[2:], mode="bilinear", align_corners=False)
    return replace(faces, images=back[:, 0].round().to(torch.uint8).numpy())


def dark(faces: FaceSet) -> FaceSet:
    """A tenth of the light, in as many steps of grey."""
    return replace(faces, images=faces.images // 10)


def measured(loaded: parts.Parts, reference: Reference, case: Case) -> dict[str, Any]:
    """The indices of a case, all of its turns at once."""
    turns = list(chain.from_iterable(case.dialogues))
    bank = tokens.fill(
        voice_encoder=loaded.voice,
        face_encoder=loaded.face,
        voices=case.voices,
        faces=case.faces,
        face_indices=[turn.face for turn in turns if turn.face is not None],
        versions=1,
        seed=0,
    )
    row: dict[str, Any] = {"case": case.name, "turns": len(turns), "speakers": len({v.speaker for v in case.voices})}
    heard = [bank.voices[turn.voice][0] for turn in turns if turn.voice is not None]
    seen = [bank.faces[turn.face][0] for turn in turns if turn.face is not None]
    if heard:
        row["audio"] = index(reference.features["audio"], heard)
    if seen:
        row["video"] = index(reference.features["video"], seen)
    using = Assembler(bank=bank, audio_width=loaded.voice.width, video_width=loaded.face.width)
    _, logits, _ = predict(loaded.fusion, loaded.decision, case.dialogues, using)
    chances = probabilities(logits, temperature=loaded.temperature)
    answered = chances[chances.max(axis=1) >= loaded.abstain_below].argmax(axis=1)
    expected = np.array([[float(reference.labels[label]) for label in EMOTIONS]])
    row["labels"] = stability_index(expected, np.bincount(answered, minlength=len(EMOTIONS))[None].astype(float))
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}


def index(bins: Bins, turns: Sequence[torch.Tensor]) -> float:
    """PSI of turns by their tokens, `[T, D]` each."""
    pooled = torch.stack([one.mean(0) for one in turns]).double().numpy()
    return stability_index(bins.counts, tally(bins.place(pooled), bins.counts.shape[1]))


def main() -> None:
    """Write a table for each checkpoint that comes with Turntone."""
    torch.set_num_threads(1)
    for name in artifact.SHIPPED:
        found = artifact.read(artifact.find(name))
        loaded, reference = parts.load(found), read(found.folder, model_id=found.model_id)
        if reference is None:
            command = f"python -m engine.training.written.reference {name} --data {DATA}"
            raise SystemExit(f"{name} has no reference: {command}")
        rows = []
        for case in chain(scripted_cases(), german_cases(), [real_call()]):
            if found.sees or case.voices:
                rows.append(measured(loaded, reference, case))
                print(name, rows[-1], flush=True)
        said = {"model_id": found.model_id, "reference": reference.source, "rows": rows}
        (OUT / f"{name}.json").write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    main()
