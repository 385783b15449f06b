"""The data folder of an embedded stack: one stack at a time, and a note of where its servers listen."""

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import ConfigurationError

LAST_WORDS_S = 20.0
"""How long the servers of a stack that was killed may take to end."""
_LOCK = "lock"
_ADDRESSES = "addresses.json"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the servers of a running stack listen."""

    bootstrap: str
    store_url: str


class FolderLock:
    """Holds a folder for this process and for every server that was given `descriptor`, until all of them ended."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / _LOCK
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take()
        except BaseException:
            os.close(self.descriptor)
            raise
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Give the folder up."""
        os.close(self.descriptor)

    def _take(self) -> None:
        deadline_s = time.monotonic() + LAST_WORDS_S
        while True:
            try:
                return fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = self._path.read_text().strip()
                # The owner is gone: its servers are on their way out.
                if owner.isdigit() and not _exists(int(owner)) and time.monotonic() < deadline_s:
                    time.sleep(0.1)
                    continue
                raise ConfigurationError(
                    f"The data folder {self._path.parent} is in use by another Turntone (process {owner}): "
                    "stop that one, or choose another folder with TURNTONE_DATA."
                ) from None


def write_addresses(folder: Path, addresses: Addresses) -> None:
    """Note where the servers listen, for commands in other terminals."""
    (folder / _ADDRESSES).write_text(json.dumps(asdict(addresses)))


def forget_addresses(folder: Path) -> None:
    """Remove the note."""
    (folder / _ADDRESSES).unlink(missing_ok=True)


def running_stack(folder: Path) -> Addresses | None:
    """Where the servers of the stack that runs in `folder` listen; None if none runs there."""
    try:
        owner = int((folder / _LOCK).read_text())
        addresses = Addresses(**json.loads((folder / _ADDRESSES).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return addresses if _exists(owner) else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
