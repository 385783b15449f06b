"""`turntone replay`: a corpus as a stream of segments."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.options import Broker, ConfigFile, Role, bootstrap_of, reach

if TYPE_CHECKING:
    from simulators.corpus import Skipped
    from simulators.timeline import Sent

_NAMED = 20


class Progress:
    """Says what goes out on one line that is written over, and names what does not."""

    def __init__(self) -> None:
        self.skipped = 0
        self._sent = 0

    def __call__(self, what: "Sent | Skipped") -> None:
        """Hear of one utterance."""
        from rich.console import Console

        from simulators.timeline import Sent

        if isinstance(what, Sent):
            self._sent += 1
            if Console(stderr=True).is_terminal:
                typer.echo(f"\r{self._sent} sent, now {what.dialogue_id} {what.utterance_id}\x1b[K", err=True, nl=False)
            return
        self.skipped += 1
        if self.skipped <= _NAMED:
            typer.echo(f"skipped {what.name}: {what.reason}", err=True)


def replay(
    source: Annotated[Path, typer.Argument(help="A MELD folder, a manifest, a folder of media, or one file.")],
    speed: Annotated[str, typer.Option(help="1 is real time, 4 four times as fast, `max` no waiting.")] = "1",
    dialogues: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Dialogues side by side.")] = 8,
    run: Annotated[str | None, typer.Option(help="Begins every dialogue id; a new one by default.")] = None,
    role: Role = "performer",
    config_file: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Send recordings as if they happened now.

    Who replays a corpus says that its people consented: every segment carries that consent.
    """
    from dataclasses import replace

    from engine.clock import SystemClock
    from engine.config import read_config
    from engine.transport.kafka_publisher import KafkaPublisher
    from simulators.folder import open_corpus
    from simulators.replay import Replay, new_run

    pace = read_speed(speed)
    corpus = open_corpus(source)
    if dialogues is not None:
        corpus = replace(corpus, dialogues=corpus.dialogues[:dialogues])
    publisher = KafkaPublisher(bootstrap=bootstrap_of(reach(read_config(config_file), broker=broker)))
    progress = Progress()
    name = run or new_run()
    turns = sum(len(dialogue.utterances) for dialogue in corpus.dialogues)
    typer.echo(
        f"Replaying {len(corpus.dialogues)} dialogue(s), {turns} utterance(s), as run {name}; "
        f"who has no role is a {role}; consent: given.",
        err=True,
    )
    if corpus.has_stills:
        typer.echo('Its faces are still pictures; an engine reads them where `[faces] still = "use"` is set.', err=True)
    try:
        player = Replay(
            publisher=publisher,
            clock=SystemClock(),
            wait=time.sleep,
            report=progress,
            run=name,
            speed=pace,
            at_once=at_once,
            role=role,
        )
        replayed = player.play(corpus)
    finally:
        publisher.close()
    if progress.skipped > _NAMED:
        typer.echo(f"... and {progress.skipped - _NAMED} more skipped", err=True)
    if replayed.interrupted and replayed.sent:
        last = replayed.sent[-1]
        typer.echo(f"\nStopped after {last.dialogue_id} {last.utterance_id}; what was sent has arrived.", err=True)
    typer.echo(f"\n{len(replayed.sent)} sent, {len(replayed.skipped)} skipped, dialogues:", err=True)
    for dialogue_id in replayed.dialogue_ids:
        typer.echo(dialogue_id)
    if not replayed.sent:
        raise typer.Exit(1)


def read_speed(text: str) -> float | None:
    """A factor, or None for `max`."""
    if text == "max":
        return None
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a number nor `max`", param_hint="--speed") from None
