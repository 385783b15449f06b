from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from engine.errors import BadMedia
from engine.media.base import Limits
from engine.media.decode import decode, decode_span, probe
from engine.signals import SAMPLE_RATE_HZ

CLIPS = Path(__file__).parents[4] / "shared" / "data" / "meld" / "clips"


def pitch_hz(audio):
    middle = audio[len(audio) // 4 : -len(audio) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return spectrum.argmax() * SAMPLE_RATE_HZ / len(middle)


def square_column(frame):
    """Where the white square's middle lies, as a share of the width."""
    return float(np.flatnonzero(frame.mean(axis=(0, 2)) > 30).mean() / frame.shape[1])


@pytest.mark.parametrize(
    ("container", "audio", "video"),
    [
        ("mp4", "aac", "libx264"),
        ("matroska", "libopus", "libx264"),
        ("webm", "libopus", "libvpx"),
        ("wav", "pcm_s16le", None),
        ("flac", "flac", None),
        ("ogg", "libopus", None),
        ("mp3", "libmp3lame", None),
        ("avi", "libmp3lame", "mpeg4"),
        ("mpegts", "aac", "libx264"),
        ("mp4", None, "libx264"),
    ],
)
def test_containers_give_the_tone_and_the_moving_square(encode, container, audio, video):
    media = decode(encode(container, audio=audio, video=video), content_type=None)
    assert media.duration_s == pytest.approx(2.0, abs=0.12)
    if audio is None:
        assert media.audio is None
        assert media.audio_missing == "no audio stream"
    else:
        assert media.audio.dtype == np.float32
        assert len(media.audio) == pytest.approx(2.0 * SAMPLE_RATE_HZ, abs=0.12 * SAMPLE_RATE_HZ)
        assert pitch_hz(media.audio) == pytest.approx(440, abs=2)
        assert np.abs(media.audio).max() == pytest.approx(0.5, abs=0.06)
    if video is None:
        assert media.frames is None
        assert media.video_missing == "no video stream"
    else:
        assert media.frames.shape == (15, 240, 320, 3)
        columns = [square_column(frame) for frame in media.frames]
        assert all(a < b for a, b in pairwise(columns))
        # The square runs evenly, so where it stands says when the frame was shown.
        assert np.corrcoef(columns, media.frame_times_s)[0, 1] > 0.999


def test_frames_are_spread_over_the_whole_segment(encode):
    media = decode(encode("mp4", audio=None, video="libx264", seconds=8.0), content_type=None)
    steps = np.diff(media.frame_times_s)
    assert media.frame_times_s[0] < 0.6
    assert media.frame_times_s[-1] > 7.4
    assert steps.max() <= 2 * steps.min()


def test_few_frames_are_all_kept(encode):
    media = decode(encode("mp4", audio=None, video="libx264", seconds=0.2), content_type=None)
    assert media.frame_times_s == pytest.approx([0.0, 0.04, 0.08, 0.12, 0.16])


def test_surround_sound_is_mixed_down(encode):
    media = decode(encode("mp4", audio="aac", video=None, layout="5.1"), content_type="video/mp4")
    assert media.audio.ndim == 1
    assert pitch_hz(media.audio) == pytest.approx(440, abs=2)


def test_large_pictures_are_scaled_and_keep_their_shape(encode):
    data = encode("mp4", audio=None, video="libx264", seconds=0.4, size=(1280, 720))
    assert decode(data, content_type=None).frames.shape[1:3] == (540, 960)


def test_a_telephone_held_upright_gives_upright_frames(encode):
    """The header asks for a quarter turn clockwise, so what ran from left to right runs from top to bottom."""
    data = bytearray(encode("mp4", audio=None, video="libx264"))
    matrix = data.index(b"tkhd") + 44
    data[matrix : matrix + 36] = np.array([0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30], dtype=">i4").tobytes()
    frames = decode(bytes(data), content_type="video/mp4").frames
    assert frames.shape[1:3] == (320, 240)
    rows = [square_column(frame.transpose(1, 0, 2)) for frame in frames]
    assert all(a < b for a, b in pairwise(rows))


def tone(rate_hz):
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)


def mu_law(samples):
    """G.711, by its defining logarithm: close enough to the segments of the standard for a tone."""
    magnitude = np.log1p(255 * np.abs(samples)) / np.log1p(255)
    return (~(np.where(samples < 0, 0x80, 0) | np.rint(magnitude * 127).astype(int)) & 0xFF).astype(np.uint8)


@pytest.mark.parametrize("content_type", ["audio/basic", "audio/PCMU", "audio/x-mulaw; rate=8000"])
def test_raw_mu_law(content_type):
    media = decode(mu_law(tone(8000)).tobytes(), content_type=content_type)
    assert media.duration_s == pytest.approx(1.0, abs=0.01)
    assert pitch_hz(media.audio) == pytest.approx(440, abs=2)
    assert np.abs(media.audio).max() == pytest.approx(0.5, abs=0.05)


def test_raw_samples_are_big_endian_and_interleaved():
    samples = np.rint(32767 * tone(24_000)).astype(">i2")
    media = decode(np.repeat(samples, 2).tobytes(), content_type="audio/L16; rate=24000; channels=2")
    assert media.duration_s == pytest.approx(1.0, abs=0.01)
    assert pitch_hz(media.audio) == pytest.approx(440, abs=2)
    assert np.abs(media.audio).max() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("content_type", ["audio/L16", "audio/L16; rate=0", "audio/L16; rate=16000; channels=many"])
