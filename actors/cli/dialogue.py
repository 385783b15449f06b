"""`turntone dialogue`: what is kept of a conversation, and its erasure."""

import json as jsonlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actors.cli.options import AsJson, Broker, ConfigFile, Store, bootstrap_of, reach, store_url_of

if TYPE_CHECKING:
    from engine.state.base import Store as DialogueStore
    from schemas.record import DialogueRecord

app = typer.Typer(help="What is kept of a conversation.", no_args_is_help=True)

DialogueName = Annotated[str, typer.Argument(metavar="ID", help="Id of the dialogue.")]


@app.command()
def show(dialogue_id: DialogueName, json: AsJson = False, config_file: ConfigFile = None, store: Store = None) -> None:
    """Show a dialogue's record: who takes part, how far it is, which states it holds."""
    from engine.config import read_config
    from engine.state.redis import RedisStore

    opened = RedisStore.connect(store_url_of(reach(read_config(config_file), store=store)))
    try:
        record = opened.load([dialogue_id]).records.get(dialogue_id)
    finally:
        opened.close()
    if record is None:
        typer.echo(f"Nothing is kept of dialogue {dialogue_id}: never seen, expired or forgotten.", err=True)
        raise typer.Exit(1)
    described = describe(record)
    if json:
        typer.echo(jsonlib.dumps(described))
        return
    for name, value in described.items():
        if isinstance(value, dict):
            typer.echo(f"{name}:")
            for key, each in value.items():
                told = f"turned out to be {each}" if name == "aliases" else jsonlib.dumps(each)
                typer.echo(f"  {key:24} {told}")
        else:
            typer.echo(f"{name + ':':26} {value}")


@app.command()
def forget(
    dialogue_id: DialogueName, config_file: ConfigFile = None, broker: Broker = None, store: Store = None
) -> None:
    """Erase a dialogue's states, and say what remains in the log until when."""
    from engine.config import read_config
    from engine.state.redis import RedisStore
    from engine.transport.base import Outgoing
    from engine.transport.kafka_publisher import KafkaPublisher
    from schemas.topics import STATES

    config = reach(read_config(config_file), broker=broker, store=store)
    publisher = KafkaPublisher(bootstrap=bootstrap_of(config))
    opened = RedisStore.connect(store_url_of(config))
    try:
        was_open = is_open(opened, dialogue_id)
        existed = opened.drop([dialogue_id])[dialogue_id]
        publisher.publish([Outgoing(topic=STATES, key=dialogue_id, value=None)])
        publisher.flush()
    finally:
        publisher.close()
        opened.close()
    typer.echo(
        f"{dialogue_id}: {'its record is erased' if existed else 'there was no record'}, a tombstone is written."
    )
    if was_open:
        # A worker that had a segment of it in hand may still publish what it wrote before the record was erased.
        typer.echo("It was still open: what is in work or comes now is kept anew; forget it again when it is over.")
    typer.echo("Voices enrolled by name stay enrolled: `turntone enroll --list`.")
    for line in remains():
        typer.echo(line)


def is_open(store: "DialogueStore", dialogue_id: str) -> bool:
    """Whether the dialogue goes on. A damaged record is as good as none: it is to be erased all the same."""
    from engine.errors import SnapshotMismatch

    try:
        record = store.load([dialogue_id]).records.get(dialogue_id)
    except SnapshotMismatch:
        return False
    return record is not None and record.status == "open"


def describe(record: "DialogueRecord") -> dict[str, Any]:
    """A record without its bytes: states by name, shape and type, the outbox by what waits in it."""
    from engine.alerts import state as alerts
    from engine.snapshot import decode

    fields = record.model_dump(mode="json", exclude={"state", "alerts", "outbox", "updated_s", "recent_ids"})
    tensors = {name: f"{tensor.dtype} {list(tensor.shape)}" for name, tensor in sorted(decode(record.state).items())}
    updated = datetime.fromtimestamp(record.updated_s, tz=UTC).isoformat(timespec="seconds")
    watched = alerts.decode(record.alerts).model_dump(mode="json")["speakers"]
    return {**fields, "updated": updated, "alerts": watched, "outbox": len(record.outbox), "states": tensors}


def remains() -> list[str]:
    """What the log still holds after an erasure, and for how long."""
    from actors.embedded.topics import HOUR_MS, turntone_topics
    from schemas.topics import STATES

    lines = ["What remains, as the topics are made (a broker of your own may be set otherwise):"]
    for topic in turntone_topics(partitions=1):
        if topic.name == STATES:
            lines.append(f"  {topic.name:24} until it is compacted; the tombstone hides it at once")
            continue
        kept_ms = topic.settings.get("retention.ms")
        kept = (
            f"{int(kept_ms) / HOUR_MS:g} hours after it was written" if kept_ms else "as long as the broker is set to"
        )
        lines.append(f"  {topic.name:24} {kept}")
    return lines
