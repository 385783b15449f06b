"""The comparison as Markdown: a table a task, what the gate adds, and what is left when values or a modality go."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.training.comparison.contenders import FAMILIES, LINEAR

_METRICS = {"weighted_f1": "weighted F1", "accuracy": "accuracy", "ccc": "CCC"}
_SIDES = ("audio", "video")

Row = Mapping[str, Any]


def rendered(table: Mapping[str, Any]) -> str:
    """The whole table, which `report.gather` gives."""
    lines = [
        "All models have one small, equal size, which is none of the papers' (`sizes` in `table.json`); `linear` is"
        " logistic regression on the mean tokens, under the same protocol. Mean and deviation over the seeds."
        " Parameters with the head; MACs and ms (processor time on one thread, at batch 1, 8 and 64) an utterance, from"
        " tokens to logits.",
    ]
    for name, task in table["tasks"].items():
        lines += ["", *_task(name, task)]
    lines += _gains(table["tasks"])
    for name, task in table["tasks"].items():
        lines += [*_gates(name, task["rows"]), *_missing(name, task), *_masking(name, task, table["masking"])]
    return "\n".join(lines) + "\n"


def _task(name: str, task: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {name}: {_METRICS[task['metric']]}"
    yield ""
    yield f"{task['note'][0].upper()}{task['note'][1:]}. Data: {'; '.join(task['licences'])}."
    yield ""
    yield from _head(
        "model", "seeds", "score", "voice alone", "face alone", "parameters", "MACs", "ms 1", "ms 8", "ms 64"
    )
    for row in task["rows"]:
        scores = row["scores"]
        spent = row.get("ms", {})
        yield _line(
            row["model"],
            row["seeds"],
            _score(scores["both"]),
            *(_score(scores[side]) if side in scores else "-" for side in _SIDES),
            f"{row['parameters']:,}" if "parameters" in row else "-",
            f"{row['macs']:,}" if "macs" in row else "-",
            *(f"{spent[batch]:.3f}" if batch in spent else "-" for batch in ("1", "8", "64")),
        )
    for reference, figure in _references(task).items():
        yield _line(f"*{reference}*", "", f"*{_short(figure)}*", *[""] * 7)
    yield ""
    yield from _verdict(task)
    if "ratings" in task["rows"][0]:
        yield ""
        told = (f"{row['model']} {' / '.join(map(_short, row['ratings']))}" for row in task["rows"])
        yield f"The ratings one by one: {'; '.join(told)}."


def _references(task: Mapping[str, Any]) -> dict[str, float]:
    majority = {} if task["majority"] is None else {"always the most frequent class": task["majority"]}
    return {**majority, **task["references"]}


def _verdict(task: Mapping[str, Any]) -> Iterator[str]:
    """Who is above the plain references, and who is not."""
    rows = {row["model"]: row["scores"][task["judged_by"]]["mean"] for row in task["rows"]}
    models = {name: score for name, score in rows.items() if name != LINEAR}
    if not models:
        return
    if task["judged_by"] == "audio":
        yield "By the voice alone:"
    bars = {f"`{LINEAR}` ({_short(rows[LINEAR])})": rows[LINEAR]} if LINEAR in rows else {}
    if task["references"]:
        name, figure = max(task["references"].items(), key=lambda one: one[1])
        bars[f"{name} ({_short(figure)})"] = figure
    for bar, figure in bars.items():
        below = [name for name, score in models.items() if score <= figure]
        if not below:
            yield f"Every model is above {bar}."
        elif len(below) == len(models):
            yield f"**No model is above {bar}.**"
        else:
            yield f"Not above {bar}: {', '.join(below)}."


def _gains(tasks: Mapping[str, Any]) -> Iterator[str]:
    """The gated models less their twins."""
    found = []
    for name, task in tasks.items():
        means = {row["model"]: row["scores"]["both"]["mean"] for row in task["rows"]}
        gains = [means.get(f"{one}+dca", float("nan")) - means.get(one, float("nan")) for one in FAMILIES]
        if any(gain == gain for gain in gains):
            found.append(_line(name, *("-" if gain != gain else f"{gain:+.3f}" for gain in gains)))
    if found:
        yield from ("", "## What the gate of dynamic cross-attention adds", "")
        yield from _head("task", *FAMILIES)
        yield from found


def _gates(name: str, rows: Sequence[Row]) -> Iterator[str]:
    gated = [row for row in rows if row.get("gates")]
    if gated:
        conditions = list(gated[0]["gates"])
        yield from (
            "",
            f"## {name}: the gate's share of the attended, by what was done to the utterance",
            "",
        )
        yield from _head("model", "modality", *conditions)
        for row in gated:
            for weight in row["gates"][conditions[0]]:
                yield _line(row["model"], weight, *(_short(row["gates"][one][weight]) for one in conditions))
    scored = [row for row in rows if "conditions" in row]
    if scored:
        conditions = list(scored[0]["conditions"])
        yield from ("", f"## {name}: the score by what was done to the utterance", "")
        yield from _head("model", *conditions)
        for row in scored:
            yield _line(row["model"], *(_short(row["conditions"][one]) for one in conditions))


def _missing(name: str, task: Mapping[str, Any]) -> Iterator[str]:
    if not any("masking" in row for row in task["rows"]):
        return
    yield from ("", f"## {name}: what a missing modality costs", "")
    yield from _head("model", "both", "without the face", "without the voice")
    for row in task["rows"]:
        both = row["scores"]["both"]["mean"]
        lost = (f"{_short(row['scores'][side]['mean'])} ({row['scores'][side]['mean'] - both:+.3f})" for side in _SIDES)
        yield _line(row["model"], _short(both), *lost)


def _masking(name: str, task: Mapping[str, Any], how: Mapping[str, Any]) -> Iterator[str]:
    masked = [row for row in task["rows"] if "masking" in row]
    if not masked:
        return
    yield from ("", f"## {name}: one modality's values replaced by random ones", "")
    yield f"On {how['rows']} test rows, the same for all models (ATTSF-Net's Table V, for every model)."
    yield ""
    yield from _head("model", "modality", "none", *(f"{share:.0%}" for share in how["shares"]))
    for row in masked:
        for side in _SIDES:
            yield _line(row["model"], side, *(_short(score) for score in row["masking"][side]))


def _head(*names: str) -> tuple[str, str]:
    return _line(*names), _line(*["---"] * len(names))


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _score(spread: Mapping[str, float | None]) -> str:
    deviation = spread["deviation"]
    return _short(spread["mean"]) + ("" if deviation is None else f" ± {_short(deviation)}")


def _short(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.3f}"
