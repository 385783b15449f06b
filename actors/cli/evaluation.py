"""`turntone evaluate`: how good a checkpoint is on a corpus, and how good what is served of it."""

import json as jsonlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.hearing import Hearing, quiet_engine
from actors.cli.options import AsJson, ConfigFile, Role, configured, new_file
from actors.cli.replay import Progress
from actors.cli.steps import show_step

if TYPE_CHECKING:
    from engine.config import Config
    from engine.training.measured.table import Line
    from schemas.events import EmotionEvent
    from simulators.corpus import Corpus
    from simulators.score import Answer, Share
    from simulators.timeline import Sent


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
    through_stack: Annotated[
        bool,
        typer.Option("--through-stack", help="Replay the media through Kafka as well, and measure what is served."),
    ] = False,
    dialogues: Annotated[int | None, typer.Option(min=1, help="Of files, only the first so many dialogues.")] = None,
    role: Role = "performer",
    config_file: ConfigFile = None,
) -> None:
    """Measure a checkpoint on a labelled corpus.

    A MELD folder and a manifest go through the whole engine in one process, turn by turn as in a stream. Corpora with
    names (scripted, ravdess, emodb, fer2013) are the held-out parts the checkpoint's card reports; crema-d, iemocap and
    meld are read from folders of those names, as they are distributed. Of dialogues the table says too what it costs
    to withhold one party. --through-stack starts what `turntone demo` starts, and takes a corpus that has files: a MELD
    folder, a manifest, or scripted, whose voices and faces are written to a folder that goes again.
    """
    from engine.errors import ConfigurationError
    from engine.training.measured.evaluate import evaluate as measure
    from engine.training.measured.table import as_text, write
    from simulators.scripted import write as write_scripted

    if Path(on).exists():
        lines = _streamed(checkpoint, Path(on), dialogues, role, config_file, through_stack=through_stack)
    elif through_stack and on == "scripted":
        with TemporaryDirectory() as folder:
            source = write_scripted(data, Path(folder))
            lines = _streamed(checkpoint, source, dialogues, role, config_file, through_stack=True)
    elif through_stack or dialogues is not None:
        raise ConfigurationError(f"{on} has no files to replay: name a MELD folder, a manifest, or scripted")
    else:
        lines = [line for row in measure(checkpoint, on, data=data) for line in row.lines]
    if out is not None:
        write(out, lines)
    if not json:
        typer.echo(f"\n{as_text(lines)}", nl=False)
        return
    for line in lines:
        typer.echo(jsonlib.dumps(line.as_json()))


def _streamed(
    checkpoint: str, source: Path, dialogues: int | None, role: str, config_file: Path | None, *, through_stack: bool
) -> list["Line"]:
    """What the engine says in one process, and what it serves, of one run of the same media."""
    from engine.config import FaceSettings
    from engine.errors import ConfigurationError
    from simulators.folder import open_corpus
    from simulators.replay import new_run
    from simulators.score import match

    corpus, run = open_corpus(source), new_run()
    corpus = replace(corpus, dialogues=corpus.dialogues[:dialogues])
    if not any(turn.emotion for dialogue in corpus.dialogues for turn in dialogue.utterances):
        raise ConfigurationError(f"{source} names no emotions to measure against; a manifest has a column for them")
    config = configured(config_file, checkpoint=checkpoint)
    if corpus.has_stills:
        config = config.model_copy(update={"faces": FaceSettings(still="use")})
    offline = match(*_in_process(config, corpus, run=run, role=role))
    lines = [line_of(f"{corpus.name}, whole engine", offline)]
    if through_stack:
        served = match(*_through_stack(config, corpus, run=run, role=role))
        lines.append(line_of(f"{corpus.name}, served through the stack", served))
        same = alike(offline, served)
        typer.echo(f"{same} turns are called the same in one process and through the stack", err=True)
    return lines


def _in_process(
    config: "Config", corpus: "Corpus", *, run: str, role: str
) -> tuple[tuple["Sent", ...], list["EmotionEvent"]]:
    from engine.build import build_in_process
    from engine.metrics import Figures
    from simulators.offline import play_through

    quiet_engine()
    hearing = Hearing(json=False, silent=True)
    engine = build_in_process(config, metrics=Figures())
    replayed = play_through(engine, corpus, run=run, role=role, report=Progress(), hear=hearing)
    return replayed.sent, hearing.events


def _through_stack(
    config: "Config", corpus: "Corpus", *, run: str, role: str
) -> tuple[tuple["Sent", ...], list["EmotionEvent"]]:
    from actors.cli.through import replay_through
    from actors.stopping import stopping_on_signals
    from actors.supervisor import Supervisor

    hearing = Hearing(json=False, silent=True)
    typer.echo("Turntone starts; the first time takes longer.", err=True)
    with stopping_on_signals() as stop, Supervisor(config=config, progress=show_step) as running:
        replayed = replay_through(running, corpus, stop=stop, run=run, role=role, speed=None, hearing=hearing)
    if replayed.interrupted:
        raise typer.Exit(130)
    return replayed.sent, hearing.events


def alike(offline: "Sequence[Answer]", served: "Sequence[Answer]") -> "Share":
    """How many turns have the same label in both, of those that have one in either; in whatever order they come."""
    from simulators.score import Share

    told = {(one.sent.dialogue_id, one.sent.utterance_id): one.label for one in offline}
    pairs = [(told.get((one.sent.dialogue_id, one.sent.utterance_id)), one.label) for one in served]
    pairs = [pair for pair in pairs if pair != (None, None)]
    return Share(sum(one == other for one, other in pairs), len(pairs))


def line_of(name: str, answers: "Sequence[Answer]") -> "Line":
    """A line over the turns that have a distribution and a true label, abstentions counted by their best guess."""
    import numpy as np

    from engine.errors import ConfigurationError
    from engine.training.measured.table import line
    from engine.training.scoring.affect import agreements
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
