"""The text of a table, whatever program saved it."""

from pathlib import Path

from engine.errors import ConfigurationError


def read_text(path: Path) -> str:
    """A table's text in UTF-8, with or without a mark, or else in Windows' Western encoding."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
