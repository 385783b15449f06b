"""Acted calls: recordings of two speakers take turns in a random order: nothing but the voice tells the label."""

from collections.abc import Sequence

import numpy as np

from engine.training.corpora.base import Dialogue, Turn, Voice


def dialogues(voices: Sequence[Voice], *, turns: int, copies: int, seed: int) -> list[Dialogue]:
    """Every recording `copies` times, in dialogues of at most `turns` turns; an odd speaker is left alone."""
    rng = np.random.default_rng(seed)
    speakers = sorted({voice.speaker for voice in voices})
    calls: list[Dialogue] = []
    for _ in range(copies):
        order = rng.permutation(len(speakers)).tolist()
        for first in range(0, len(order), 2):
            pair = [_shuffled(voices, speakers[place], rng) for place in order[first : first + 2]]
            call = [lines[place] for place in range(max(map(len, pair))) for lines in pair if place < len(lines)]
            calls.extend(tuple(call[start : start + turns]) for start in range(0, len(call), turns))
    return calls


def _shuffled(voices: Sequence[Voice], speaker: str, rng: np.random.Generator) -> list[Turn]:
    own = [voice for voice in voices if voice.speaker == speaker]
    rng.shuffle(own)
    return [Turn.heard(voice) for voice in own]
