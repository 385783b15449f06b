"""Enrolled voices in a folder, a file each, for where there is no server; only their owner may read them."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError

from engine.clock import Clock
from engine.errors import SnapshotMismatch, StoreUnavailable
from schemas.voice import EnrolledVoice

_SUFFIX = ".voice.json"


class FileVoices:
    """A `VoiceStore` in a folder, which is made at the first enrolment. What has expired is deleted when it is met."""

    def __init__(self, *, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def keep(self, voice: EnrolledVoice) -> None:
        """Write a voice until it expires, whole or not at all."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = self._folder / f"{_stem(voice.name)}.{uuid4().hex}.unfinished"
            try:
                with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(voice.model_dump_json().encode())
                    file.flush()
                    os.fsync(file.fileno())
                unfinished.replace(self._folder / f"{_stem(voice.name)}{_SUFFIX}")
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"enrolled voices cannot be kept in {self._folder}: {error.strerror}") from error

    def voices(self) -> Sequence[EnrolledVoice]:
        """The voices that have not expired, by name."""
        now = datetime.fromtimestamp(self._clock.wall_s(), tz=UTC)
        found = []
        for path in self._files(_SUFFIX):
            voice = _read(path)
            if voice is None:
                continue
            if voice.expired(now):
                _unlink(path)
            else:
                found.append(voice)
        return tuple(sorted(found, key=lambda voice: voice.name))

    def delete(self, name: str) -> bool:
        """Erase a voice; says whether there was one."""
        # What a killed enrolment left half done goes too.
        files = [path for path in self._files("") if path.name.startswith(_stem(name))]
        for path in files:
            _unlink(path)
        return bool(files)

    def close(self) -> None:
        """Nothing to free."""

    def _files(self, suffix: str) -> Sequence[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if path.name.endswith(suffix))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StoreUnavailable(f"{self._folder} cannot be read: {error.strerror}") from error


def _stem(name: str) -> str:
    # A name may be longer than a file's and hold whatever a path must not.
    return blake2b(name.encode(), digest_size=16).hexdigest()


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be deleted: {error.strerror}") from error


def _read(path: Path) -> EnrolledVoice | None:
    try:
        return EnrolledVoice.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        # Deleted since the folder was listed.
        return None
    except OSError as error:
        raise StoreUnavailable(f"an enrolled voice cannot be read: {path.name}: {error.strerror}") from error
    except ValidationError:
        # The error itself would show what the file holds.
        raise SnapshotMismatch(f"{path} holds no enrolled voice; remove the file and enrol the voice again") from None
