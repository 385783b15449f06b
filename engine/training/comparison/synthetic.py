"""Made-up tasks that say what a fusion model can do: one needs both modalities, one needs the right one."""

import numpy as np
import torch

from engine.training.comparison.task import Task, Tokens
from engine.training.protocols import Fold

_NAMED = 4
"""Features of a token: which slot it is (2), its value, noise."""
_SIGNS = 4
"""Labels of the second task; as many features again mean nothing."""


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


def noisy_modality(*, utterances: int = 3000, clips: int = 8, hum: float = 2.0, seed: int = 0) -> Task:
    """The label is in both modalities, but in two of five utterances the audio is drowned, in two others the video.

    A clean clip is the sign of the label, one of four, under noise of its own size. A drowned clip knows nothing of
    the label: a hum, `hum` times as loud in every feature, the same in all clips of the utterance, under the same
    noise, and a mark that tells it from a clean one. Nothing but the mark says which modality to believe, and no sum
    over features can act on it: the task is made up to reward what can switch features, and a gate is one such thing.
    """
    draw = np.random.default_rng(seed)
    label = draw.integers(0, _SIGNS, utterances)
    state = draw.choice(3, utterances, p=(0.2, 0.4, 0.4))
    audio, video = (_clips(draw, label, state == drowned, clips=clips, hum=hum) for drowned in (1, 2))
    conditions = np.array(("clean", "audio noise", "video noise"))[state]
    return _task("noisy modality (made up)", audio, video, label, outputs=_SIGNS, conditions=conditions)


def _clips(draw: np.random.Generator, label: np.ndarray, drowned: np.ndarray, *, clips: int, hum: float) -> np.ndarray:
    """`[N, L, D]`: the label's sign, features without any meaning, the mark."""
    sign = np.eye(_SIGNS, 2 * _SIGNS)[label]
    heard = np.where(drowned[:, None], hum * draw.normal(0, 1, sign.shape), sign)
    marked = np.concatenate([heard, 2.0 * drowned[:, None]], axis=1)
    spread = np.array([1.0] * 2 * _SIGNS + [0.2])
    noise: np.ndarray = draw.normal(0, 1, (len(label), clips, len(spread)))
    return np.asarray(marked[:, None] + noise * spread)


def _task(
    name: str,
    audio: np.ndarray,
    video: np.ndarray,
    label: np.ndarray,
    *,
    outputs: int = 2,
    conditions: np.ndarray | None = None,
) -> Task:
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
        outputs=outputs,
        note="made up",
        conditions=conditions,
    )
