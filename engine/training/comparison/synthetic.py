"""A made-up task that says what a fusion model can do: it needs both modalities."""

import numpy as np
import torch

from engine.training.comparison.task import Task, Tokens
from engine.training.protocols import Fold

_NAMED = 4
"""Features of a token: which slot it is (2), its value, noise."""


def both_needed(*, utterances: int = 3000, noise: float = 0.1, seed: int = 0) -> Task:
    """The label is the exclusive or of a bit in the audio and a bit in the video.

    The audio holds +1 in one of two slots and -1 in the other, in an order that is its bit; the video's tokens name one
    of the slots, its bit; the label is the sign in the slot that is named. Either modality alone is a coin.
    """
    draw = np.random.default_rng(seed)
    audio_bit, video_bit = draw.integers(0, 2, (2, utterances))
    audio = draw.normal(0, noise, (utterances, 2, _NAMED))
    audio[:, 0, 0] += 1
    audio[:, 1, 1] += 1
    audio[:, 0, 2] += 1 - 2 * audio_bit
    audio[:, 1, 2] -= 1 - 2 * audio_bit
    video = draw.normal(0, noise, (utterances, 2, _NAMED))
    video[np.arange(utterances), :, video_bit] += 1
    return _task("both needed (made up)", audio, video, audio_bit ^ video_bit)


def _task(name: str, audio: np.ndarray, video: np.ndarray, label: np.ndarray) -> Task:
    count = len(label)
    cut = count * 2 // 3
    tokens = [
        Tokens(torch.from_numpy(side).float(), torch.ones(side.shape[:2], dtype=torch.bool)) for side in (audio, video)
    ]
    return Task(
        name=name,
        audio=tokens[0],
        video=tokens[1],
        target=torch.from_numpy(label.astype(np.int64)),
        groups=np.arange(count).astype(str),
        folds=(Fold(np.arange(cut), np.arange(cut, count)),),
        metric="accuracy",
        outputs=2,
        note="made up",
    )
