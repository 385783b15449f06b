"""What holds for every test: nothing a person has set for `turntone` on this machine reaches one."""

import os

SUITES = {"TURNTONE_CHAOS", "TURNTONE_FUZZ"}
"""How much of the long suites runs."""


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.startswith("TURNTONE_")]:
        if name not in SUITES:
            del os.environ[name]
