"""`turntone load`: a call center that calls a running Turntone, and a report of how it was answered."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.options import Broker, ConfigFile, bootstrap_of, finite, new_file, reach

if TYPE_CHECKING:
    from simulators.load.line import Line

EXAMPLES = """
Examples:

  turntone load --seconds 20                 a few calls

  turntone load --calls-per-minute 60 --seconds 600 --json load.json

  turntone load --churn 0.3 --reconnects 0.2 --garbage 0.02 --late 0.02

  turntone load --seed 7                     another day; 7 is the same day again

Ctrl-C hangs up, hears what was sent out, and reports; a second one reports at once. Exit code 1: something was lost,
told twice, out of order, or given up without a fault of its own.
"""
_RUN = re.compile(r"[A-Za-z0-9._-]{1,32}")


def name_of_run(text: str | None) -> str | None:
    """The beginning of every dialogue's id. Raises `BadParameter`."""
    if text is not None and not _RUN.fullmatch(text):
        raise typer.BadParameter("a run's name holds letters, digits, dots, dashes and underscores, at most 32")
    return text


def load(
    calls_per_minute: Annotated[
        float, typer.Option(min=0.01, help="In the mean; they come as a Poisson process.")
    ] = 20,
    seconds: Annotated[float, typer.Option(min=1, callback=finite, help="Then whoever still talks is cut short.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed and options plan the same calls, words and faults.")] = 0,
    scenes: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of calls that talk as people in MELD do; the others as a real call."),
    ] = 0.5,
    length: Annotated[
        float, typer.Option(min=0.1, help="So many times as many utterances as a scene of MELD has (about ten).")
    ] = 1.0,
    churn: Annotated[float, typer.Option(min=0, max=1, help="Share of calls that are hung up before their end.")] = 0.1,
    reconnects: Annotated[
        float, typer.Option(min=0, max=1, help="Share of calls whose line breaks off and is taken up again.")
    ] = 0.05,
    garbage: Annotated[float, typer.Option(min=0, max=1, help="Share of segments whose media is garbage.")] = 0.0,
    duplicates: Annotated[float, typer.Option(min=0, max=1, help="Share of segments that are sent twice.")] = 0.0,
    late: Annotated[float, typer.Option(min=0, max=1, help="Share of segments that come after their successor.")] = 0.0,
    run: Annotated[
        str | None, typer.Option(callback=name_of_run, help="Begins every dialogue id; a new one by default.")
    ] = None,
    patience: Annotated[
        float, typer.Option(min=1, callback=finite, help="Seconds of silence after which the rest counts as lost.")
    ] = 30,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", callback=new_file, help="Write the report there, too.")
    ] = None,
    config_file: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Call a running Turntone as a call center does, in open loop, and report counts and latency by stage.

    Lengths of talk and silence are drawn from MELD and from a real call; the voices are the bundled call's. The agent's
    turns are withheld by the default policy, which is part of the load.
    """
    from actors.cli.loading import Loading
    from actors.supervisor import stopping_on_signals
    from engine.clock import SystemClock
    from engine.config import read_config
    from simulators.load.account import Account
    from simulators.load.drive import Drive
    from simulators.load.faults import FaultRates
    from simulators.load.manners import read_manners
    from simulators.load.plan import LoadSettings, plan
    from simulators.load.voices import bundled_voices
    from simulators.load.wire import cues
    from simulators.replay import new_run

    settings = LoadSettings(
        seed=seed,
        seconds=seconds,
        per_minute=calls_per_minute,
        scenes=scenes,
        length=length,
        churn=churn,
        reconnects=reconnects,
        faults=FaultRates(garbage=garbage, duplicate=duplicates, late=late),
    )
    calls = tuple(plan(settings, read_manners()))
    shown = Loading(settings=settings, calls=calls, run=run or new_run())
    bootstrap = bootstrap_of(reach(read_config(config_file), broker=broker))
    with stopping_on_signals() as stop, log_line(bootstrap) as line:
        account = Account(one_each=True, dead_letters=True)
        shown.begin(account, through="topics")
        drive = Drive(
            line=line,
            account=account,
            clock=SystemClock(),
            run=shown.run,
            stop=stop,
            report=shown.progress,
            patience_s=patience,
        )
        driven = drive.run(cues(calls, run=shown.run, voices=bundled_voices()))
    if not shown.finish(driven, json=json).sound:
        raise typer.Exit(1)


@contextmanager
def log_line(bootstrap: str) -> "Iterator[Line]":
    """The way by Kafka."""
    from engine.transport.kafka_publisher import KafkaPublisher
    from engine.transport.kafka_reader import KafkaReader
    from schemas.topics import DEAD_LETTERS, TURNS
    from simulators.load.line import LogLine

    with ExitStack() as opened:
        publisher = KafkaPublisher(bootstrap=bootstrap)
        opened.callback(publisher.close)
        reader = KafkaReader(bootstrap=bootstrap, topics=[TURNS, DEAD_LETTERS], from_beginning=False)
        opened.callback(reader.close)
        yield LogLine(publisher=publisher, reader=reader, wait=time.sleep)
