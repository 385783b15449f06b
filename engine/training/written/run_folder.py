"""A run's folder: the checkpoint, its card, its epochs and figures as tables, and its pictures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save

from engine.artifact import identify
from engine.training.fitting.keeping import write_rows
from engine.training.fitting.stages import Modules, joined
from engine.training.learned.tuning import Tuned
from engine.training.written import card, plots

EPOCHS, METRICS = "epochs.csv", "metrics.csv"
CURVES, CONFUSION, RELIABILITY = "curves.png", "confusion.png", "reliability.png"


def write(out: Path, config: Mapping[str, Any], modules: Modules) -> None:
    """Write weights, configuration, card and licence; the configuration gets the hash of all that it computes with."""
    tensors = joined(modules)
    weights = save(tensors)
    said = {**config, "model_id": identify(config, weights)}
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.safetensors").write_bytes(weights)
    (out / "config.json").write_text(json.dumps(said, indent=2) + "\n")
    rows = [
        {"on": name, **{figure: value for figure, value in row.items() if isinstance(value, int | float)}}
        for name, row in config["metrics"].items()
    ]
    write_rows(out / METRICS, rows)
    pictures = [name for name in (CURVES, CONFUSION, RELIABILITY) if (out / name).is_file()]
    card.write(out, said, count=sum(tensor.numel() for tensor in tensors.values()), pictures=pictures)


def draw(out: Path, epochs: Sequence[Mapping[str, str]], tuned: Tuned) -> None:
    """Write the epochs of all stages, and the pictures: those of the dev part show the first of its conditions.

    epochs: rows with a `stage`; none where all stages are from before there was such a table.
    """
    out.mkdir(parents=True, exist_ok=True)
    if epochs:
        write_rows(out / EPOCHS, epochs)
        plots.curves(epochs, out / CURVES)
    name = next(iter(tuned.labels))
    labels, chances = tuned.labels[name], tuned.chances[name]
    plots.confusion(labels, chances, out / CONFUSION, title=name)
    plots.reliability(labels, chances, out / RELIABILITY, title=name)
