"""One party withheld: what a dialogue's states lose where policy keeps a participant from them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.training.corpora.base import Dialogue


def without_each(dialogues: Sequence[Dialogue]) -> tuple[list[Dialogue], NDArray[np.int64]]:
    """Every dialogue of several speakers once without each of them, and where the turns left stand among all turns.

    The turns of one withheld are not there at all, as in a stream: no state, no listener. The places `[M]` count
    through the turns of `dialogues` one after the other; a turn of three speakers' dialogue is there twice.
    """
    left: list[Dialogue] = []
    places: list[int] = []
    first = 0
    for dialogue in dialogues:
        speakers = sorted({turn.speaker for turn in dialogue})
        for withheld in speakers if len(speakers) > 1 else ():
            kept = [place for place, turn in enumerate(dialogue) if turn.speaker != withheld]
            left.append(tuple(dialogue[place] for place in kept))
            places.extend(first + place for place in kept)
        first += len(dialogue)
    return left, np.array(places, dtype=np.int64)
