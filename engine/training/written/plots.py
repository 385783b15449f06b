"""A training as pictures: how loss and dev figures went, what was taken for what, and how far confidence is true."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from schemas.labels import EMOTIONS

_BINS = 10
_DOTS = 80
_DEV = "dev_weighted_f1"


def curves(epochs: Sequence[Mapping[str, str]], path: Path) -> None:
    """The loss of every stage over its epochs, and beside it the weighted F1 on the dev part, where there is one."""
    stages = list(dict.fromkeys(row["stage"] for row in epochs))
    figure = Figure(figsize=(3.4 * len(stages), 3.0), layout="constrained")
    for place, stage in enumerate(stages, start=1):
        rows = [row for row in epochs if row["stage"] == stage]
        numbers = [int(row["epoch"]) for row in rows]
        axes = figure.add_subplot(1, len(stages), place, xlabel="epoch", ylabel="loss", title=stage)
        axes.plot(numbers, [float(row["loss"]) for row in rows], color="tab:blue")
        judged = [(number, float(row[_DEV])) for number, row in zip(numbers, rows, strict=True) if row.get(_DEV)]
        if judged:
            beside = axes.twinx()
            beside.set_ylabel("weighted F1, dev", color="tab:orange")
            beside.plot(*zip(*judged, strict=True), color="tab:orange")
    _save(figure, path)


def confusion(labels: NDArray[np.int64], chances: NDArray[np.float64], path: Path, *, title: str) -> None:
    """True emotions down, told ones across, in shares of the true one."""
    told = chances.argmax(axis=1)
    count = np.zeros((len(EMOTIONS), len(EMOTIONS)))
    np.add.at(count, (labels, told), 1)
    shares = count / count.sum(axis=1, keepdims=True).clip(min=1)
    figure = Figure(figsize=(5.0, 4.6), layout="constrained")
    axes = figure.add_subplot(xlabel="told", ylabel="true", title=title)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(EMOTIONS))
    axes.set_xticks(places, EMOTIONS, rotation=45)
    axes.set_yticks(places, [f"{name} ({int(n)})" for name, n in zip(EMOTIONS, count.sum(axis=1), strict=True)])
    for true in places:
        for said in places:
            share = shares[true, said]
            axes.text(said, true, f"{share:.2f}", ha="center", va="center", color="white" if share > 0.5 else "black")
    _save(figure, path)


def reliability(labels: NDArray[np.int64], chances: NDArray[np.float64], path: Path, *, title: str) -> None:
    """Of turns of like confidence, the share that was told rightly; below, how many turns there are of each."""
    confidence, hit = chances.max(axis=1), chances.argmax(axis=1) == labels
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    turns = np.bincount(bins, minlength=_BINS)
    right = np.bincount(bins, weights=hit, minlength=_BINS) / turns.clip(min=1)
    middles = (np.arange(_BINS) + 0.5) / _BINS
    figure = Figure(figsize=(4.2, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.bar(middles, right, width=0.9 / _BINS, color="tab:blue")
    above.plot((0, 1), (0, 1), color="grey", linestyle="--", linewidth=0.8)
    above.set(ylabel="share told rightly", title=title, xlim=(0, 1), ylim=(0, 1))
    below.bar(middles, turns, width=0.9 / _BINS, color="grey")
    below.set(xlabel="confidence", ylabel="turns")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=_DOTS, metadata={"Software": None})
