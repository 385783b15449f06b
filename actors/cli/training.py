"""`turntone train` and `turntone evaluate`: a checkpoint from a recipe, and how good it is on a corpus."""

import json as jsonlib
import signal
from collections.abc import Sequence
from functools import partial
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
    recipe: Annotated[Path, typer.Argument(help="A recipe, as TOML, or the name of one that comes with Turntone.")],
    data: Annotated[Path, typer.Option(help="Folder of the recipe's corpora.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of what is made, runs/RECIPE if not said; an interrupted training goes on in it."),
    ] = None,
) -> None:
    """Make a checkpoint, or one face encoder, from a recipe."""
    from engine.training.recipe import FOLDER
    from engine.training.recognition.recipe import describes
    from engine.training.train import in_terminal
    from engine.training.train import train as make

    shipped = FOLDER / f"{recipe.name}.toml"
    path = shipped if not recipe.is_file() and shipped.is_file() else recipe
    out = out or Path("runs") / recipe.stem
    if describes(path):
        _train_face(path, out, data)
        return
    bar, progress = in_terminal()
    with bar:
        made = make(path, out, data=data, progress=progress)
    typer.echo(f"{made}: see its README.md, and `turntone model show {made}`")


def _train_face(recipe: Path, out: Path, data: Path) -> None:
    from engine.training.recognition.run import Report
    from engine.training.recognition.run import train as make
    from engine.training.train import in_terminal

    bar, progress = in_terminal()
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        with bar:
            report = Report(step=partial(progress, recipe.stem), line=bar.console.print)
            finished = make(recipe, out, data=data, report=report, stop=lambda: bool(asked))
    finally:
        signal.signal(signal.SIGINT, before)
    if not finished:
        typer.echo(f"stopped; the same command goes on from what lies in {out}", err=True)
        raise typer.Exit(130)
    typer.echo(f"{out}: see its README.md")


def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="A folder, a hub id, or `default`.")],
    on: Annotated[str, typer.Option(metavar="CORPUS", help="A MELD folder, a manifest with labels, or a known name.")],
    data: Annotated[Path, typer.Option(help="Folder of the corpora with names.")] = Path("data"),
    json: AsJson = False,
    role: Role = "performer",
    config_file: ConfigFile = None,
) -> None:
    """Measure a checkpoint on a labelled corpus.

    A MELD folder and a manifest go through the whole engine in one process, turn by turn as in a stream. Corpora with
    names (scripted, ravdess, emodb, fer2013) are the held-out parts the checkpoint's card reports.
    """
    from dataclasses import asdict

    rows = _stream(checkpoint, Path(on), role, config_file) if Path(on).exists() else _named(checkpoint, on, data)
    if json:
        for name, scores in rows.items():
            typer.echo(jsonlib.dumps({"condition": name, **asdict(scores)}))
        return
    typer.echo(f"\n{'':44} {'turns':>6} {'w-F1':>6} {'m-F1':>6} {'acc':>6} {'UAR':>6} {'ECE':>6}")
    for name, scores in rows.items():
        figures = (scores.weighted_f1, scores.macro_f1, scores.accuracy, scores.uar, scores.ece)
        typer.echo(f"{name:44} {scores.turns:6} " + " ".join(f"{figure:6.3f}" for figure in figures))


def _named(checkpoint: str, name: str, data: Path) -> "dict[str, Scores]":
    from engine.training.evaluate import evaluate as measure

    rows: dict[str, Scores] = {}
    for row in measure(checkpoint, name, data=data):
        rows[row.name] = row.causal
        rows[f"{row.name}, single turns"] = row.single_turn
    return rows


def _stream(checkpoint: str, source: Path, role: str, config_file: Path | None) -> "dict[str, Scores]":
    from engine.build import build_in_process
    from engine.config import FaceSettings, read_config
    from engine.errors import ConfigurationError
    from engine.metrics import Figures
    from schemas.events import EmotionEvent
    from schemas.topics import TURNS
    from simulators.folder import open_corpus
    from simulators.offline import play_through
    from simulators.replay import new_run
    from simulators.score import match

    quiet_engine()
    corpus = open_corpus(source)
    if not any(turn.emotion for dialogue in corpus.dialogues for turn in dialogue.utterances):
        raise ConfigurationError(f"{source} names no emotions to measure against; a manifest has a column for them")
    config = read_config(config_file)
    config = config.model_copy(update={"model": config.model.model_copy(update={"checkpoint": checkpoint})})
    if corpus.has_stills:
        config = config.model_copy(update={"faces": FaceSettings(still="use")})
    engine = build_in_process(config, metrics=Figures())
    events: list[EmotionEvent] = []

    def hear(record: "Incoming") -> None:
        if record.position.topic == TURNS:
            events.append(EmotionEvent.model_validate_json(record.value or b""))

    replayed = play_through(engine, corpus, run=new_run(), role=role, report=Progress(), hear=hear)
    return {f"{corpus.name}, whole engine": scores_of(match(replayed.sent, events))}


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
