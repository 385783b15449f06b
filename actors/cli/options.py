"""Options that several commands share, and how a command finds the running stack."""

import math
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import ConfigurationError, TransportUnavailable

if TYPE_CHECKING:
    from engine.config import Config


def name_of(text: str | None) -> str | None:
    """A speaker or a role as every message takes it. Raises `BadParameter` for one that none could hold."""
    from pydantic import TypeAdapter, ValidationError

    from schemas.segment import Name

    try:
        return TypeAdapter(Name | None).validate_python(text)
    except ValidationError:
        raise typer.BadParameter("a name or a role is text of 1 to 128 characters") from None


def finite(number: float) -> float:
    """A number of seconds. Raises `BadParameter` for one that no message could hold."""
    if not math.isfinite(number):
        raise typer.BadParameter(f"{number} is no time")
    return number


def new_file(path: Path | None) -> Path | None:
    """A file that can be written, known before the work it is to hold is done. Raises `BadParameter`."""
    if path is not None and (path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK)):
        raise typer.BadParameter(f"{path} cannot be written: there is no such folder, or no right to write there")
    return path


def new_folder(path: Path | None) -> Path | None:
    """A folder that is there or can be made, known before the work it is to hold. Raises `BadParameter`."""
    if path is not None:
        there = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
        if not there.is_dir() or not os.access(there, os.W_OK):
            raise typer.BadParameter(f"{path} cannot be written: {there} is no folder, or not one to write in")
    return path


ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration, as TOML.")]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        metavar="NAME",
        help="A folder, a hub id, `default`, or `open`: voices alone, for any use. Encoders, fusion and dialogue model "
        "are the checkpoint's own: its weights fit no others, and `turntone train --fusion` makes it another.",
    ),
]
Broker = Annotated[
    str | None, typer.Option("--broker", metavar="HOST:PORT", help="The Kafka broker; else that of the running stack.")
]
Store = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="The Redis store; else that of the running stack.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON, one value a line.")]
_ANSWER_S = 3.0
"""The client itself would go on trying for half a minute."""

Role = Annotated[str, typer.Option("--role", callback=name_of, help="Role of everybody whose source names none.")]


def configured(config_file: Path | None, *, checkpoint: str | None) -> "Config":
    """The configuration, with another checkpoint where one is named."""
    from engine.config import read_config

    config = read_config(config_file)
    if checkpoint is None:
        return config
    return config.model_copy(update={"model": config.model.model_copy(update={"checkpoint": checkpoint})})


def reach(config: "Config", *, broker: str | None = None, store: str | None = None) -> "Config":
    """The configuration with the addresses of the servers in it: those given, configured, or of the running stack.

    Raises `ConfigurationError` where no address is known.
    """
    from pydantic import SecretStr

    from actors.embedded.folder import running_stack

    found = running_stack(config.data.expanduser())
    bootstrap = broker or config.broker.bootstrap or (found.bootstrap if found else None)
    url = store or (config.store.url.get_secret_value() if config.store.url else None)
    url = url or (found.store_url if found else None)
    return config.model_copy(
        update={
            "broker": config.broker.model_copy(update={"bootstrap": bootstrap}),
            "store": config.store.model_copy(update={"url": SecretStr(url) if url else None}),
        }
    )


def bootstrap_of(config: "Config") -> str:
    """The broker's address. Raises `ConfigurationError` where none is known, `TransportUnavailable` if none listens."""
    if config.broker.bootstrap is None:
        raise ConfigurationError(
            f"No stack runs in the data folder {config.data}: start one with `turntone up`, choose its folder with "
            "TURNTONE_DATA, or name a broker with --broker."
        )
    if not any(_listens(address.strip()) for address in config.broker.bootstrap.split(",")):
        raise TransportUnavailable(f"No broker answers at {config.broker.bootstrap}.")
    return config.broker.bootstrap


def store_url_of(config: "Config") -> str:
    """The store's address. Raises `ConfigurationError` where none is known."""
    if config.store.url is None:
        raise ConfigurationError(
            f"No stack runs in the data folder {config.data}: start one with `turntone up`, choose its folder with "
            "TURNTONE_DATA, or name a store with --store."
        )
    return config.store.url.get_secret_value()


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S):
            return True
    except (OSError, ValueError, OverflowError):
        return False
