"""The servers the contracts are run against, started once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.embedded.kafka import embedded_kafka
from actors.embedded.valkey import embedded_valkey
from engine.errors import ConfigurationError, Unavailable


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = embedded_valkey(folder=_folder(tmp_path_factory, "valkey"))
    try:
        server.start()
    except (ConfigurationError, Unavailable) as error:
        pytest.skip(f"no Valkey on this machine: {error}")
    yield server.address
    server.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = embedded_kafka(folder=_folder(tmp_path_factory, "kafka"))
    try:
        server.start()
    except (ConfigurationError, Unavailable) as error:
        pytest.skip(f"no Kafka on this machine: {error}")
    yield server.address
    server.stop()


def _folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    return tmp_path_factory.mktemp(name)
