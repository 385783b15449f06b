"""A run's pictures: how the loss fell, and what was taken for what."""

import csv
from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from engine.training.voices.results import Row

_DOTS = 80


def curves(path: Path, logs: Sequence[Path]) -> None:
    """The loss of every training over its epochs."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="epoch", ylabel="training loss")
    for log in logs:
        with log.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        axes.plot([int(row["epoch"]) for row in rows], [float(row["loss"]) for row in rows], linewidth=0.8)
    _save(figure, path)


def confusion(path: Path, row: Row, *, title: str) -> None:
    """True classes down, said classes across; shares of the true class."""
    names = row.classes
    shares = row.confusion / row.confusion.sum(axis=1, keepdims=True).clip(min=1)
    figure = Figure(figsize=(6, 5.4), layout="constrained")
    axes = figure.add_subplot(xlabel="said", ylabel="true", title=title)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(names))
    axes.set_xticks(places, names, rotation=45)
    axes.set_yticks(places, names)
    for true in places:
        for said in places:
            share = shares[true, said]
            axes.text(said, true, f"{share:.2f}", ha="center", va="center", color="white" if share > 0.5 else "black")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=_DOTS)
