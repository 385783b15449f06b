from collections.abc import Iterator

import pytest

from actors.client import Client
from tests.actors.gateway.opened import Log, gateway


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Log, Client]]:
    """One gateway for tests that only ask it something."""
    log = Log()
    with gateway(log) as client:
        yield log, client
