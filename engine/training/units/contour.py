"""A contour of an utterance in numbers: how long, how loud and how varied it is, and its shape over time.

RAVDESS's 259 audio values are one number a frame over the first three seconds: neighbours correlate with .97, and
shorter recordings end in zeros. As columns they are hardly comparable, for each actor begins when he likes.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

_ACTIVE = 0.35
"""Where between its least and its largest value a contour counts as speech."""
_QUANTILES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
_POINTS = 32
_COSINES = 24


def described(contours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Contours `[N, T]`, each 0 from its end on, as descriptions `[N, 75]`.

    Length, beginning, end and duration of the speech; quantiles; the first cosines of the whole; mean, spread, mean and
    spread of the changes, share and turns within the speech; the speech at points spread evenly over it.
    """
    return np.stack([_description(np.trim_zeros(contour, "b")) for contour in contours]).astype(np.float32)


def _description(contour: NDArray[np.float32]) -> NDArray[np.float64]:
    if len(contour) == 0:
        return np.zeros(10 + len(_QUANTILES) + _COSINES + _POINTS)
    threshold = contour.min() + _ACTIVE * (contour.max() - contour.min())
    active = np.flatnonzero(contour >= threshold)
    begin, end = active[0], active[-1] + 1
    speech = contour[begin:end].astype(np.float64)
    changes = np.diff(speech) if len(speech) > 1 else np.zeros(1)
    turns = np.count_nonzero(np.diff(np.sign(speech - speech.mean())))
    cosines = np.zeros(_COSINES)
    found = dct(contour.astype(np.float64), norm="ortho")[:_COSINES]
    cosines[: len(found)] = found
    points = np.interp(np.linspace(0, len(speech) - 1, _POINTS), np.arange(len(speech)), speech)
    return np.concatenate(
        [
            [len(contour), begin, end, end - begin],
            np.quantile(contour, _QUANTILES),
            cosines,
            [speech.mean(), speech.std(), np.abs(changes).mean(), changes.std(), len(active) / len(speech), turns],
            points,
        ]
    )
