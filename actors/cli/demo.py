"""`turntone demo`: two bundled conversations through the whole stack."""

from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.hearing import Hearing
from actors.cli.options import Checkpoint, ConfigFile, configured
from actors.cli.through import replay_through
from actors.cli.up import say_model, say_where, started

if TYPE_CHECKING:
    from actors.supervisor import Supervisor
    from engine.config import Config
    from simulators.replay import Replayed

_SPEED = 2.0


def demo(
    stay: Annotated[
        bool, typer.Option("--stay", help="Keep the stack up afterwards, with its gateway, until Ctrl-C.")
    ] = False,
    checkpoint: Checkpoint = None,
    config_file: ConfigFile = None,
) -> None:
    """Replay a call and a meeting, and judge what comes out.

    Exit code 0 only if every turn was answered, the allowed ones got labels, the meeting was heard and seen, and
    exactly the agent's turns were withheld.
    """
    config = configured(config_file, checkpoint=checkpoint)
    with started(config, gateway=stay and config.gateway.enabled) as (running, stop):
        say_model(running)
        kept = play(running, stop)
        if stay and not stop.is_set():
            say_where(running, given=config)
            while not stop.is_set():
                running.wait(timeout_s=0.5)
    if not kept:
        raise typer.Exit(1)


def play(running: "Supervisor", stop: Event) -> bool:
    """Replay both samples and judge what came; says whether all that was promised was kept."""
    from simulators.corpus import Corpus
    from simulators.folder import open_corpus
    from simulators.replay import PERFORMER, new_run
    from simulators.samples import CALL, MEETING

    hearing = Hearing(json=False)
    corpus = Corpus("samples", (*open_corpus(CALL).dialogues, *open_corpus(MEETING).dialogues))
    typer.echo(f"A call and a meeting, {_SPEED:g} times as fast as life; the agent's turns are withheld.", err=True)
    replayed = replay_through(running, corpus, stop=stop, run=new_run(), role=PERFORMER, speed=_SPEED, hearing=hearing)
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
