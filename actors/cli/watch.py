"""`turntone watch`: the turns and the alerts as they come."""

import sys
from typing import Annotated

import typer

from actors.cli.hearing import Hearing
from actors.cli.options import AsJson, Broker, ConfigFile, bootstrap_of, reach


def watch(
    dialogue: Annotated[str | None, typer.Option(metavar="ID", help="Only this dialogue.")] = None,
    json: AsJson = False,
    from_beginning: Annotated[bool, typer.Option(help="Every turn that is still kept, then the new ones.")] = False,
    config_file: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Show turns and alerts as they come, until Ctrl-C."""
    from engine.config import read_config
    from engine.transport.kafka_reader import KafkaReader
    from schemas.topics import ALERTS, DEAD_LETTERS, DIALOGUES, TURNS

    address = bootstrap_of(reach(read_config(config_file), broker=broker))
    reader = KafkaReader(
        bootstrap=address, topics=[TURNS, ALERTS, DIALOGUES, DEAD_LETTERS], from_beginning=from_beginning
    )
    hearing = Hearing(json=json, only=dialogue)
    typer.echo(f"Watching {address}; Ctrl-C ends it.", err=True)
    try:
        while True:
            for record in reader.read(timeout_s=1.0):
                hearing(record)
            sys.stdout.flush()
    except KeyboardInterrupt:
        typer.echo(err=True)
    finally:
        reader.close()
