"""The real stack of these tests, and the log of a quiet run on it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from actors.embedded.jars import cached_jars
from actors.supervisor import Supervisor
from engine.config import AlertRule, AlertSettings, read_config
from schemas.labels import EMOTIONS
from simulators.corpus import Corpus
from tests.chaos.eventlog import EventLog, read_log
from tests.chaos.replaying import conversations, play, turns_in, whole_log

RULE = AlertRule(name="any-two", labels=frozenset(EMOTIONS), turns=2, cooldown=1)
"""It fires at every second answered turn: an alert hangs on labels alone, and those are the same in every run."""
FULL = os.environ.get("TURNTONE_CHAOS") == "full"


@dataclass(frozen=True)
class Scale:
    """How much is replayed, and how often something is killed in it."""

    corpus: Corpus
    worker_kills: int
    speed: float
    """How much faster than life it goes while workers are killed."""


@dataclass(frozen=True)
class Stack:
    """A running stack, and what its log is when nothing is killed."""

    supervisor: Supervisor
    bootstrap: str
    quiet: EventLog


@pytest.fixture(scope="module")
def scale() -> Scale:
    if FULL:
        return Scale(conversations(calls=17, meetings=12), worker_kills=20, speed=1 / 3)
    return Scale(conversations(calls=3, meetings=3), worker_kills=3, speed=1.0)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, scale: Scale) -> Iterator[Stack]:
    if not cached_jars():
        pytest.skip("the broker's jars are not cached: python -m actors.embedded.install")
    config = read_config(data=tmp_path_factory.mktemp("chaos"), alerts=AlertSettings(rules=(RULE,)))
    with Supervisor(config=config) as supervisor:
        bootstrap = supervisor.config.broker.bootstrap
        assert bootstrap is not None
        play(scale.corpus, bootstrap=bootstrap, run="quiet", speed=None)
        quiet = read_log(whole_log(bootstrap), run="quiet")
        assert not quiet.dead_letters
        assert quiet.turns >= turns_in(scale.corpus)
        assert quiet.alerts > len(scale.corpus.dialogues)
        yield Stack(supervisor, bootstrap, quiet)
