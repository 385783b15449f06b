import io
import wave

import av
import numpy as np
import pytest

from engine.errors import BadMedia, BadSegment
from schemas.topics import MAX_SEGMENT_BYTES
from simulators.clips import load
from simulators.corpus import Utterance
from simulators.samples import CALL, MEETING

VOICE = CALL / "14b01Na.flac"
TALKER = MEETING / "bbaf2n.mp4"


def tone(path, seconds, rate_hz=8000):
    """Silence for half of the time, then a tone."""
    times = np.arange(int(seconds * rate_hz)) / rate_hz
    samples = np.where(times < seconds / 2, 0, 0.5 * np.sin(2 * np.pi * 440 * times))
    with wave.open(str(path), "wb") as sink:
        sink.setparams((1, 2, rate_hz, 0, "NONE", ""))
        sink.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def utterance(media=None, start_s=None, end_s=None, face=None):
    return Utterance(utterance_id="u", media=media, start_s=start_s, end_s=end_s, face=face)


def streams(clip):
    with av.open(io.BytesIO(clip.value)) as source:
        return {stream.type for stream in source.streams}


def test_a_whole_file_travels_as_it_is():
    clip = load(utterance(VOICE))
    assert clip.value == VOICE.read_bytes()
    assert clip.content_type == "audio/flac"


def test_a_stretch_of_sound_is_cut_exactly(tmp_path):
    clip = load(utterance(tone(tmp_path / "long.wav", 8.0), 3.5, 4.5))
    assert clip.content_type == "audio/wav"
    with wave.open(io.BytesIO(clip.value)) as source:
        samples = np.frombuffer(source.readframes(source.getnframes()), "<i2")
        assert source.getframerate() == 8000
    assert len(samples) == 8000
    assert np.abs(samples[:3990]).max() == 0
    assert np.abs(samples[4010:]).max() > 10_000


def test_a_stretch_of_film_keeps_voice_and_picture():
    clip = load(utterance(TALKER, 1.0, 2.0))
    assert clip.content_type == "video/mp4"
    assert clip.duration_s == pytest.approx(1.0, abs=0.05)
    assert streams(clip) == {"audio", "video"}
    with av.open(io.BytesIO(clip.value)) as source:
        assert sum(1 for _ in source.decode(video=0)) == 25


def test_a_voice_and_a_face_become_a_film(tmp_path):
    picture = tmp_path / "face.png"
    with av.open(str(TALKER)) as source:
        next(source.decode(video=0)).to_image().save(picture)
    clip = load(utterance(VOICE, face=picture))
    assert streams(clip) == {"audio", "video"}
    assert clip.duration_s == pytest.approx(2.0, abs=0.1)
    assert streams(load(utterance(face=picture))) == {"video"}


def test_nothing_at_all_is_said_so():
    with pytest.raises(BadMedia, match="neither media nor a face"):
        load(utterance())


def test_a_stretch_outside_the_file_is_said_so():
    with pytest.raises(BadMedia, match="holds nothing between"):
        load(utterance(VOICE, 100.0, 101.0))


def test_text_instead_of_media_is_said_so(tmp_path):
    path = tmp_path / "text.wav"
    path.write_text("not sound")
    with pytest.raises(BadMedia, match=r"text\.wav cannot be read"):
        load(utterance(path))


def test_too_much_for_a_record_names_the_claim_check(tmp_path):
    path = tmp_path / "big.wav"
    path.write_bytes(b"\0" * (MAX_SEGMENT_BYTES + 1))
    with pytest.raises(BadSegment, match="dataref"):
        load(utterance(path))
