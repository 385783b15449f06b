"""One stack for all tests of this folder, started as a user starts it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from time import monotonic

import pytest

from actors.embedded.folder import running_stack
from actors.embedded.jars import cached_jars
from tests.stack.running import PATIENCE_S, Running

DEADLINE_S = 10.0
"""What decoding one segment may take here: media that is made to take for ever is given up sooner."""

TOKEN = "the-token-of-the-stack-tests"  # noqa: S105


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if not cached_jars():
        pytest.skip("the broker's jars are not cached: python -m actors.embedded.install")
    folder, media = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("media")
    environment = {
        **os.environ,
        "TURNTONE_DATA": str(folder),
        "TURNTONE_MEDIA__DATAREF_ALLOWED": json.dumps([media.as_uri() + "/"]),
        "TURNTONE_MEDIA__DEADLINE_S": str(DEADLINE_S),
        "TURNTONE_GATEWAY__TOKEN": TOKEN,
    }
    log = folder.parent / "up.txt"
    with log.open("w") as output:
        command = [sys.executable, "-c", "import sys; from actors.cli import main; sys.exit(main())", "up"]
        up = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        deadline_s = monotonic() + PATIENCE_S
        while "Ready." not in log.read_text() and monotonic() < deadline_s:
            try:
                up.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue
            break
        addresses = running_stack(folder)
        assert "Ready." in log.read_text(), log.read_text()
        assert addresses is not None
        gateway = next(line.split()[1] for line in log.read_text().splitlines() if line.startswith("gateway "))
        assert TOKEN not in log.read_text()
        yield Running(folder, media, up.pid, addresses.bootstrap, gateway=gateway, token=TOKEN)
    finally:
        up.send_signal(signal.SIGTERM)
        code = up.wait(timeout=PATIENCE_S)
    assert code == 0, log.read_text()
