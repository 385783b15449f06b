"""`turntone train` and `turntone evaluate`: a checkpoint from a recipe, and how good it is on a corpus."""

import json as jsonlib
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.hearing import quiet_engine
from actors.cli.options import AsJson, ConfigFile, Role, configured, new_file, new_folder
from actors.cli.replay import Progress

if TYPE_CHECKING:
    from engine.training.table import Line
    from engine.transport.base import Incoming
    from simulators.score import Answer


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, as TOML, or the name of one that comes with Turntone.")],
    data: Annotated[Path, typer.Option(help="Folder of the recipe's corpora.")],
    out: Annotated[
        Path | None,
        typer.Option(
            callback=new_folder,
            help="Folder of what is made, if not said runs/RECIPE and what was chosen; an interrupted one goes on.",
        ),
    ] = None,
    fusion: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="avafn, avt-ca, attsf, attsf-l2, attsf-gat, ca, tca, jca or rjca."),
    ] = None,
    gate: Annotated[
        str | None, typer.Option(metavar="dca", help="Dynamic cross-attention, upon ca, tca, jca or rjca.")
    ] = None,
    dialogue: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="avafn, or none: the fusion's own head decides each utterance alone."),
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Parts of the speakers by which a voice encoder is measured.")
    ] = None,
) -> None:
    """Make a checkpoint, or one face or voice encoder, from a recipe.

    --fusion, --gate and --dialogue stand above what the recipe says; its numbers stay, and one that the model does not
    have is named. Trainings of one recipe share the stages that are alike.
    """
    from engine.errors import ConfigurationError
    from engine.training.recipe import FOLDER, load
    from engine.training.recognition.recipe import describes
    from engine.training.train import in_terminal
    from engine.training.train import train as make
    from engine.training.voices import recipe as voices

    shipped = FOLDER / f"{recipe.name}.toml"
    path = shipped if not recipe.is_file() and shipped.is_file() else recipe
    chosen = [name for name in (fusion, gate, dialogue) if name is not None]
    if (describes(path) or voices.describes(path)) and chosen:
        raise ConfigurationError(f"{path.name} trains one encoder: it has no fusion and no dialogue model")
    if voices.describes(path):
        _train_voice(path, out or Path("runs") / recipe.stem, data, folds)
        return
    if folds is not None:
        raise ConfigurationError(f"{path.name} is not measured by folds: --folds is for a voice encoder's recipe")
    if describes(path):
        _train_face(path, out or Path("runs") / recipe.stem, data)
        return
    made_from = load(path).choosing(fusion=fusion, gate=gate, dialogue=dialogue)
    bar, progress = in_terminal()
    with bar:
        made = make(
            made_from,
            out or Path("runs") / "-".join([recipe.stem, *chosen]),
            data=data,
            progress=progress,
            stages=Path("runs") / recipe.stem / "stages" if out is None else None,
        )
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


def _train_voice(recipe: Path, out: Path, data: Path, folds: int | None) -> None:
    from engine.training.train import in_terminal
    from engine.training.voices.recipe import load
    from engine.training.voices.train import train as make

    bar, progress = in_terminal()
    with bar:
        text = make(load(recipe).by_folds(folds), out, data=data, progress=progress)
    typer.echo(f"{text}\n{out}: see its README.md")


def evaluate(
    checkpoint: Annotated[
        str, typer.Argument(help="A folder, a hub id, `default` or `open`; fusion and dialogue model are its own.")
    ],
    on: Annotated[str, typer.Option(metavar="CORPUS", help="A MELD folder, a manifest with labels, or a known name.")],
    data: Annotated[Path, typer.Option(help="Folder of the corpora with names.")] = Path("data"),
    json: AsJson = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", callback=new_file, help="Save the table, as JSON where the name ends in .json."),
    ] = None,
    role: Role = "performer",
    config_file: ConfigFile = None,
) -> None:
    """Measure a checkpoint on a labelled corpus.

    A MELD folder and a manifest go through the whole engine in one process, turn by turn as in a stream. Corpora with
    names (scripted, ravdess, emodb, fer2013) are the held-out parts the checkpoint's card reports; crema-d, iemocap and
    meld are read from folders of those names, as they are distributed. Of dialogues the table says too what it costs
    to withhold one party.
    """
    from engine.training.evaluate import evaluate as measure
    from engine.training.table import as_text, write

    if Path(on).exists():
        lines = [_stream(checkpoint, Path(on), role, config_file)]
    else:
        lines = [line for row in measure(checkpoint, on, data=data) for line in row.lines]
    if out is not None:
        write(out, lines)
    if not json:
        typer.echo(f"\n{as_text(lines)}", nl=False)
        return
    for line in lines:
        typer.echo(jsonlib.dumps(line.as_json()))


def _stream(checkpoint: str, source: Path, role: str, config_file: Path | None) -> "Line":
    from engine.build import build_in_process
    from engine.config import FaceSettings
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
    config = configured(config_file, checkpoint=checkpoint)
    if corpus.has_stills:
        config = config.model_copy(update={"faces": FaceSettings(still="use")})
    engine = build_in_process(config, metrics=Figures())
    events: list[EmotionEvent] = []

    def hear(record: "Incoming") -> None:
        if record.position.topic == TURNS:
            events.append(EmotionEvent.model_validate_json(record.value or b""))

    replayed = play_through(engine, corpus, run=new_run(), role=role, report=Progress(), hear=hear)
    return line_of(f"{corpus.name}, whole engine", match(replayed.sent, events))


def line_of(name: str, answers: "Sequence[Answer]") -> "Line":
    """A line over the turns that have a distribution and a true label, abstentions counted by their best guess."""
    import numpy as np

    from engine.errors import ConfigurationError
    from engine.training.affect import agreements
    from engine.training.table import line
    from schemas.labels import EMOTIONS

    labels, chances, dialogues, rated, said, learned = [], [], [], [], [], False
    for answer in answers:
        if answer.sent.emotion is not None and answer.main is not None and answer.main.distribution is not None:
            labels.append(EMOTIONS.index(answer.sent.emotion))
            chances.append([answer.main.distribution[emotion] for emotion in EMOTIONS])
            dialogues.append(answer.sent.dialogue_id)
            rated.append((answer.sent.valence, answer.sent.arousal))
            said.append((answer.main.valence, answer.main.arousal))
            learned |= answer.main.affect_source == "regression"
    if not labels:
        raise ConfigurationError("no turn got a distribution; are its roles allowed, and is its media in order?")
    true, told, drawn = np.array(labels, dtype=np.int64), np.array(chances, dtype=np.float64), np.array(dialogues)
    affect = agreements(
        np.array(rated, dtype=np.float64),
        told,
        drawn,
        regression=np.array(said, dtype=np.float64) if learned else None,
    )
    return line(name, true, told, drawn, affect=affect)
