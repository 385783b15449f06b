import numpy as np
import pytest
import torch

from engine.features.spectral import LogMel, Mfcc
from engine.signals import SAMPLE_RATE_HZ


def tone(length, seed=0):
    t = np.arange(length) / SAMPLE_RATE_HZ
    sweep = np.sin(2 * np.pi * (200 + 300 * seed + 900 * t) * t) + 0.1 * np.cos(40 * np.arange(length) ** 1.5)
    return (0.3 * sweep).astype(np.float32)


def hz_to_mel(hz):
    """Slaney: linear below 1000 Hz, logarithmic above."""
    return hz / (200 / 3) if hz < 1000 else 15 + np.log(hz / 1000) / (np.log(6.4) / 27)


def mel_to_hz(mel):
    return mel * 200 / 3 if mel < 15 else 1000 * np.exp((mel - 15) * np.log(6.4) / 27)


def naive_log_mel(audio, *, n_mels, n_fft, win, hop, top_db):
    """What librosa's `power_to_db(melspectrogram(y, sr=16000, ...))` computes, written out frame by frame."""
    window = np.zeros(n_fft)
    start = (n_fft - win) // 2
    window[start : start + win] = [0.5 - 0.5 * np.cos(2 * np.pi * n / win) for n in range(win)]
    padded = np.concatenate((np.zeros(n_fft // 2), audio.astype(np.float64), np.zeros(n_fft // 2)))
    edges = [mel_to_hz(m) for m in np.linspace(0, hz_to_mel(SAMPLE_RATE_HZ / 2), n_mels + 2)]
    bins = np.arange(n_fft // 2 + 1) * SAMPLE_RATE_HZ / n_fft
    filters = np.zeros((n_mels, len(bins)))
    for m, (low, middle, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        for k, hz in enumerate(bins):
            rise, fall = (hz - low) / (middle - low), (high - hz) / (high - middle)
            filters[m, k] = max(0.0, min(rise, fall)) * 2 / (high - low)
    rows = []
    for frame in range(1 + len(audio) // hop):
        piece = padded[frame * hop : frame * hop + n_fft] * window
        rows.append(filters @ np.abs(np.fft.rfft(piece)) ** 2)
    decibels = 10 * np.log10(np.maximum(rows, 1e-10))
    return np.maximum(decibels, decibels.max() - top_db)


def naive_dct(rows, n_mfcc):
    size = rows.shape[1]
    out = np.zeros((len(rows), n_mfcc))
    for k in range(n_mfcc):
        wave = np.cos(np.pi * k * (2 * np.arange(size) + 1) / (2 * size))
        out[:, k] = rows @ wave * np.sqrt((1 if k == 0 else 2) / size)
    return out


def alone(module, audio):
    inputs = torch.from_numpy(audio)[None]
    return module.extract(inputs, torch.ones_like(inputs, dtype=torch.bool))[0][0]


@pytest.mark.parametrize("length", [1, 159, 160, 4000, 16_321])
def test_log_mel_and_mfcc_equal_librosas_formulas(length):
    audio = tone(length)
    spectrum = LogMel(n_mels=40, n_fft=512, win_length=400, hop_length=160, top_db=80.0)
    expected = naive_log_mel(audio, n_mels=40, n_fft=512, win=400, hop=160, top_db=80.0)
    got = alone(spectrum, audio)
    assert got.shape == expected.shape
    # A cancellation in float32 shows in bins that are 60 dB and more below the loudest; there the scale is wider.
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-4, atol=2e-3)
    # The filters are float32 in librosa and here.
    np.testing.assert_allclose(
        alone(LogMel(n_mels=40).double(), audio.astype(np.float64)), expected, rtol=1e-4, atol=1e-4
    )
    cepstrum = alone(Mfcc(spectrum=LogMel(n_mels=40), n_mfcc=13).double(), audio.astype(np.float64))
    np.testing.assert_allclose(cepstrum.numpy(), naive_dct(expected, 13), atol=1e-4 * 40)


def test_a_batch_equals_its_items_alone():
    waves = [tone(n, seed) for seed, n in enumerate((4000, 12_345, 160, 1))]
    inputs = torch.full((5, 13_000), 7.0)
    mask = torch.zeros(5, 13_000, dtype=torch.bool)
    for row, wave in enumerate(waves):
        inputs[row, : len(wave)], mask[row, : len(wave)] = torch.from_numpy(wave), True
    spectrum = LogMel(n_mels=40)
    for module in (spectrum, Mfcc(spectrum=spectrum, n_mfcc=13)):
        got, frames = module.extract(inputs, mask)
        assert frames.sum(dim=1).tolist() == [26, 78, 2, 1, 0]
        for row, wave in enumerate(waves):
            torch.testing.assert_close(got[row, frames[row]], alone(module, wave), atol=1e-4, rtol=1e-5)
        assert torch.isfinite(got).all()


def test_silence_is_finite():
    assert torch.isfinite(alone(LogMel(n_mels=40), np.zeros(800, np.float32))).all()
