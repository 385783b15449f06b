import wave

import numpy as np
import pytest

from simulators.clips import load
from simulators.cuts import quiet_stretches
from simulators.folder import open_corpus
from simulators.samples import CALL


def recording(path, seconds, pauses_s, rate_hz=8000):
    """Noise with half a second of silence at each pause."""
    samples = np.random.default_rng(0).normal(0, 0.1, int(seconds * rate_hz))
    for pause_s in pauses_s:
        samples[int(pause_s * rate_hz) : int((pause_s + 0.7) * rate_hz)] = 0
    with wave.open(str(path), "wb") as sink:
        sink.setparams((1, 2, rate_hz, 0, "NONE", ""))
        sink.writeframes((samples * 32767).clip(-32768, 32767).astype("<i2").tobytes())
    return path


def test_a_long_recording_is_cut_in_its_pauses(tmp_path):
    path = recording(tmp_path / "talk.wav", 75, [5, 22, 47, 60])
    stretches = quiet_stretches(path)
    assert [stretch.end_s for stretch in stretches][-1] is None
    cuts = [stretch.end_s for stretch in stretches[:-1]]
    assert len(cuts) == 2
    assert 22 <= cuts[0] <= 22.7
    assert 47 <= cuts[1] <= 47.7
    assert [stretch.start_s for stretch in stretches] == [0.0, *cuts]


def test_a_short_or_unreadable_one_is_not(tmp_path):
    assert len(quiet_stretches(CALL / "14b01Na.flac")) == 1
    (tmp_path / "text.wav").write_text("text")
    assert len(quiet_stretches(tmp_path / "text.wav")) == 1


def test_pieces_of_one_recording_keep_its_times(tmp_path):
    (dialogue,) = open_corpus(recording(tmp_path / "talk.wav", 65, [20, 40])).dialogues
    assert [turn.utterance_id for turn in dialogue.utterances] == ["talk.wav#1", "talk.wav#2", "talk.wav#3"]
    assert [turn.begin_s for turn in dialogue.utterances] == [turn.start_s for turn in dialogue.utterances]
    clips = [load(turn) for turn in dialogue.utterances]
    assert sum(clip.duration_s for clip in clips) == pytest.approx(65, abs=0.01)
