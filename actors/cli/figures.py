"""The figures of a replay against its labels, as a few lines of text."""

from collections.abc import Sequence

from rich.console import Console

from simulators.score import Answer, score


def show_figures(console: Console, name: str, answers: Sequence[Answer]) -> None:
    """Print how many turns were answered and how, and how many labels were right."""
    figures = score(answers)
    console.print(f"[bold]{name}[/bold]", highlight=False)
    rows = [("answered", figures.answered), ("withheld by policy", figures.withheld)]
    rows += [("labelled, of the allowed", figures.labelled), ("heard and seen, of the allowed", figures.both)]
    if figures.correct.of:
        rows.append(("label right", figures.correct))
    for text, share in rows:
        console.print(f"  {text:31} {share}", highlight=False)
    for emotion, share in figures.by_label.items():
        console.print(f"    {emotion:29} {share}", highlight=False)
