"""`turntone train` and `turntone evaluate`: a checkpoint from a recipe, and how good it is on a corpus."""

import json as jsonlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.hearing import quiet_engine
from actors.cli.options import AsJson, ConfigFile, Role
from actors.cli.replay import Progress

if TYPE_CHECKING:
    from engine.training.scores import Scores
    from engine.transport.base import Incoming
    from simulators.score import Answer


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, as TOML (engine/training/recipes).")],
    data: Annotated[Path, typer.Option(help="Folder of the recipe's corpora.")],
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint; an interrupted training goes on in it.")],
) -> None:
    """Make a checkpoint from a recipe."""
    from engine.training.train import in_terminal
    from engine.training.train import train as make

    bar, progress = in_terminal()
    with bar:
        made = make(recipe, out, data=data, progress=progress)
    typer.echo(f"{made}: see its README.md, and `turntone model show {made}`")


def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="A folder, a hub id, or `default`.")],
    on: Annotated[Path, typer.Option(metavar="CORPUS", help="A MELD folder or a manifest with labels.")],
    json: AsJson = False,
    role: Role = "performer",
    config_file: ConfigFile = None,
) -> None:
    """Measure a checkpoint on a labelled corpus.

    The corpus goes through the whole engine in one process, turn by turn as in a stream.
    """
    from rich.console import Console

    from actors.cli.figures import show_figures
    from engine.build import build_in_process
    from engine.config import read_config
    from engine.errors import ConfigurationError
    from engine.metrics import Counters
    from schemas.events import EmotionEvent
    from schemas.topics import TURNS
    from simulators.folder import open_corpus
    from simulators.offline import play_through
    from simulators.replay import new_run
    from simulators.score import match

    quiet_engine()
    corpus = open_corpus(on)
    if not any(turn.emotion for dialogue in corpus.dialogues for turn in dialogue.utterances):
        raise ConfigurationError(f"{on} names no emotions to measure against; a manifest has a column for them")
    config = read_config(config_file)
    config = config.model_copy(update={"model": config.model.model_copy(update={"checkpoint": checkpoint})})
    engine = build_in_process(config, metrics=Counters())
    events: list[EmotionEvent] = []

    def hear(record: "Incoming") -> None:
        if record.position.topic == TURNS:
            events.append(EmotionEvent.model_validate_json(record.value or b""))

    sent = play_through(engine, corpus, run=new_run(), role=role, report=Progress(), hear=hear)
    answers = match(sent, events)
    scores = scores_of(answers)
    if json:
        typer.echo(jsonlib.dumps({"model_id": engine.model_id, "corpus": corpus.name, **asdict(scores)}))
        return
    typer.echo(err=True)
    show_figures(Console(), f"{corpus.name}, model {engine.model_id}", answers)
    typer.echo(
        f"  accuracy {scores.accuracy:.3f}, weighted F1 {scores.weighted_f1:.3f}, macro F1 {scores.macro_f1:.3f}"
    )
    typer.echo(f"  unweighted recall {scores.uar:.3f}, calibration error {scores.ece:.3f}, {scores.turns} turns")


def scores_of(answers: "Sequence[Answer]") -> "Scores":
    """Scores over the turns that have a distribution and a true label, abstentions counted by their best guess."""
    import numpy as np

    from engine.errors import ConfigurationError
    from engine.training.scores import score
    from schemas.labels import EMOTIONS

    labels, chances = [], []
    for answer in answers:
        if answer.sent.emotion is not None and answer.main is not None and answer.main.distribution is not None:
            labels.append(EMOTIONS.index(answer.sent.emotion))
            chances.append([answer.main.distribution[emotion] for emotion in EMOTIONS])
    if not labels:
        raise ConfigurationError("no turn got a distribution; are its roles allowed, and is its media in order?")
    return score(np.array(labels, dtype=np.int64), np.array(chances, dtype=np.float64))
