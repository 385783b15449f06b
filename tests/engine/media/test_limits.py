"""Each limit of `[media]`: set in the configuration, it refuses media with a sentence that names the setting."""

import numpy as np
import pytest

from engine.build import build_decoder, limits
from engine.config import read_config
from engine.errors import BadMedia, DecoderDied
from engine.media.decode import decode


@pytest.fixture
def configured(monkeypatch):
    def read(**media):
        for name, value in media.items():
            monkeypatch.setenv(f"TURNTONE_MEDIA__{name.upper()}", str(value))
        return read_config()

    return read


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("most_bytes", 1000, r"has \d+ bytes; at most 1000 are decoded \(media\.most_bytes\)"),
        ("longest_s", 1.0, r"lasts longer than 1 s \(media\.longest_s\); cut it into utterances"),
        ("pixels", 10_000, r"frames of 320x240 pixels; at most 10000 are taken \(media\.pixels\)"),
        ("streams", 1, r"2 streams; at most 1 are taken \(media\.streams\)"),
    ],
)
def test_what_is_too_much_is_refused_with_a_sentence(clip, configured, setting, value, sentence):
    with pytest.raises(BadMedia, match=sentence):
        decode(clip, content_type=None, limits=limits(configured(**{setting: value})))


def test_frames_are_as_many_and_as_large_as_is_set(clip, configured):
    media = decode(clip, content_type=None, limits=limits(configured(frames=3, side_px=160)))
    assert media.frames.shape == (3, 120, 160, 3)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [("memory_bytes", 320 << 20, "outgrown its memory"), ("deadline_s", 0.1, r"longer than 0\.1 s|SIGXCPU")],
)
def test_a_decoding_process_is_held_to_its_memory_and_its_time(encode, configured, setting, value, sentence):
    large = encode("mp4", audio=None, video="mpeg4", seconds=1.6, size=(1920, 1080))
    with build_decoder(configured(**{setting: value})) as pool:
        pool.decode(np.zeros(80, np.uint8).tobytes(), content_type="audio/basic")
        with pytest.raises(DecoderDied, match=sentence):
            pool.decode(large, content_type=None)