def test_raw_samples_without_a_sensible_rate_are_refused(content_type):
    with pytest.raises(BadMedia, match=r"rate|channels"):
        decode(b"\0" * 3200, content_type=content_type)


@pytest.mark.parametrize(("container", "codec"), [("image2pipe", "mjpeg"), ("image2pipe", "png")])
def test_a_still_image_is_one_frame(encode, container, codec):
    if codec == "png":
        frame = av.VideoFrame.from_ndarray(np.full((60, 80, 3), 200, dtype=np.uint8), format="rgb24")
        encoder = av.CodecContext.create("png", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 80, 60, "rgb24", Fraction(1, 25)
        data = bytes(encoder.encode(frame)[0])
    else:
        data = encode(container, audio=None, video=codec, seconds=0.04, size=(80, 60))
    media = decode(data, content_type="image/jpeg", declared_s=3.0)
    assert media.frames.shape == (1, 60, 80, 3)
    assert media.duration_s == 3.0
    assert media.audio_missing == "no audio stream"


def test_a_still_image_is_not_shown_for_longer_than_media_may_last(encode):
    data = encode("image2pipe", audio=None, video="mjpeg", seconds=0.04, size=(80, 60))
    with pytest.raises(BadMedia, match="longer than 900 s"):
        decode(data, content_type="image/jpeg", declared_s=1e300)


def test_what_is_not_media_is_refused_with_a_sentence():
    for data in (b"", b"just a few words\n" * 20, bytes(range(256)) * 8, b"\x1aE\xdf\xa3"):
        with pytest.raises(BadMedia, match=r"\w+ \w+"):
            decode(data, content_type="video/mp4")


@pytest.mark.parametrize(
    "playlist",
    [
        b"ffconcat version 1.0\nfile '{path}'\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n",
    ],
)
def test_nothing_that_names_another_file_is_opened(clip, playlist, tmp_path):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(clip)
    with pytest.raises(BadMedia):
        decode(playlist.replace(b"{path}", str(secret).encode()), content_type="application/x-mpegURL")


def test_of_a_truncated_stream_the_part_that_is_there_is_decoded(encode):
    whole = encode("matroska", audio="aac", video="libx264", seconds=4.0)
    media = decode(whole[: len(whole) // 2], content_type=None)
    assert 0.5 < media.duration_s < 3.5
    assert media.frames is not None


def test_a_truncated_mp4_whose_index_is_gone_is_refused(clip):
    with pytest.raises(BadMedia):
        decode(clip[: len(clip) // 2], content_type="video/mp4")


def test_what_costs_too_much_is_refused(clip):
    with pytest.raises(BadMedia, match="pixels"):
        decode(clip, content_type=None, limits=Limits(pixels_most=10_000))
    with pytest.raises(BadMedia, match="longer than 1 s"):
        decode(clip, content_type=None, limits=Limits(duration_most_s=1.0))
    with pytest.raises(BadMedia, match="streams"):
        decode(clip, content_type=None, limits=Limits(streams_most=1))


def test_samples_that_are_no_numbers_become_numbers(encode):
    data = bytearray(encode("wav", audio="pcm_f32le", video=None, rate_hz=16_000, layout="mono"))
    data[-8000:-4000] = np.full(1000, np.nan, dtype="<f4").tobytes()
    data[-4000:] = np.full(1000, np.inf, dtype="<f4").tobytes()
    audio = decode(bytes(data), content_type="audio/wav").audio
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() <= 1.0


def test_a_span_of_a_recording_is_that_part_of_the_whole(tmp_path, encode):
    path = tmp_path / "clip.mkv"
    path.write_bytes(encode("matroska", audio="flac", video="libx264", seconds=3.0))
    whole, part = decode_span(path), decode_span(path, start_s=1.0, end_s=2.0)
    assert part.duration_s == pytest.approx(1.0, abs=0.05)
    assert len(part.audio) == SAMPLE_RATE_HZ
    assert np.abs(part.audio[800:-800] - whole.audio[SAMPLE_RATE_HZ:][800 : SAMPLE_RATE_HZ - 800]).max() < 1e-3
    assert part.frame_times_s[0] < 0.1
    assert square_column(part.frames[0]) == pytest.approx(1 / 3, abs=0.06)


def test_a_span_beyond_the_end_is_refused(tmp_path, clip):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip)
    with pytest.raises(BadMedia, match="span"):
        decode_span(path, start_s=50.0, end_s=51.0)
    with pytest.raises(BadMedia, match="after the start"):
        decode_span(path, start_s=2.0, end_s=1.0)


def test_probe_reads_the_header(tmp_path, clip, encode):
    (tmp_path / "both").write_bytes(clip)
    (tmp_path / "sound").write_bytes(encode("flac", audio="flac", video=None))
    (tmp_path / "none").write_bytes(b"")
    assert probe(tmp_path / "both").has_video
    assert probe(tmp_path / "sound").duration_s == pytest.approx(2.0)
    assert not probe(tmp_path / "sound").has_video
    with pytest.raises(BadMedia, match="empty"):
        probe(tmp_path / "none")


@pytest.mark.skipif(not CLIPS.is_dir(), reason="needs ../shared/data/meld/clips")
def test_television_clips():
    media = decode((CLIPS / "dia110_utt0.mp4").read_bytes(), content_type="video/mp4")
    assert media.duration_s == pytest.approx(2.46, abs=0.05)
    assert media.frames.shape == (15, 540, 960, 3)
    assert np.abs(media.audio).max() > 0.1
