"""`turntone demo`: two bundled conversations through the whole stack."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.hearing import Hearing
from actors.cli.options import Checkpoint, ConfigFile, configured
from actors.cli.steps import show_step
from actors.cli.up import say_model, say_where

if TYPE_CHECKING:
    from actors.supervisor import Supervisor
    from engine.config import Config
    from simulators.replay import Replayed

_SPEED = 2.0
_PATIENCE_S = 60.0
"""Without a turn for so long after the last segment, the rest counts as unanswered."""


def demo(
    stay: Annotated[bool, typer.Option("--stay", help="Keep the stack up afterwards, until Ctrl-C.")] = False,
    checkpoint: Checkpoint = None,
    config_file: ConfigFile = None,
) -> None:
    """Replay a call and a meeting, and judge what comes out.

    Exit code 0 only if every turn was answered, the allowed ones got labels, the meeting was heard and seen, and
    exactly the agent's turns were withheld.
    """
    from actors.supervisor import Supervisor, stopping_on_signals

    config = configured(config_file, checkpoint=checkpoint)
    typer.echo("Turntone starts; the first time takes longer.", err=True)
    with stopping_on_signals() as stop, Supervisor(config=config, progress=show_step) as running:
        say_model(running)
        kept = play(running, stop)
        if stay and not stop.is_set():
            say_where(running)
            while not stop.is_set():
                running.wait(timeout_s=0.5)
    if not kept:
        raise typer.Exit(1)


def play(running: "Supervisor", stop: Event) -> bool:
    """Replay both samples and judge what came; says whether all that was promised was kept."""
    from engine.transport.kafka_reader import KafkaReader
    from schemas.topics import DEAD_LETTERS, DIALOGUES, TURNS

    address = running.config.broker.bootstrap or ""
    reader = KafkaReader(bootstrap=address, topics=[TURNS, DIALOGUES, DEAD_LETTERS], from_beginning=False)
    hearing = Hearing(json=False)
    typer.echo(f"A call and a meeting, {_SPEED:g} times as fast as life; the agent's turns are withheld.", err=True)
    try:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="replay") as threads:
            replaying = threads.submit(_replay, address, stop)
            heard_s = time.monotonic()
            while not stop.is_set() and not _over(replaying, hearing):
                running.wait(timeout_s=0.0)
                for record in reader.read(timeout_s=0.3):
                    hearing(record)
                    heard_s = time.monotonic()
                if not replaying.done():
                    heard_s = time.monotonic()
                elif time.monotonic() - heard_s > _PATIENCE_S:
                    break
            for record in reader.read(timeout_s=1.0):
                hearing(record)
            replayed = replaying.result()
    finally:
        reader.close()
    return judge(running.config, replayed, hearing)


def judge(config: "Config", replayed: "Replayed", hearing: Hearing) -> bool:
    """Print the figures and what fell short of the promise; says whether nothing did."""
    from actors.cli.figures import show_figures
    from simulators.samples import MEETING
    from simulators.score import match, shortfalls

    answers = match(replayed.sent, hearing.events)
    admitted = config.policy.allowed - config.policy.denied
    for dialogue_id in replayed.dialogue_ids:
        show_figures(hearing.console, dialogue_id, [each for each in answers if each.sent.dialogue_id == dialogue_id])
    problems = shortfalls(
        answers,
        denied=frozenset(sent.role for sent in replayed.sent) - admitted,
        both_in=frozenset(each for each in replayed.dialogue_ids if each.endswith(f"-{MEETING.name}")),
    )
    if replayed.interrupted or replayed.skipped or hearing.failures:
        problems = (*problems, "not everything was replayed and worked on")
    for problem in problems:
        typer.secho(problem, fg="red", err=True)
    return not problems


def _replay(address: str, stop: Event) -> "Replayed":
    from engine.clock import SystemClock
    from engine.transport.kafka_publisher import KafkaPublisher
    from simulators.corpus import Corpus
    from simulators.folder import open_corpus
    from simulators.replay import Replay, new_run
    from simulators.samples import CALL, MEETING

    dialogues = (*open_corpus(CALL).dialogues, *open_corpus(MEETING).dialogues)
    publisher = KafkaPublisher(bootstrap=address)
    try:
        player = Replay(
            publisher=publisher,
            clock=SystemClock(),
            wait=partial(_wait, stop),
            report=lambda _: None,
            run=new_run(),
            speed=_SPEED,
        )
        return player.play(Corpus("samples", dialogues))
    finally:
        publisher.close()


def _wait(stop: Event, seconds: float) -> None:
    if stop.wait(seconds):
        raise KeyboardInterrupt


def _over(replaying: "Future[Replayed]", hearing: Hearing) -> bool:
    return replaying.done() and set(replaying.result().dialogue_ids) <= hearing.ended
