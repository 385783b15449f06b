from pathlib import Path

import numpy as np
import pytest
import torch

from engine.layers.silero import FRAME, load_silero
from engine.media.decode import decode
from engine.signals import SAMPLE_RATE_HZ, Span
from engine.vad import silero
from engine.vad.silero import SileroDetector
from engine.vad.spans import bridge, pad

RECORDING = Path(__file__).parents[4] / "shared" / "data" / "diarization" / "trn08.flac"


class Scripted:
    """A network that gives the same probabilities in both directions."""

    def __init__(self, probabilities):
        self.probabilities = torch.tensor([probabilities, probabilities[::-1]])

    def silence(self, batch):
        return 0

    def listen(self, waveforms, state):
        frames = waveforms.shape[1] // FRAME
        return self.probabilities[:, state : state + frames], state + frames


def detect(probabilities, audio=None, **settings):
    settings = {"gap_s": 0.0, "shortest_s": 0.0, "padding_s": 0.0, **settings}
    audio = np.full(len(probabilities) * FRAME, 0.1, dtype=np.float32) if audio is None else audio
    spans = SileroDetector(network=Scripted(probabilities), **settings).detect(audio)
    return [
        (round(span.start_s * SAMPLE_RATE_HZ / FRAME), round(span.end_s * SAMPLE_RATE_HZ / FRAME)) for span in spans
    ]


@pytest.fixture(scope="module")
def recording():
    if not RECORDING.is_file():
        pytest.skip(f"needs ../shared/data/diarization/{RECORDING.name}")
    return decode(RECORDING.read_bytes(), content_type="audio/flac").audio


def test_speech_begins_at_the_threshold_and_ends_below_the_release():
    assert detect([0.1, 0.3, 0.5, 0.4, 0.3, 0.1, 0.4], threshold=0.45, release=0.2) == [(2, 5)]


def test_frames_far_below_the_speech_around_them_are_pauses():
    audio = np.full(8 * FRAME, 0.1, dtype=np.float32)
    audio[3 * FRAME : 5 * FRAME] = 0.001
    assert detect([0.9] * 8, audio, depth_db=30.0) == [(0, 3), (5, 8)]
    assert detect([0.9] * 8, audio, depth_db=50.0) == [(0, 8)]


def test_pauses_are_bridged_before_blips_are_dropped():
    speech = [0.9, 0.0, 0.9, 0.0, 0.0, 0.0, 0.9, 0.0]
    assert detect(speech, gap_s=0.05, shortest_s=0.09) == [(0, 3)]


def test_both_directions_count():
    network = Scripted([0.9] * 4)
    network.probabilities[1] = 0.001
    audio = np.full(4 * FRAME, 0.1, dtype=np.float32)
    assert list(SileroDetector(network=network, threshold=0.5).detect(audio)) == []


def test_the_last_frame_ends_with_the_waveform():
    audio = np.full(2 * FRAME + 100, 0.1, dtype=np.float32)
    spans = SileroDetector(network=Scripted([0.9] * 3), shortest_s=0.0).detect(audio)
    assert spans == [Span(0.0, (2 * FRAME + 100) / SAMPLE_RATE_HZ)]


def test_blocks_change_nothing(recording, monkeypatch):
    detector = SileroDetector(network=load_silero())
    whole = detector.detect(recording)
    monkeypatch.setattr(silero, "_BLOCK", 7)
    assert detector.detect(recording) == whole != []


def test_the_network_streams_by_value(recording):
    network = load_silero()
    sound = torch.from_numpy(recording[: 100 * FRAME])[None]
    with torch.inference_mode():
        whole = network(sound)
        first, state = network.listen(sound[:, : 30 * FRAME], network.silence(1))
        other, _ = network.listen(sound[:, 50 * FRAME : 60 * FRAME], network.silence(1))
        rest, _ = network.listen(sound[:, 30 * FRAME :], state)
        again, _ = network.listen(sound[:, 30 * FRAME :], state)
    torch.testing.assert_close(torch.cat([first, rest], dim=1), whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(rest, again, atol=0, rtol=0)
    assert other.shape == (1, 10)


def test_spans_closer_than_the_gap_become_one():
    spans = [Span(0.0, 1.0), Span(1.2, 2.0), Span(2.5, 3.0)]
    assert bridge(spans, gap_s=0.3) == [Span(0.0, 2.0), Span(2.5, 3.0)]


def test_padding_stops_at_the_ends_and_at_the_span_before():
    padded = pad([Span(0.1, 1.0), Span(1.2, 2.9)], padding_s=0.2, duration_s=3.0)
    assert padded == [Span(0.0, 1.2), Span(1.2, 3.0)]
