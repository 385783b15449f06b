"""What a person calls a source."""

import io
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadMedia, ConfigurationError
from engine.ingest.address import Raw, source_at
from engine.ingest.microphone import microphone
from engine.ingest.pcm import MU_LAW
from engine.ingest.raw import RawSource


def test_what_is_live():
    for address in ("rtsp://camera/front", "rtmp://server/app/key", "udp://239.0.0.1:1234", "srt://x:1"):
        source = source_at(address, raw=None, live=None)
        assert source.live
        assert source.resumes
    for address in ("http://server/talk.mp4", "-"):
        assert not source_at(address, raw=None, live=None).live
    assert source_at("http://server/radio", raw=None, live=True).resumes
    assert not source_at("-", raw=None, live=True).resumes


def test_what_is_no_source(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no file .*talk\.mp4"):
        source_at(str(tmp_path / "talk.mp4"), raw=None, live=None)
    with pytest.raises(ConfigurationError, match="folder"):
        source_at(str(tmp_path), raw=None, live=None)
    with pytest.raises(ConfigurationError, match="an address says what it sends"):
        source_at("http://server/a", raw=Raw("mulaw"), live=None)


@pytest.mark.parametrize(
    ("platform", "formats", "name", "expected"),
    [
        ("linux", {"alsa", "pulse"}, None, ("default", "pulse")),
        ("linux", {"alsa"}, "hw:1,0", ("hw:1,0", "alsa")),
        ("darwin", {"avfoundation"}, None, (":default", "avfoundation")),
        ("darwin", {"avfoundation"}, "1", (":1", "avfoundation")),
        ("win32", {"dshow"}, "Microphone (USB)", ("audio=Microphone (USB)", "dshow")),
    ],
)
def test_the_microphone_of_a_platform(platform, formats, name, expected):
    assert microphone(name, platform=platform, formats=frozenset(formats)) == expected


def test_no_microphone_says_what_to_do():
    with pytest.raises(ConfigurationError, match=r"none of pulse, alsa.*turntone stream -"):
        microphone(None, platform="linux", formats=frozenset({"wav"}))
    with pytest.raises(ConfigurationError, match="devices of plan9"):
        microphone(None, platform="plan9", formats=frozenset({"alsa"}))
    with pytest.raises(ConfigurationError, match="name it"):
        microphone(None, platform="win32", formats=frozenset({"dshow"}))


class Dripping(io.BytesIO):
    """Bytes that come in given portions."""

    def __init__(self, data: bytes, portions: list[int]) -> None:
        super().__init__(data)
        self._portions = iter(portions)

    def read1(self, size: int = -1, /) -> bytes:
        return super().read1(next(self._portions, size))


def pieces_of(data, *, portions=(), **options):
    source = RawSource(opened=lambda: Dripping(data, list(portions)), live=False, **options)
    return list(source.pieces())


def test_a_telephone_file_is_eight_kilohertz_mu_law(tmp_path):
    codes = np.tile(np.arange(256, dtype=np.uint8), 125)
    (tmp_path / "call.ulaw").write_bytes(codes.tobytes())
    pieces = list(source_at(str(tmp_path / "call.ulaw"), raw=Raw("mulaw"), live=None).pieces())
    assert pieces[-1].end_s == pytest.approx(4.0)
    same = list(source_at(str(tmp_path / "call.ulaw"), raw=Raw("mulaw", rate_hz=16_000), live=None).pieces())
    assert np.array_equal(np.concatenate([p.samples for p in same], axis=1)[0], MU_LAW[codes])


@settings(deadline=None, max_examples=30)
@given(portions=st.lists(st.integers(1, 700), max_size=60))
def test_samples_are_the_same_however_the_bytes_come(portions):
    rng = np.random.default_rng(7)
    data = rng.integers(-9000, 9000, 2 * 8000).astype("<i2").tobytes() + b"\0"
    options = {"format": "s16le", "rate_hz": 8000, "channels": 2}
    whole = np.concatenate([piece.samples for piece in pieces_of(data, **options)], axis=1)
    parts = pieces_of(data, portions=portions, **options)
    assert np.array_equal(np.concatenate([piece.samples for piece in parts], axis=1), whole)
    assert all(a.end_s == pytest.approx(b.start_s) for a, b in itertools.pairwise(parts))


def test_a_pipe_without_a_sample_is_said():
    with pytest.raises(BadMedia, match="no samples"):
        pieces_of(b"\1", format="s16le", rate_hz=16_000, channels=1)


@pytest.mark.parametrize("wrong", [{"format": "wav"}, {"rate_hz": 0}, {"channels": 9}])
def test_raw_samples_that_cannot_be(wrong):
    with pytest.raises(ConfigurationError):
        RawSource(**{"opened": io.BytesIO, "format": "s16le", "rate_hz": 16_000, "channels": 1, "live": False} | wrong)
