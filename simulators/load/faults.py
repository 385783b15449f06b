"""What goes wrong on the way: media that is garbage, segments that come twice, segments that come after their time."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from engine.errors import ConfigurationError

Fault = Literal["garbage", "duplicate", "late"]
FAULTS: tuple[Fault, ...] = ("garbage", "duplicate", "late")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRates:
    """Shares of all segments. Raises `ConfigurationError` where they are no shares."""

    garbage: float = 0.0
    """The media cannot be decoded."""
    duplicate: float = 0.0
    """It is sent a second time."""
    late: float = 0.0
    """It is held back until the next of its connection has been sent."""

    def __post_init__(self) -> None:
        shares = (self.garbage, self.duplicate, self.late)
        if min(shares) < 0 or sum(shares) > 1:
            raise ConfigurationError("garbage, duplicates and late segments are shares of all: 0 to 1, together too")


def draw_faults(rng: Random, rates: FaultRates, connections: Sequence[int]) -> tuple[Fault | None, ...]:
    """What becomes of each segment of a call, given the connection of each, in the order in which they are due.

    Late is only what has a next one on its connection that is not late itself.
    """
    drawn = [_fault(rng.random(), rates) for _ in connections]
    held: set[int] = set()
    for place in reversed(range(len(drawn))):
        following = next((n for n in range(place + 1, len(drawn)) if connections[n] == connections[place]), None)
        if drawn[place] == "late" and (following is None or following in held):
            drawn[place] = None
        elif drawn[place] == "late":
            held.add(place)
    return tuple(drawn)


def _fault(at: float, rates: FaultRates) -> Fault | None:
    if at < rates.garbage:
        return "garbage"
    if at < rates.garbage + rates.duplicate:
        return "duplicate"
    return "late" if at < rates.garbage + rates.duplicate + rates.late else None
