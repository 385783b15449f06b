"""Whose voices: the turns of women and of men, and those of each language, where a corpus has voices of several."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from engine.training.corpora.base import Dialogue, Sex, Turn

_CALLED: dict[Sex, str] = {"female": "women", "male": "men"}


def voices(dialogues: Sequence[Dialogue]) -> str | None:
    """`women`, `men`, `women and men`; None: no voice is known to be of either."""
    return " and ".join(_sexes(_heard(dialogues))) or None


def language(dialogues: Sequence[Dialogue]) -> str | None:
    """What is spoken; None: nothing, or the corpus does not say."""
    return " and ".join(_languages(_heard(dialogues))) or None


def by_voices(dialogues: Sequence[Dialogue]) -> list[tuple[str, NDArray[np.int64]]]:
    """By name, the places of the turns that are heard in such a voice, counted through the dialogues.

    Where all that are known are of one sex, or speak one language, nothing is to be set apart.
    """
    heard = _heard(dialogues)
    sexes, languages = _sexes(heard), _languages(heard)
    names = [*(sexes if len(sexes) > 1 else ()), *(languages if len(languages) > 1 else ())]
    return [(name, np.array([place for place, turn in heard.items() if name in _names(turn)])) for name in names]


def _heard(dialogues: Sequence[Dialogue]) -> dict[int, Turn]:
    return {place: turn for place, turn in enumerate(chain(*dialogues)) if turn.voice is not None}


def _names(turn: Turn) -> tuple[str | None, str | None]:
    return None if turn.sex is None else _CALLED[turn.sex], turn.language


def _sexes(heard: dict[int, Turn]) -> list[str]:
    return [called for sex, called in _CALLED.items() if any(turn.sex == sex for turn in heard.values())]


def _languages(heard: dict[int, Turn]) -> list[str]:
    return sorted({turn.language for turn in heard.values() if turn.language is not None})
