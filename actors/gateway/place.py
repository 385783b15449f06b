"""Where a webhook is, kept in a file so that another gateway goes on there."""

import os
from pathlib import Path

from actors.gateway.cursor import Offsets, read_cursor


class Place:
    """One cursor in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = ""

    def read(self) -> Offsets | None:
        """The cursor; None where there is none, or none that can be read."""
        try:
            return read_cursor(self._path.read_text())
        except (OSError, ValueError):
            return None

    def keep(self, position: str) -> None:
        """Write a cursor down. A file that is half written is never read."""
        if position == self._kept:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(position)
        os.replace(fresh, self._path)
        self._kept = position
