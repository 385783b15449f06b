"""`turntone bench dialogue`: what each part of the dialogue model is worth, causal and bidirectional."""

from pathlib import Path
from typing import Annotated

import typer

from actors.cli.options import new_folder

EXAMPLES = """
Examples:

  turntone bench dialogue --data data --out runs/dialogue        all of it: an hour or two on one core

  turntone bench dialogue --data data --out look --corpus meld-six --variant complete --variant single_turn --seeds 1

The same command goes on where it was stopped; more seeds may be asked for later.
"""


def dialogue(
    data: Annotated[Path, typer.Option(help="Folder of the corpora.")],
    out: Annotated[
        Path, typer.Option(callback=new_folder, help="Folder of the results; an interrupted run goes on in it.")
    ],
    corpus: Annotated[
        list[str] | None, typer.Option(help="meld-six, meld-six-face, meld-embeddings or scripted; may be repeated.")
    ] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="complete, no_cam, no_acm ...; may be repeated; all if not said.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each variant.")] = 3,
) -> None:
    """Train AVAFN without one part after the other, and say what context is worth.

    Each variant runs causal and bidirectional, beside the same cells without history. OUT gets a file a training, and
    each corpus its table, as CORPUS.json and CORPUS.md.
    """
    from engine.errors import ConfigurationError
    from engine.training.ablation.table import as_json, as_markdown, rows
    from engine.training.ablation.tasks import TASKS
    from engine.training.ablation.units import run
    from engine.training.ablation.variants import VARIANTS
    from engine.training.train import in_terminal

    corpora, variants = list(dict.fromkeys(corpus or TASKS)), list(dict.fromkeys(variant or VARIANTS))
    for what, names, known in (("corpus", corpora, TASKS), ("variant", variants, VARIANTS)):
        for name in names:
            if name not in known:
                raise ConfigurationError(f"no {what} {name!r} in this benchmark; there are {', '.join(known)}")
    said = []
    bar, progress = in_terminal()
    try:
        with bar:
            for answered in run(
                out / "units", data=data, corpora=corpora, variants=variants, seeds=seeds, progress=progress
            ):
                table = rows(answered)
                said.append(as_markdown(table))
                (out / f"{answered.corpus}.json").write_text(as_json(table) + "\n")
                (out / f"{answered.corpus}.md").write_text(said[-1])
    except KeyboardInterrupt:
        typer.echo(f"stopped; the same command goes on from what lies in {out}", err=True)
        raise typer.Exit(130) from None
    typer.echo("\n".join(said))
