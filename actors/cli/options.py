"""Options that several commands share, and how a command finds the running stack."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import ConfigurationError

if TYPE_CHECKING:
    from engine.config import Config

ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration, as TOML.")]
Broker = Annotated[
    str | None, typer.Option("--broker", metavar="HOST:PORT", help="The Kafka broker; else that of the running stack.")
]
Store = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="The Redis store; else that of the running stack.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON, one value a line.")]
Role = Annotated[str, typer.Option("--role", help="Role of everybody whose source names none.")]


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
    """The broker's address, or a sentence that says how to get one."""
    if config.broker.bootstrap is None:
        raise ConfigurationError(
            f"No stack runs in the data folder {config.data}: start one with `turntone up`, choose its folder with "
            "TURNTONE_DATA, or name a broker with --broker."
        )
    return config.broker.bootstrap


def store_url_of(config: "Config") -> str:
    """The store's address, or a sentence that says how to get one."""
    if config.store.url is None:
        raise ConfigurationError(
            f"No stack runs in the data folder {config.data}: start one with `turntone up`, choose its folder with "
            "TURNTONE_DATA, or name a store with --store."
        )
    return config.store.url.get_secret_value()
