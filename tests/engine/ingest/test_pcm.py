"""Raw samples: the tables of G.711 and the layouts of bytes."""

import av
import numpy as np
import pytest

from engine.errors import ConfigurationError
from engine.ingest.pcm import A_LAW, MU_LAW, to_samples


@pytest.mark.parametrize(("codec", "table"), [("pcm_mulaw", MU_LAW), ("pcm_alaw", A_LAW)])
def test_every_byte_is_what_ffmpeg_says(codec, table):
    context = av.CodecContext.create(codec, "r")
    context.sample_rate, context.layout = 8000, "mono"
    (frame,) = context.decode(av.Packet(bytes(range(256))))
    assert np.array_equal(frame.to_ndarray().reshape(-1), table)


def test_values_of_the_standard():
    # ITU-T G.711, tables 1 and 2: the largest of each sign, and the smallest.
    assert (MU_LAW[0x00], MU_LAW[0x80], MU_LAW[0xFF], MU_LAW[0x7F]) == (-32124, 32124, 0, 0)
    assert (A_LAW[0x2A], A_LAW[0xAA], A_LAW[0xD5], A_LAW[0x55]) == (-32256, 32256, 8, -8)


@pytest.mark.parametrize(("format", "dtype"), [("s16le", "<i2"), ("s16be", ">i2"), ("f32le", "<f4")])
def test_interleaved_channels_are_taken_apart(format, dtype):
    left, right = np.array([1, -2, 300]), np.array([32767, -32768, 0])
    values = np.stack([left, right], axis=1)
    data = (values / 32768 if format == "f32le" else values).astype(dtype).tobytes()
    assert to_samples(data, format=format, channels=2).tolist() == [left.tolist(), right.tolist()]


def test_floats_beyond_the_scale_and_no_numbers_are_bounded():
    data = np.array([2.0, -2.0, np.nan, np.inf], dtype="<f4").tobytes()
    assert to_samples(data, format="f32le", channels=1).tolist() == [[32767, -32768, 0, 32767]]


def test_another_format_is_refused_with_those_there_are():
    with pytest.raises(ConfigurationError, match=r"'u8'.*mulaw"):
        to_samples(b"", format="u8", channels=1)
