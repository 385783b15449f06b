"""What holds for every test: neither a person's own settings nor how the suite was started reaches one."""

import os
import signal
from collections.abc import Callable

import pytest

# What Ray reads when it is imported is set there, and a test may import Ray first.
import actors  # noqa: F401
from tests.scheduling import StacksInTurn

SUITES = {"TURNTONE_CHAOS", "TURNTONE_FUZZ"}
"""How much of the long suites runs."""


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.startswith("TURNTONE_")]:
        if name not in SUITES:
            del os.environ[name]
    # A suite that runs in the background was told to ignore Ctrl-C, and so would be every command it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Callable[..., None]) -> StacksInTurn:
    return StacksInTurn(config, log)
