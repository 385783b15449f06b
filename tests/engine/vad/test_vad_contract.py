"""What every voice activity detector has to keep, whichever it is."""

import io
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.layers.silero import load_silero
from engine.media.decode import decode
from engine.signals import SAMPLE_RATE_HZ
from engine.vad.silero import SileroDetector
from engine.vad.webrtc import WebrtcDetector

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(scope="module", params=["webrtc", "silero"])
def detector(request):
    return WebrtcDetector() if request.param == "webrtc" else SileroDetector(network=load_silero())


@pytest.fixture(scope="module")
def utterances():
    path = DATA / "emodb_16k.tar"
    if not path.is_file():
        pytest.skip("needs ../shared/data/emodb_16k.tar")
    with tarfile.open(path) as tar:
        names = sorted(name for name in tar.getnames() if name.endswith(".flac"))
        files = [tar.extractfile(name) for name in names[:: len(names) // 10][:10]]
        return [decode(io.BytesIO(file.read()).getvalue(), content_type="audio/flac").audio for file in files]


def held(audio, spans):
    """The share of the sound's energy inside the spans."""
    inside = np.zeros(len(audio), dtype=bool)
    for span in spans:
        inside[round(span.start_s * SAMPLE_RATE_HZ) : round(span.end_s * SAMPLE_RATE_HZ)] = True
    return float(np.square(audio[inside]).sum() / np.square(audio).sum())


def in_order(spans, audio):
    edges = [edge for span in spans for edge in (span.start_s, span.end_s)]
    assert edges == sorted(edges)
    assert all(span.duration_s > 0 for span in spans)
    assert all(0 <= edge <= len(audio) / SAMPLE_RATE_HZ for edge in edges)


def test_speech_is_found_and_little_of_it_lost(detector, utterances):
    shares = [held(audio, detector.detect(audio)) for audio in utterances]
    assert min(shares) > 0.75
    assert np.mean(shares) > 0.98


def test_speech_amid_silence_is_found_where_it_is(detector, utterances):
    quiet = np.zeros(2 * SAMPLE_RATE_HZ, dtype=np.float32)
    for audio in utterances:
        spans = detector.detect(np.concatenate([quiet, audio, quiet]))
        assert spans[0].start_s >= 1.7
        assert spans[-1].end_s <= 2 + len(audio) / SAMPLE_RATE_HZ + 0.4


def test_a_telephone_is_heard_too(detector, utterances):
    for audio in utterances:
        spectrum = np.fft.rfft(audio)
        spectrum[np.fft.rfftfreq(len(audio), 1 / SAMPLE_RATE_HZ) > 3400] = 0
        narrow = np.fft.irfft(spectrum, len(audio)).astype(np.float32)
        companded = np.sign(narrow) * np.round(np.log1p(255 * np.abs(narrow)) / np.log(256) * 127) / 127
        mu_law = np.sign(companded) * (256 ** np.abs(companded) - 1) / 255
        assert held(audio, detector.detect(mu_law.astype(np.float32))) > 0.75


def test_spans_are_in_order_within_the_waveform_and_apart(detector, utterances):
    for audio in utterances:
        in_order(detector.detect(audio), audio)


@settings(max_examples=30, deadline=None)
@given(samples=st.integers(0, 3000), level=st.sampled_from([0.0, 1e-4, 0.5, 1.0]), seed=st.integers(0, 9))
def test_any_length_and_level_is_answered(detector, samples, level, seed):
    sound = np.random.default_rng(seed).uniform(-level, level, samples).astype(np.float32)
    in_order(detector.detect(sound), sound)


def test_a_call_remembers_nothing_of_the_one_before(detector, utterances):
    forwards = [detector.detect(audio) for audio in utterances]
    assert [detector.detect(audio) for audio in reversed(utterances)] == forwards[::-1]


def test_threads_share_a_detector(detector, utterances):
    alone = [detector.detect(audio) for audio in utterances]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(detector.detect, utterances)) == alone


@pytest.mark.parametrize("seconds", [0.0, 0.01, 3.0])
def test_silence_holds_no_speech(detector, seconds):
    assert list(detector.detect(np.zeros(round(seconds * SAMPLE_RATE_HZ), dtype=np.float32))) == []


@pytest.mark.parametrize("hz", [50, 440, 3000])
def test_a_tone_is_no_speech(detector, hz):
    tone = 0.3 * np.sin(2 * np.pi * hz * np.arange(4 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)
    assert list(detector.detect(tone.astype(np.float32))) == []


@pytest.mark.parametrize("level", [1e-3, 1e-2, 1e-1])
def test_noise_is_no_speech(detector, level):
    noise = np.random.default_rng(1).standard_normal(4 * SAMPLE_RATE_HZ) * level
    assert list(detector.detect(noise.astype(np.float32))) == []


def test_a_click_is_no_speech(detector):
    audio = np.zeros(2 * SAMPLE_RATE_HZ, dtype=np.float32)
    audio[SAMPLE_RATE_HZ : SAMPLE_RATE_HZ + 400] = 0.8
    assert list(detector.detect(audio)) == []
