import io
import tarfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.media.decode import decode
from engine.signals import SAMPLE_RATE_HZ, Span
from engine.vad.webrtc import WebrtcDetector

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(scope="module", params=["emodb_16k", "ravdess_speech_16k"])
def recordings(request):
    """Twenty utterances of a corpus."""
    path = DATA / f"{request.param}.tar"
    if not path.is_file():
        pytest.skip(f"needs ../shared/data/{path.name}")
    with tarfile.open(path) as tar:
        names = [name for name in tar.getnames() if name.endswith(".flac")]
        files = [tar.extractfile(name) for name in names[:: len(names) // 20][:20]]
        return [decode(io.BytesIO(file.read()).getvalue(), content_type="audio/flac").audio for file in files]


def held(audio, spans):
    """The share of the sound's energy inside the spans."""
    inside = np.zeros(len(audio), dtype=bool)
    for span in spans:
        inside[round(span.start_s * SAMPLE_RATE_HZ) : round(span.end_s * SAMPLE_RATE_HZ)] = True
    return float(np.square(audio[inside]).sum() / np.square(audio).sum())


def test_speech_over_noise_is_found(recordings):
    generator = np.random.default_rng(0)
    for audio in recordings:
        noise = generator.standard_normal(len(audio)).astype(np.float32)
        noisy = audio + noise * np.sqrt(np.square(audio).mean()) * 10 ** (-10 / 20)
        assert held(audio, WebrtcDetector().detect(noisy)) > 0.5


def test_two_words_with_a_pause_are_two_spans(recordings):
    word = recordings[0] / np.abs(recordings[0]).max() * 0.5
    pause = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
    spans = WebrtcDetector().detect(np.concatenate([word, pause, word]))
    assert any(after.start_s - before.end_s > 0.4 for before, after in pairwise(spans))
    bridged = WebrtcDetector(gap_s=4.0).detect(np.concatenate([word, pause, word]))
    assert len(bridged) == 1


def test_spans_are_in_order_within_the_waveform_and_apart(recordings):
    for audio in recordings:
        for aggressiveness in range(4):
            spans = WebrtcDetector(aggressiveness=aggressiveness, padding_s=0.3, gap_s=0.1).detect(audio)
            edges = [edge for span in spans for edge in (span.start_s, span.end_s)]
            assert edges == sorted(edges)
            assert all(0 <= edge <= len(audio) / SAMPLE_RATE_HZ for edge in edges)


def test_padding_is_added_and_short_speech_dropped(recordings):
    audio = recordings[0] / np.abs(recordings[0]).max() * 0.5
    quiet = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
    padded = np.concatenate([quiet, audio, quiet])
    bare, wide = (WebrtcDetector(padding_s=padding).detect(padded) for padding in (0.0, 0.2))
    assert wide[0].start_s == pytest.approx(bare[0].start_s - 0.2)
    assert wide[-1].end_s == pytest.approx(bare[-1].end_s + 0.2)
    assert isinstance(wide[0], Span)
    assert list(WebrtcDetector(shortest_s=60.0).detect(padded)) == []
