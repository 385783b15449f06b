"""The servers the contracts are run against, started once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.embedded.kafka import EmbeddedKafka
from actors.embedded.valkey import EmbeddedValkey
from engine.errors import ConfigurationError, Unavailable


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedValkey(folder=_folder(tmp_path_factory, "valkey"))
    try:
        server.start()
    except (ConfigurationError, Unavailable) as error:
        pytest.skip(f"no Valkey on this machine: {error}")
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedKafka(folder=_folder(tmp_path_factory, "kafka"))
    try:
        server.start()
    except (ConfigurationError, Unavailable) as error:
        pytest.skip(f"no Kafka on this machine: {error}")
    yield server.bootstrap
    server.stop()


def _folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    return tmp_path_factory.mktemp(name)
