"""A stack in a process of its own, started as a user starts it."""

from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 240.0
"""Long enough for the slowest machine; what succeeds never waits for it."""


@dataclass(frozen=True)
class Running:
    """A stack in a process of its own."""

    folder: Path
    """Its data; `TURNTONE_DATA` for commands that are to find it."""
    media: Path
    """What lies in here may be named in `dataref`."""
    pid: int
    bootstrap: str
    gateway: str
    token: str
