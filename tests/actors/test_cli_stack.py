"""The command line against the whole stack: the demonstration that stays up, and the other commands beside it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from actors.embedded.jars import cached_jars

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not cached_jars(), reason="the broker's jars are not cached: python -m actors.embedded.install"),
]

TURNTONE = [sys.executable, "-c", "import sys; from actors.cli import main; sys.exit(main())"]
CLIPS = Path("../shared/data/meld/clips")
PATIENCE_S = 240.0
"""Long enough for the slowest machine; a test that succeeds never waits for it."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory, checkpoint):
    data = tmp_path_factory.mktemp("data")
    return {**os.environ, "TURNTONE_DATA": str(data), "TURNTONE_MODEL__CHECKPOINT": str(checkpoint)}


@pytest.fixture(scope="module")
def demo(environment, tmp_path_factory):
    """The demonstration, and its output once it has been judged and stays up."""
    log = tmp_path_factory.mktemp("log") / "demo.txt"
    with log.open("w") as target:
        running = subprocess.Popen([*TURNTONE, "demo", "--stay"], env=environment, stdout=target, stderr=target)
    try:
        deadline_s = monotonic() + PATIENCE_S
        while "Ready." not in log.read_text() and running.poll() is None and monotonic() < deadline_s:
            try:
                running.wait(timeout=1.0)
            except subprocess.TimeoutExpired:
                continue
        assert "Ready." in log.read_text(), log.read_text()
        yield log.read_text()
    finally:
        running.send_signal(signal.SIGTERM)
        code = running.wait(timeout=PATIENCE_S)
    assert code == 0, log.read_text()


def turntone(environment, *arguments):
    return subprocess.run([*TURNTONE, *arguments], env=environment, capture_output=True, text=True, timeout=PATIENCE_S)


def watched(environment, *, dialogue, count):
    """So many turns of one dialogue, as `watch` shows them."""
    command = [*TURNTONE, "watch", "--from-beginning", "--json", "--dialogue", dialogue]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as watching:
        try:
            assert watching.stdout is not None
            return [json.loads(watching.stdout.readline()) for _ in range(count)]
        finally:
            watching.terminate()


def names(log):
    """The ids of the call and of the meeting in a demonstration's output."""
    call = next(line for line in log.splitlines() if line.endswith("-call"))
    return call, call.replace("-call", "-meeting")


def test_the_demonstration_keeps_its_promise(demo):
    assert demo.count("withheld (agent)") == 12
    assert "24 of 24 (100%)" in demo
    assert "16 of 16 (100%)" in demo
    assert "label right" in demo


def test_watch_shows_the_same_turns_afterwards(demo, environment):
    for name, count in zip(names(demo), (24, 16), strict=True):
        turns = watched(environment, dialogue=name, count=count)
        assert [turn["turn"] for turn in turns] == list(range(count))
        shown = [line.split()[1:3] for line in demo.splitlines() if f"{name} " in line]
        assert [turn for _, turn in shown] == [str(turn["turn"]) for turn in turns]


def test_a_dialogue_is_shown_and_forgotten(demo, environment):
    call, _ = names(demo)
    shown = json.loads(turntone(environment, "dialogue", "show", call, "--json").stdout)
    assert (shown["status"], shown["turns"]) == ("ended", 24)
    assert not any("Agent" in name for name in shown["states"])
    forgotten = turntone(environment, "dialogue", "forget", call)
    assert forgotten.returncode == 0
    assert "its record is erased" in forgotten.stdout
    assert turntone(environment, "dialogue", "show", call).returncode == 1


def test_nothing_healthy_is_a_dead_letter(demo, environment):
    listed = turntone(environment, "dead-letters", "list", "--json")
    assert (listed.returncode, listed.stdout) == (0, "")


def test_both_ways_give_the_same_answers(demo, environment):
    if not CLIPS.is_dir():
        pytest.skip("needs ../shared/data/meld/clips")
    alone = turntone(environment, "analyze", str(CLIPS), "--json")
    assert alone.returncode == 0, alone.stderr
    offline = [json.loads(line) for line in alone.stdout.splitlines()]
    replayed = turntone(environment, "replay", str(CLIPS), "--speed", "max", "--run", "meld")
    assert replayed.stdout.split() == ["meld-dia110"], replayed.stderr
    streamed = watched(environment, dialogue="meld-dia110", count=len(offline))
    for one, other in zip(offline, streamed, strict=True):
        assert all(one[name] == other[name] for name in ("turn", "speaker", "start_s", "end_s", "label"))
        assert one["distribution"] == pytest.approx(other["distribution"], abs=1e-4)
        assert one["modalities"]["audio"]
        assert one["modalities"]["video"] or one["modalities"]["video_missing"]
    # Two people are in the picture: in the first clip one mouth goes with the voice, a word of 1.2 s tells nothing.
    assert [one["modalities"]["video"] for one in offline] == [True, False]


def test_a_second_stack_in_the_same_folder_is_refused(demo, environment):
    refused = turntone(environment, "up")
    assert refused.returncode == 1
    assert "is in use by another Turntone" in refused.stderr
    assert "Traceback" not in refused.stderr
