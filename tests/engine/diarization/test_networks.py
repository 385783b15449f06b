"""The two networks against numbers of the originals.

`golden.npz` was made once: the sound is `voicelike(3.01)` of conftest.py. `speech` is what silero-vad 6.2.3's
`silero_vad.jit` answers to its frames of 512 samples one after the other, from a fresh state. `mel` is every tenth
row of `resemblyzer.audio.wav_to_mel_spectrogram` (Resemblyzer 0.1.4, librosa 0.11), `voice` is
`resemblyzer.VoiceEncoder` on its first 160 rows.
"""

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch

from engine.diarization.convert import pinned
from engine.diarization.resemblyzer import PARTIAL, load_resemblyzer
from engine.errors import CheckpointError
from engine.layers.silero import load_silero

GOLDEN = np.load(Path(__file__).with_name("golden.npz"), allow_pickle=False)


def test_silero_equals_the_original(by_formula):
    with torch.inference_mode():
        speech = load_silero()(torch.from_numpy(by_formula(3.01))[None])[0]
    np.testing.assert_allclose(speech, GOLDEN["speech"], atol=1e-4)


def test_silero_keeps_nothing_between_calls_and_rows(by_formula):
    model = load_silero()
    first, second = torch.from_numpy(by_formula(1.0)), torch.from_numpy(by_formula(1.0, 210.0))
    with torch.inference_mode():
        alone = model(first[None])
        together = model(torch.stack([second, first]))
    torch.testing.assert_close(together[1:], alone, atol=1e-5, rtol=0)


def test_mel_equals_the_original(by_formula):
    mel = load_resemblyzer().mel(torch.from_numpy(by_formula(3.01))[None])[0]
    np.testing.assert_allclose(mel[::10], GOLDEN["mel"], atol=1e-4)


def test_voice_encoder_equals_the_original(by_formula):
    encoder = load_resemblyzer()
    with torch.inference_mode():
        mel = encoder.mel(torch.from_numpy(by_formula(3.01))[None])[:, :PARTIAL]
        voice = encoder(mel, torch.tensor([PARTIAL]))[0]
    np.testing.assert_allclose(voice, GOLDEN["voice"], atol=1e-4)


def test_padding_a_batch_changes_no_voice(by_formula):
    encoder = load_resemblyzer()
    with torch.inference_mode():
        mel = encoder.mel(torch.from_numpy(by_formula(3.01))[None])
        alone = encoder(mel[:, :90], torch.tensor([90]))
        padded = encoder(torch.cat([mel[:, :90], 5 * torch.ones(1, 70, 40)], dim=1), torch.tensor([90]))
    torch.testing.assert_close(padded, alone, atol=1e-6, rtol=0)


def test_a_foreign_file_is_not_converted(tmp_path):
    wheel = tmp_path / "other.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("weights", b"other")
    with pytest.raises(CheckpointError, match="nothing was converted"):
        pinned(wheel, "weights", "0" * 64)
