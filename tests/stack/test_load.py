"""A load on the real stack: every call is answered, and a report says so."""

import json
import os
import signal
import subprocess
import sys
from time import monotonic

import pytest

from engine.transport.kafka_reader import KafkaReader
from schemas.topics import SEGMENTS
from tests.stack.running import PATIENCE_S

pytestmark = pytest.mark.stack

TURNTONE = [sys.executable, "-c", "import sys; from actors.cli import main; sys.exit(main())"]


@pytest.fixture
def environment(running):
    return {**os.environ, "TURNTONE_DATA": str(running.folder), "TURNTONE_GATEWAY__TOKEN": running.token}


def test_calls_with_faults_are_all_answered_and_reported(tmp_path, environment):
    report = tmp_path / "load.json"
    given = "--calls-per-minute 120 --seconds 6 --seed 3 --garbage 0.2 --duplicates 0.2 --late 0.1 --length 0.3"
    done = subprocess.run(
        [*TURNTONE, "load", *given.split(), "--patience", "120", "--json", str(report)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    balance = found["balance"]
    assert found["sound"]
    assert (
        balance["sent"]
        == balance["answered"]
        + balance["faults"]["garbage"]["dead_letters"]
        + (balance["faults"].get("late", {"dead_letters": 0})["dead_letters"])
    )
    assert balance["faults"]["duplicate"]["sent"] == balance["faults"]["duplicate"]["answered"] > 0
    assert balance["outcomes"]["withheld"] > 0
    assert set(found["latency_ms"]["inferred"]) == {
        "decode",
        "vad",
        "diarization",
        "faces",
        "infer",
        "rest",
        "end to event",
    }
    assert "answered" in done.stdout


def wait_for_speech(reader: KafkaReader, run: str) -> None:
    """Returns when an utterance of this run lies in the log."""
    deadline_s = monotonic() + PATIENCE_S
    while monotonic() < deadline_s:
        for record in reader.read(timeout_s=1.0):
            if (record.key or "").startswith(f"{run}-") and record.value[:4] == b"fLaC":
                return
    pytest.fail("nobody spoke")


def test_ctrl_c_hangs_up_and_reports_what_there_is(tmp_path, running, environment):
    report = tmp_path / "load.json"
    given = f"--calls-per-minute 120 --seconds 600 --run stopped --gateway {running.gateway} --patience 120"
    reader = KafkaReader(bootstrap=running.bootstrap, topics=[SEGMENTS], from_beginning=False)
    command = [*TURNTONE, "load", *given.split(), "--json", str(report)]
    try:
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as loading:
            assert b"through gateway" in loading.stderr.readline()
            wait_for_speech(reader, "stopped")
            loading.send_signal(signal.SIGINT)
            loading.stderr.read()
    finally:
        reader.close()
    found = json.loads(report.read_text())
    assert loading.returncode == 0, found
    assert found["interrupted"]
    assert found["balance"]["sent"] > 0
    assert found["balance"]["answered"] > 0
    assert found["calls"]["begun"] > 0
    # Whoever spoke first may have been the agent, who passes no stage of the models.
    assert {"load", "store", "publish", "latency"} <= set(found["latency_ms"]["stack"])
