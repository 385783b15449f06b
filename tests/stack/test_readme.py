"""Every command and every program of the README does what it says, tried on a running stack."""

import os
import re
import shlex
import signal
import subprocess
import sys
import wave
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from engine.media.base import Limits
from engine.media.decode import decode
from engine.transport.kafka_reader import KafkaReader
from schemas.events import DialogueEvent
from schemas.topics import DIALOGUES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent
VOICE = ROOT / "simulators" / "samples" / "call" / "14b01Fa.flac"

pytestmark = pytest.mark.stack


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]
MAKE = [command for command in COMMANDS if command.startswith("make ")]
TURNTONE = [command for command in COMMANDS if command.startswith("turntone ")]
WITH_CORPORA = [command for command in TURNTONE if " DATA" in command]
ENDLESS = {"turntone up", "turntone watch --from-beginning --json"}


@pytest.fixture
def desk(tmp_path, running):
    """A folder like a newcomer's, and the environment that finds the running stack."""
    (tmp_path / "recording.flac").symlink_to(VOICE)
    for folder in ("simulators", "deploy"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return tmp_path, {**os.environ, "PATH": path, "TURNTONE_DATA": str(running.folder)}


def call(command: str, desk, **options) -> subprocess.CompletedProcess[str]:
    folder, environment = desk
    return subprocess.run(
        shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True, timeout=120, **options
    )


def test_the_readme_names_no_other_kind_of_command():
    assert set(MAKE) | set(TURNTONE) == set(COMMANDS)
    assert len(MAKE) >= 5
    assert len(TURNTONE) >= 10


@pytest.mark.parametrize("command", MAKE)
def test_make_targets_exist(command):
    subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def wait_for_the_end(dialogue_id: str, bootstrap: str) -> None:
    """A newcomer reads the table before typing on; the test waits for the dialogue's last event."""
    reader = KafkaReader(bootstrap=bootstrap, topics=[DIALOGUES], from_beginning=True)
    deadline_s = monotonic() + 120
    try:
        while monotonic() < deadline_s:
            for record in reader.read(timeout_s=1.0):
                event = DialogueEvent.model_validate_json(record.value)
                if (event.dialogue_id, event.status) == (dialogue_id, "ended"):
                    return
    finally:
        reader.close()
    pytest.fail(f"{dialogue_id} has not ended")


def test_the_commands_in_their_order(desk, running):
    for command in TURNTONE:
        if command not in ENDLESS and command not in WITH_CORPORA:
            done = call(command, desk)
            assert done.returncode == 0, f"{command}: {done.stderr}"
            assert done.stdout or re.search(r"No dead letters|1 segment\(s\) sent", done.stderr)
            if "--run first" in command:
                wait_for_the_end("first-call", running.bootstrap)


@pytest.mark.parametrize("command", WITH_CORPORA)
def test_without_the_corpora_it_is_said_how_to_name_them(command, desk):
    done = call(command, desk)
    assert done.returncode == 1
    assert "say with --data where the corpora lie" in done.stderr
    assert "Traceback" not in done.stderr


def test_watching_shows_turns_until_ctrl_c(desk):
    folder, environment = desk
    assert call("turntone replay simulators/samples/call --speed max", desk).returncode == 0
    command = shlex.split("turntone watch --from-beginning --json")
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as watching:
        first = watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        watching.stdout.read()
    assert '"event_id"' in first
    assert watching.returncode == 0


def test_a_producer_and_a_subscriber_of_ones_own(desk, running):
    folder, _ = desk
    for program in blocks("python"):
        name = re.match(r"# (\w+\.py)", program).group(1)
        (folder / name).write_text(program)
    samples = decode(VOICE.read_bytes(), content_type="audio/flac", limits=Limits()).audio
    with wave.open(str(folder / "hello.wav"), "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(16_000)
        audio.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    broker = running.bootstrap
    produced = call(f"{sys.executable} producer.py {broker} hello.wav", desk)
    assert produced.returncode == 0, produced.stderr
    subscribed = call(f"{sys.executable} subscriber.py {broker}", desk)
    assert subscribed.returncode == 0, subscribed.stderr
    assert re.search(r"^my-call 0 anna \w+$", subscribed.stdout, flags=re.MULTILINE)
