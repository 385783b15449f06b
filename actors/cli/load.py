"""`turntone load`: a call center that calls a running Turntone, and a report of how it was answered."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.options import Broker, ConfigFile, bootstrap_of, finite, new_file, reach
from engine.errors import ConfigurationError

if TYPE_CHECKING:
    from engine.config import Config
    from simulators.load.conversation import Spoken
    from simulators.load.line import Line
    from simulators.load.plan import Call
    from simulators.load.voices import Voices

EXAMPLES = """
Examples:

  turntone load --seconds 20                 a few calls

  turntone load --calls-per-minute 60 --seconds 600 --json load.json

  turntone load --churn 0.3 --reconnects 0.2 --garbage 0.02 --late 0.02

  turntone load --gateway http://127.0.0.1:8477 --live

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
    gateway: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Call through a gateway; TURNTONE_GATEWAY__TOKEN is its token."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Through a gateway: every speaker is a live stream of sound and silence.")
    ] = False,
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
    from actors.load.figures import read_stages, rows
    from actors.stopping import stopping_on_signals
    from engine.clock import SystemClock
    from engine.config import read_config
    from simulators.load.account import Account
    from simulators.load.drive import Drive
    from simulators.load.faults import FaultRates
    from simulators.load.manners import read_manners
    from simulators.load.plan import LoadSettings, plan
    from simulators.load.voices import bundled_voices
    from simulators.load.wire import cues, dialogue_id
    from simulators.replay import new_run

    if live and (gateway is None or duplicates or late):
        raise typer.BadParameter(
            "wants --gateway, and nothing of a live stream comes twice or late: leave out --duplicates and --late",
            param_hint="--live",
        )
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
    config = reach(read_config(config_file), broker=broker)
    by_name = {dialogue_id(call, run=shown.run): call for call in calls}
    with stopping_on_signals() as stop, ExitStack() as opened:
        voices = bundled_voices()
        if gateway is None:
            way = by_topics(bootstrap_of(config))
        elif live:
            way = by_streams(gateway, token_of(config), calls=by_name, voices=voices)
        else:
            way = by_requests(gateway, token_of(config))
        line = opened.enter_context(way)
        before = None if gateway is None else read_stages(gateway, token=token_of(config))
        account = Account(one_each=not live, dead_letters=gateway is None)
        shown.begin(account, through="live streams" if live else "topics" if gateway is None else "gateway")
        drive = Drive(
            line=line,
            account=account,
            clock=SystemClock(),
            run=shown.run,
            stop=stop,
            report=shown.progress,
            patience_s=patience,
        )
        driven = drive.run(cues(calls, run=shown.run, media=silence if live else voices.media))
        stages = (
            None if gateway is None or before is None else rows(before, read_stages(gateway, token=token_of(config)))
        )
    if not shown.finish(driven, stages=stages, json=json).sound:
        raise typer.Exit(1)


def silence(_: "Spoken") -> bytes:
    """A live stream carries its own sound."""
    return b""


def token_of(config: "Config") -> str:
    """The gateway's token. Raises `ConfigurationError` where none is configured."""
    if config.gateway.token is None:
        raise ConfigurationError("The gateway wants a token: set TURNTONE_GATEWAY__TOKEN to that of its `turntone up`.")
    return config.gateway.token.get_secret_value()


@contextmanager
def by_topics(bootstrap: str) -> "Iterator[Line]":
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


@contextmanager
def by_requests(url: str, token: str) -> "Iterator[Line]":
    """The way by a gateway's HTTP."""
    from actors.client import Client
    from actors.load.hearing import Ears
    from actors.load.posting import PostLine

    with Client(url, token=token) as client, Ears(Client(url, token=token)) as ears, PostLine(client, ears) as line:
        yield line


@contextmanager
def by_streams(url: str, token: str, *, calls: "Mapping[str, Call]", voices: "Voices") -> "Iterator[Line]":
    """The way by a gateway's live streams."""
    from actors.client import Client
    from actors.load.hearing import Ears
    from actors.load.speaking import LiveLine

    with (
        Ears(Client(url, token=token)) as ears,
        LiveLine(url=url, token=token, calls=calls, voices=voices, ears=ears) as line,
    ):
        yield line
