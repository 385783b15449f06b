import librosa
import numpy as np
import pytest
import torch
from torchaudio.functional import resample

from engine.features.builders import audio_encoder
from engine.signals import SAMPLE_RATE_HZ

AVT_CA = {"n_mfcc": 10, "n_mels": 128, "n_fft": 2048, "win_length": 2048, "hop_length": 512, "sample_rate_hz": 22_050}
ATTSF = {"n_mfcc": 12, "n_mels": 128, "n_fft": 1024, "win_length": 800, "hop_length": 480, "window": "hamming"}
DCA = {"n_mels": 64, "n_fft": 1024, "win_length": 882, "hop_length": 441, "sample_rate_hz": 44_100}
PLAIN = {"n_mels": 40, "n_fft": 512, "win_length": 400, "hop_length": 160}


def sounds(length):
    random = np.random.default_rng(0)
    t = np.arange(length) / SAMPLE_RATE_HZ
    yield (0.3 * np.sin(2 * np.pi * (200 + 900 * t) * t)).astype(np.float32)
    yield random.normal(0, 0.1, length).astype(np.float32)
    yield np.zeros(length, np.float32)


def librosas(audio, numbers):
    rate = numbers.get("sample_rate_hz", SAMPLE_RATE_HZ)
    arguments = {k: v for k, v in numbers.items() if k not in ("n_mfcc", "sample_rate_hz")}
    there = resample(torch.from_numpy(audio).double(), SAMPLE_RATE_HZ, rate).numpy()
    power = librosa.feature.melspectrogram(y=there, sr=rate, pad_mode="constant", **arguments)
    decibels = librosa.power_to_db(power, top_db=80)
    if "n_mfcc" not in numbers:
        return decibels.T
    return librosa.feature.mfcc(S=decibels, n_mfcc=numbers["n_mfcc"]).T


# librosa warns of sounds shorter than its window, which the engine has to take as they come.
@pytest.mark.filterwarnings("ignore:n_fft=.* is too large for input signal:UserWarning")
@pytest.mark.parametrize("length", [1, 16_000, 57_600])
@pytest.mark.parametrize("numbers", [AVT_CA, ATTSF, DCA, PLAIN, PLAIN | {"n_mfcc": 13}])
def test_equal_to_librosa(numbers, length):
    encoder = audio_encoder({"name": "mfcc" if "n_mfcc" in numbers else "logmel"} | numbers)
    for audio in sounds(length):
        inputs = torch.from_numpy(audio)[None]
        tokens, mask = encoder.extract(inputs, torch.ones_like(inputs, dtype=torch.bool))
        assert mask.all()
        assert tokens.dtype == torch.float32
        # Silence has coefficients near -1131, of which float32 keeps 1e-4.
        np.testing.assert_allclose(tokens[0].numpy(), librosas(audio, numbers), atol=1e-4, rtol=1e-6)


def test_the_papers_excerpt_has_the_papers_shape():
    inputs = torch.zeros(1, round(3.6 * SAMPLE_RATE_HZ))
    mask = torch.ones_like(inputs, dtype=torch.bool)
    assert audio_encoder({"name": "mfcc"} | AVT_CA).extract(inputs, mask)[0].shape == (1, 156, 10)
    assert audio_encoder({"name": "mfcc"} | ATTSF).extract(inputs, mask)[0].shape == (1, 121, 12)


@pytest.mark.parametrize("rate_hz", [22_050, 44_100])
def test_resampling_equals_librosas_below_the_upper_edge(rate_hz):
    t = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    audio = 0.3 * np.sin(2 * np.pi * 440 * t) + 0.2 * np.sin(2 * np.pi * 3000 * t + 1)
    ours = resample(torch.from_numpy(audio), SAMPLE_RATE_HZ, rate_hz).numpy()
    theirs = librosa.resample(audio, orig_sr=SAMPLE_RATE_HZ, target_sr=rate_hz)
    inside = slice(rate_hz // 20, -rate_hz // 20)
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=2e-3)
