"""What a person sees while parts start and stop: one value a change, handed to whoever shows it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the whole and how far it is."""

    part: str
    status: Literal["starting", "ready", "stopping", "stopped", "failed", "restarted"]
    took_s: float | None = None
    note: str = ""


GATEWAY = "gateway"
"""The part that takes over the address at which the start is shown."""

Progress = Callable[[Step], None]
"""Called from several threads."""


def unseen(step: Step) -> None:
    """Show nothing."""


@contextmanager
def starting(part: str, progress: Progress) -> Iterator[None]:
    """Report that a part starts, and then that it is ready or failed."""
    began_s = time.monotonic()
    progress(Step(part, "starting"))
    try:
        yield
    except BaseException:
        progress(Step(part, "failed", time.monotonic() - began_s))
        raise
    progress(Step(part, "ready", time.monotonic() - began_s))
