"""What somebody who watches a stream is told of."""

from dataclasses import dataclass
from typing import Literal

from schemas.segment import Segment


@dataclass(frozen=True, slots=True)
class Sent:
    """A segment that the broker has acknowledged."""

    segment: Segment
    bytes: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something that was too much for a buffer."""

    what: Literal["sound", "picture", "segment"]
    seconds: float
    """Of sound or of a segment; 0 for a picture."""


@dataclass(frozen=True, slots=True)
class Again:
    """A source or a broker is away and is tried again."""

    reason: str
    attempt: int
    wait_s: float


Notice = Sent | Dropped | Again
