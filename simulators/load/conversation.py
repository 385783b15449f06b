"""Who speaks when in one call, drawn from how people talk; who hangs up, and whose line breaks off."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from simulators.load.manners import Manner

CUSTOMER: Final = "customer"
AGENT: Final = "agent"
SHORTEST_S: Final = 0.2
"""What is cut shorter than this was not said."""
_BREATH_S: Final = 0.05
"""Between two utterances of one speaker, at the least."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One utterance."""

    speaker: str
    start_s: float
    """Seconds in the call."""
    end_s: float
    connection: int = 0
    """Which connection of the call carries it; the next begins where a line was taken up again."""


def converse(rng: Random, manner: Manner, *, utterances: int) -> tuple[Spoken, ...]:
    """So many utterances of a customer and an agent, who answers the call; in the order in which they begin.

    Nobody overtakes: an utterance does not begin before the one it follows, nor within another of its speaker.
    """
    said: list[Spoken] = []
    ends = {CUSTOMER: 0.0, AGENT: 0.0}
    speaker, start_s = AGENT, 0.0
    for number in range(utterances):
        if number:
            before = said[-1]
            goes_on = rng.random() < manner.goes_on
            silence_s = (manner.pause_s if goes_on else manner.gap_s).draw(rng)
            speaker = before.speaker if goes_on else CUSTOMER if before.speaker == AGENT else AGENT
            free_s = ends[speaker] + _BREATH_S if ends[speaker] else 0.0
            start_s = max(before.end_s + silence_s, before.start_s, free_s)
        end_s = start_s + max(SHORTEST_S, manner.talk_s.draw(rng))
        said.append(Spoken(speaker, round(start_s, 3), round(end_s, 3)))
        ends[speaker] = said[-1].end_s
    return tuple(said)


def length_s(said: Sequence[Spoken]) -> float:
    """Seconds from the beginning of the call until nobody speaks any more."""
    return max((one.end_s for one in said), default=0.0)


def hung_up(said: Sequence[Spoken], at_s: float) -> tuple[Spoken, ...]:
    """What had been said when somebody hung up."""
    return _long_enough(replace(one, end_s=min(one.end_s, round(at_s, 3))) for one in said)


def broken_off(said: Sequence[Spoken], *, cut_s: float, back_s: float) -> tuple[Spoken, ...]:
    """What is heard where the line breaks off at one moment and is taken up again at another, by a second connection.

    What is said in between is lost; an utterance that goes on over it is heard in two pieces.
    """
    before = hung_up(said, cut_s)
    back_s = round(back_s, 3)
    after = _long_enough(replace(one, start_s=max(one.start_s, back_s), connection=1) for one in said)
    return (*before, *after)


def _long_enough(pieces: Iterable[Spoken]) -> tuple[Spoken, ...]:
    return tuple(one for one in pieces if one.end_s - one.start_s >= SHORTEST_S)
