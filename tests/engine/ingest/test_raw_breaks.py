"""Raw samples that cannot be opened, or break off: an error that is told, after what came before it."""

import numpy as np
import pytest

from engine.errors import ConfigurationError, SourceUnavailable
from engine.ingest.address import Raw, source_at
from engine.ingest.raw import RawSource


def test_no_standard_input_is_said(monkeypatch):
    # As in `turntone stream - <&-`: whatever is opened next has the number 0.
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigurationError, match="no standard input"):
        list(source_at("-", raw=None, live=None).pieces())


def test_a_raw_file_that_cannot_be_opened_is_named(tmp_path):
    path = tmp_path / "call.ulaw"
    path.write_bytes(b"\x7f" * 800)
    source = source_at(str(path), raw=Raw("mulaw"), live=None)
    path.unlink()
    with pytest.raises(ConfigurationError, match=r"call\.ulaw cannot be opened: No such file"):
        list(source.pieces())


def test_a_device_that_is_unplugged_breaks_off_after_what_came():
    class Unplugged:
        def __init__(self):
            self.left = [np.ones(1600, "<i2").tobytes()]

        def read1(self, size):
            if not self.left:
                raise OSError(5, "Input/output error")
            return self.left.pop()

        def close(self):
            """Nothing to free."""

    pieces = RawSource(opened=Unplugged, format="s16le", rate_hz=16_000, channels=1, live=True).pieces()
    assert next(pieces).samples.size > 0
    with pytest.raises(SourceUnavailable, match="Input/output error"):
        next(pieces)
