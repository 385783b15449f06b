"""Where a long recording may be cut into segments: at its quietest moments."""

from pathlib import Path

import av
import numpy as np

from simulators.transcode import Stretch, duration_of, read_sound

LONGEST_S = 30.0
"""A recording up to this long is one segment."""
_EARLIEST_S = 15.0
_WINDOW_S = 0.3


def quiet_stretches(path: Path) -> tuple[Stretch, ...]:
    """A recording as stretches of 15 to 30 s, cut where the sound is weakest; one stretch where it is short.

    Media that cannot be read is one stretch too: whoever decodes it says what is wrong with it.
    """
    try:
        duration_s = duration_of(path)
        sound = read_sound(Stretch(path)) if duration_s > LONGEST_S else None
    except (av.FFmpegError, OSError):
        return (Stretch(path),)
    if duration_s <= LONGEST_S:
        return (Stretch(path),)
    if sound is None:
        cuts = list(np.arange(LONGEST_S, duration_s, LONGEST_S))
    else:
        size = round(sound.rate_hz * _WINDOW_S)
        count = sound.samples.shape[1] // size
        power = np.square(sound.samples[:, : count * size]).mean(axis=0).reshape(count, size).mean(axis=1)
        cuts = _quietest(power, duration_s=duration_s)
    edges = [0.0, *(round(float(cut), 3) for cut in cuts)]
    return tuple(Stretch(path, *edge) for edge in zip(edges, [*edges[1:], None], strict=True))


def _quietest(power: np.ndarray[tuple[int], np.dtype[np.float32]], *, duration_s: float) -> list[float]:
    """Cuts in seconds, each in the middle of the weakest window between 15 and 30 s after the last."""
    cuts: list[float] = []
    last_s = 0.0
    while duration_s - last_s > LONGEST_S:
        first, end = round((last_s + _EARLIEST_S) / _WINDOW_S), int((last_s + LONGEST_S) / _WINDOW_S)
        window = power[first:end]
        last_s = (first + int(window.argmin()) + 0.5) * _WINDOW_S if len(window) else last_s + LONGEST_S
        cuts.append(last_s)
    return cuts
