"""The task in which attention has something to attend to: scripted dialogues, turn by turn, from raw media."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from engine import artifact, parts
from engine.features.builders import logmel
from engine.features.voice import standardise
from engine.training.comparison.task import Task, Tokens
from engine.training.corpora import fer2013, ravdess, scripted
from engine.training.corpora.base import Turn, Voice
from engine.training.material import tokens
from engine.training.protocols import Fold
from schemas.labels import EMOTIONS

TURNS = {"train": 2000, "dev": 600}
"""At least so many of a part, in whole dialogues drawn once; the test part is whole."""

_HOP_SAMPLES, _FRAMES_A_TOKEN = 256, 10
_PARTS: tuple[fer2013.Part, ...] = ("train", "dev", "test")
CONDITIONS = ("clean", "audio noise", "video noise")


def clean(data: Path) -> Task:
    """Log-mel frames as audio tokens, the cells of the face's last map as video tokens, seven emotions.

    The face goes through the frozen encoder of the default checkpoint. The epoch is chosen on the corpus's own dev
    part: dialogues of the training part repeat one another's recordings, so they would choose a model that knows them.
    """
    turns = {part: _turns(data, part) for part in _PARTS}
    rows = [turn for part in turns.values() for _, turn in part]
    ends = np.cumsum([len(part) for part in turns.values()])
    train, dev, test = (np.arange(end - len(part), end) for end, part in zip(ends, turns.values(), strict=True))
    actors = [actor for part in scripted.ACTORS.values() for actor in part]
    spoken = _voices(ravdess.read(data / "ravdess_speech_16k.tar", actors=actors))
    return Task(
        name="scripted",
        audio=_padded([spoken[str(turn.voice)] for turn in rows]),
        video=_padded([face for part, some in turns.items() for face in _faces(data, part, [t for _, t in some])]),
        target=torch.tensor([turn.label for turn in rows]),
        groups=np.array([name for part in turns.values() for name, _ in part]),
        folds=(Fold(train, test, dev),),
        metric="weighted_f1",
        outputs=len(EMOTIONS),
        note=f"voice: 64 log-mel, 160 ms a token, 19 to 33 of them; face: nine cells of one picture; {len(train)} turns"
        f" of train, {len(dev)} of dev (other actors, other faces) to choose the epoch, in whole dialogues; the whole"
        " test part; single turns without history",
    )


def corrupted(task: Task, *, seed: int = 0) -> Task:
    """The same, but a third of the utterances has noise for its voice, another third for its face, in every part."""
    draw = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    which = draw.integers(0, len(CONDITIONS), len(task.groups))
    learn = task.folds[0].train
    return Task(
        name="scripted-corrupted",
        audio=_noisy(task.audio, torch.from_numpy(which == 1), learn, generator),
        video=_noisy(task.video, torch.from_numpy(which == 2), learn, generator),
        target=task.target,
        groups=task.groups,
        folds=task.folds,
        metric=task.metric,
        outputs=task.outputs,
        note="`scripted`; in a third of the utterances the voice is noise, in another third the face, in every part",
        conditions=np.array(CONDITIONS)[which],
    )


def _turns(data: Path, part: fer2013.Part) -> list[tuple[str, Turn]]:
    """The turns of a part, each with the name of its dialogue."""
    dialogues = scripted.read(data / "scripted" / f"scripted_{part}.csv")
    most = TURNS.get(part, sum(map(len, dialogues)))
    chosen: list[tuple[str, Turn]] = []
    for index in np.random.default_rng(0).permutation(len(dialogues)):
        if len(chosen) >= most:
            break
        chosen.extend((f"{part} {index}", turn) for turn in dialogues[index])
    return chosen


def _voices(voices: list[Voice]) -> dict[str, Tensor]:
    """Standardised log-mel of every recording, each token the mean of a few frames."""
    spectrum = logmel(n_mels=64, n_fft=512, win_length=512, hop_length=_HOP_SAMPLES, top_db=60.0)
    found = {}
    for voice in voices:
        audio = torch.from_numpy(voice.audio)[None]
        decibels, mask = spectrum.extract(audio, torch.ones_like(audio, dtype=torch.bool))
        frames = standardise(decibels, mask)[0]
        found[voice.name] = torch.stack([group.mean(dim=0) for group in torch.split(frames, _FRAMES_A_TOKEN)])
    return found


def _faces(data: Path, part: fer2013.Part, turns: list[Turn]) -> list[Tensor]:
    encoders = parts.load(artifact.read(artifact.find("default")))
    bank = tokens.fill(
        voice_encoder=encoders.voice,
        face_encoder=encoders.face,
        voices=[],
        faces=fer2013.Fer2013(data / "fer2013.npz").source(part),
        face_indices=[turn.face for turn in turns if turn.face is not None],
        versions=1,
        seed=0,
    )
    return [bank.faces[turn.face][0] for turn in turns if turn.face is not None]


def _padded(rows: list[Tensor]) -> Tokens:
    lengths = torch.tensor([len(row) for row in rows])
    padded = pad_sequence(rows, batch_first=True)
    return Tokens(padded, torch.arange(padded.shape[1]) < lengths[:, None])


def _noisy(tokens: Tokens, which: Tensor, learn: NDArray[np.int64], generator: torch.Generator) -> Tokens:
    """Those rows as noise with the training part's mean and spread of every feature."""
    real = tokens.values[learn][tokens.mask[learn]]
    noise = torch.randn(tokens.values.shape, generator=generator) * real.std(dim=0) + real.mean(dim=0)
    return Tokens(torch.where(which[:, None, None], noise, tokens.values), tokens.mask)
