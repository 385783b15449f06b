"""How well a mouth goes with a voice: the darkness inside it against the loudness of the vowels."""

import numpy as np
from numpy.typing import NDArray

from engine.signals import SAMPLE_RATE_HZ, FaceTrack, Span, Waveform

_VOWELS_HZ = (500.0, 2500.0)
"""Where an open mouth makes a voice louder; hisses lie above, and the hum of a closed mouth below."""
_SYLLABLES_HZ = (1.5, 8.0)
_LEVEL_HZ = 100
_LEVEL_RANGE_DB = 40.0
_MOUTH_HZ = 25.0
_LAGS_S = np.arange(-8, 7) * 0.02
"""By how much sound and picture of a recording may be apart."""
_LEAST_S = 1.0
_LEAST_RATE_HZ = 10.0
_LEAST_MOVEMENT = 1.0
"""Grey levels; a mouth that is shut trembles by less."""
_INDEPENDENT_HZ = 5.0
"""Independent values a second. Two signals of this band have more, but speech has a rhythm."""

_Floats = NDArray[np.float64]


def synchrony(track: FaceTrack, audio: Waveform, span: Span) -> float | None:
    """How surely the mouth of a track goes with the voice in a span of the segment's `audio` `[N]`.

    In standard deviations of what a mouth that has nothing to do with the voice would have at a given lag (Fisher's z
    of their correlation); the best lag counts. None: the mouth is not seen long enough, or not often enough a second.
    """
    inside = (track.mouth_times_s >= span.start_s) & (track.mouth_times_s <= span.end_s)
    times_s = track.mouth_times_s[inside]
    if len(times_s) < 2:
        return None
    seen_s = float(times_s[-1] - times_s[0])
    if seen_s < _LEAST_S or len(times_s) < _LEAST_RATE_HZ * seen_s:
        return None
    at_s = np.arange(times_s[0], times_s[-1], 1 / _MOUTH_HZ)
    mouth = banded(np.interp(at_s, times_s, track.mouth[inside]), _MOUTH_HZ, _SYLLABLES_HZ)
    if mouth.std() < _LEAST_MOVEMENT:
        return 0.0
    level_db, level_at_s = loudness(audio, Span(at_s[0] + _LAGS_S[0], at_s[-1] + _LAGS_S[-1]))
    voices = (banded(np.interp(at_s + lag_s, level_at_s, level_db), _MOUTH_HZ, _SYLLABLES_HZ) for lag_s in _LAGS_S)
    best = max(_correlation(mouth, voice) for voice in voices)
    return float(np.arctanh(min(best, 0.999)) * np.sqrt(_INDEPENDENT_HZ * seen_s))


def loudness(audio: Waveform, span: Span) -> tuple[_Floats, _Floats]:
    """The level of the vowels' band in dB and its times in seconds, 100 a second, where `audio` `[N]` covers a span."""
    first = max(0, round(span.start_s * SAMPLE_RATE_HZ))
    last = max(first + 1, round(span.end_s * SAMPLE_RATE_HZ))
    vowels = banded(audio[first:last].astype(np.float64), SAMPLE_RATE_HZ, _VOWELS_HZ)
    window, step = SAMPLE_RATE_HZ // 25, SAMPLE_RATE_HZ // _LEVEL_HZ
    power = np.convolve(np.square(vowels), np.full(window, 1 / window), mode="same")[::step]
    level_db = 10 * np.log10(power + 1e-10)
    return np.maximum(level_db, level_db.max() - _LEVEL_RANGE_DB), first / SAMPLE_RATE_HZ + np.arange(
        len(power)
    ) / _LEVEL_HZ


def banded(values: _Floats, rate_hz: float, band_hz: tuple[float, float]) -> _Floats:
    """Values `[N]` without their line and without what lies outside a band; both ends are mirrored."""
    steps = np.linspace(-1.0, 1.0, len(values))
    level = values - values.mean()
    level = level - steps * (level @ steps) / max(float(steps @ steps), 1e-9)
    spectrum = np.fft.rfft(np.concatenate([level, level[::-1]]))
    frequency = np.fft.rfftfreq(2 * len(values), 1 / rate_hz)
    spectrum[(frequency < band_hz[0]) | (frequency > band_hz[1])] = 0
    inside: _Floats = np.fft.irfft(spectrum, 2 * len(values))[: len(values)]
    return inside


def _correlation(one: _Floats, other: _Floats) -> float:
    """Of signals around zero; 0 where one of them is silent."""
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale > 0 else 0.0
