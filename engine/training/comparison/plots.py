"""The comparison as pictures: scores of each task, the masking curves, and what a missing modality leaves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_SIDES = {"audio": "tab:blue", "video": "tab:orange"}
_COLUMNS = 4


def draw(table: Mapping[str, Any], out: Path) -> list[Path]:
    """Write the pictures that the table has the figures for; returns their paths."""
    tasks = table["tasks"]
    drawn = [_save(_scores(tasks), out / "scores.png")]
    for name, task in tasks.items():
        rows = [row for row in task["rows"] if "masking" in row]
        if rows:
            drawn.append(
                _save(
                    _masking(rows, table["masking"]["shares"], name, floor=task["majority"]),
                    out / f"masking-{name}.png",
                )
            )
            drawn.append(_save(_missing(rows, name), out / f"missing-{name}.png"))
    return drawn


def _scores(tasks: Mapping[str, Any]) -> Figure:
    figure, panels = _grid(len(tasks), each=(3.4, 3.2))
    for panel, (name, task) in zip(panels, tasks.items(), strict=True):
        rows = task["rows"]
        spreads = [row["scores"]["both"] for row in rows]
        panel.errorbar(
            [spread["mean"] for spread in spreads],
            range(len(rows)),
            xerr=[spread["deviation"] or 0.0 for spread in spreads],
            fmt="o",
            markersize=4,
        )
        for reference in task["references"].values():
            panel.axvline(reference, color="grey", linewidth=0.7, linestyle="--")
        panel.set_yticks(range(len(rows)), [row["model"] for row in rows], fontsize=7)
        panel.invert_yaxis()
        panel.set_title(name, fontsize=9)
        panel.set_xlabel(task["metric"].replace("_", " "), fontsize=8)
        panel.tick_params(axis="x", labelsize=7)
    figure.suptitle("Mean and deviation over the seeds; dashed: simple classifiers on the same corpus", fontsize=10)
    return figure


def _masking(rows: Sequence[Mapping[str, Any]], shares: Sequence[float], name: str, *, floor: float) -> Figure:
    figure, panels = _grid(len(rows), each=(2.6, 2.1))
    top = max(max(row["masking"][side]) for row in rows for side in _SIDES)
    for panel, row in zip(panels, rows, strict=True):
        for side, colour in _SIDES.items():
            panel.plot([0.0, *shares], row["masking"][side], color=colour, label=f"{side} random")
        panel.set_title(row["model"], fontsize=9)
        panel.set_ylim(floor, top * 1.05)
        panel.tick_params(labelsize=7)
    panels[0].legend(fontsize=7)
    figure.suptitle(f"{name}: weighted F1 by the share of random values, from the majority's score up", fontsize=10)
    return figure


def _missing(rows: Sequence[Mapping[str, Any]], name: str) -> Figure:
    figure, (panel,) = _grid(1, each=(8.0, 3.4))
    kinds = (("both", "tab:green", "both"), ("audio", "tab:blue", "voice alone"), ("video", "tab:orange", "face alone"))
    for place, (kind, colour, label) in enumerate(kinds):
        spreads = [row["scores"][kind] for row in rows]
        panel.bar(
            [index + 0.27 * (place - 1) for index in range(len(rows))],
            [spread["mean"] for spread in spreads],
            width=0.27,
            yerr=[spread["deviation"] or 0.0 for spread in spreads],
            color=colour,
            label=label,
        )
    panel.set_xticks(range(len(rows)), [row["model"] for row in rows], fontsize=7, rotation=40, ha="right")
    panel.set_title(f"{name}: weighted F1 with a modality missing", fontsize=10)
    panel.legend(fontsize=7, ncols=3, loc="lower center", framealpha=1.0)
    return figure


def _grid(count: int, *, each: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    columns = min(count, _COLUMNS)
    rows = -(-count // columns)
    figure = Figure(figsize=(each[0] * columns, each[1] * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(rows, columns, place + 1) for place in range(count)]


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path
