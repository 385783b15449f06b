"""`turntone dead-letters`: what could not be worked on, and another try for it."""

import json as jsonlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from actors.cli.options import AsJson, Broker, ConfigFile, bootstrap_of, reach
from engine.errors import BadSegment, ConfigurationError

if TYPE_CHECKING:
    from engine.transport.base import Incoming, Outgoing, Reader

app = typer.Typer(help="What could not be worked on.", no_args_is_help=True)

LetterId = Annotated[str, typer.Argument(metavar="ID", help="Id of the dead letter, or how it begins.")]


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter's particulars."""

    id: str
    dialogue_id: str
    error: str
    stage: str
    attempts: int
    position: str
    size: int
    media: str
    """Why the media is not here; empty if it is."""


@app.command("list")
def list_(json: AsJson = False, config_file: ConfigFile = None, broker: Broker = None) -> None:
    """List the dead letters that are kept, oldest first in each partition."""
    count = 0
    for record in _records(_address(config_file, broker)):
        letter = read(record)
        count += 1
        if json:
            typer.echo(jsonlib.dumps(asdict(letter)))
        else:
            typer.echo(f"{letter.id[:12]}  {letter.dialogue_id}  {letter.stage}  {letter.error}")
    if not json and not count:
        typer.echo("No dead letters.", err=True)


@app.command()
def show(letter_id: LetterId, config_file: ConfigFile = None, broker: Broker = None) -> None:
    """Show one dead letter: its particulars and the original record's headers, as JSON."""
    record = _find(_address(config_file, broker), letter_id)
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    typer.echo(jsonlib.dumps({**asdict(read(record)), "headers": headers}, indent=2))


@app.command()
def redrive(letter_id: LetterId, config_file: ConfigFile = None, broker: Broker = None) -> None:
    """Send a dead letter's record once more; it becomes a late turn of its dialogue."""
    from engine.transport.kafka_publisher import KafkaPublisher

    address = _address(config_file, broker)
    record = _find(address, letter_id)
    publisher = KafkaPublisher(bootstrap=address)
    try:
        publisher.publish([again(record)])
        publisher.flush()
    finally:
        publisher.close()
    typer.echo(f"Sent once more: {read(record).id}")


def read(record: "Incoming") -> Letter:
    """The particulars in a record's headers."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    attempts = headers.get("turntone_attempts", "")
    return Letter(
        id=headers.get("turntone_id", ""),
        dialogue_id=record.key or "",
        error=headers.get("turntone_error", ""),
        stage=headers.get("turntone_stage", ""),
        attempts=int(attempts) if attempts.isdigit() else 0,
        position=headers.get("turntone_position", ""),
        size=len(record.value or b""),
        media=headers.get("turntone_media", ""),
    )


def again(record: "Incoming") -> "Outgoing":
    """The original record, marked as another try. Raises `BadSegment` where its media was not kept."""
    from engine.transport.base import Outgoing
    from schemas.topics import SEGMENTS

    letter = read(record)
    if letter.media:
        raise BadSegment(f"dead letter {letter.id} cannot be sent again: its media was {letter.media}")
    kept = tuple(
        (name, value)
        for name, value in record.headers
        if not name.startswith("turntone_") and name.lower() != "ce_redriveof"
    )
    headers = (*kept, ("ce_redriveof", letter.id.encode()))
    return Outgoing(topic=SEGMENTS, key=record.key or "", value=record.value, headers=headers)


def _address(config_file: ConfigFile, broker: str | None) -> str:
    from engine.config import read_config

    return bootstrap_of(reach(read_config(config_file), broker=broker))


def _records(address: str) -> Iterator["Incoming"]:
    from engine.transport.base import read_all
    from engine.transport.kafka_reader import KafkaReader
    from schemas.topics import DEAD_LETTERS

    reader: Reader = KafkaReader(bootstrap=address, topics=[DEAD_LETTERS], from_beginning=True)
    try:
        yield from read_all(reader)
    finally:
        reader.close()


def _find(address: str, letter_id: str) -> "Incoming":
    found = {read(record).id: record for record in _records(address) if read(record).id.startswith(letter_id)}
    if len(found) != 1:
        problem = "no dead letter begins" if not found else f"{len(found)} dead letters begin"
        raise ConfigurationError(f"{problem} with {letter_id!r}; `turntone dead-letters list` names them")
    return next(iter(found.values()))
