"""`kill -9` at random moments of a replay on the real servers leaves the log of a quiet run."""

import gc
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from actors.supervisor import Supervisor
from simulators.corpus import Corpus
from tests.chaos.blows import SERVERS, kill_worker
from tests.chaos.conftest import FULL, Scale, Stack
from tests.chaos.eventlog import EventLog, differences, read_log
from tests.chaos.replaying import Blow, moments, play, recovery, turns_in, whole_log

pytestmark = [
    pytest.mark.stack,
    pytest.mark.chaos,
    pytest.mark.timeout(3600 if FULL else 900),
    # kafka-python leaves sockets that a dead broker refused to the garbage collection.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

SEED = 20_261_121
RESULTS = Path(__file__).parent / "results"
SERVER_KILLS = 2

Strike = Callable[[Supervisor, random.Random], Blow]


@pytest.mark.parametrize("part", ["workers", *sorted(SERVERS)] if FULL else ["workers"])
def test_kills_leave_the_log_of_a_quiet_run(stack: Stack, scale: Scale, part: str):
    if part == "workers":
        chaos = run(stack, scale.corpus, name=part, strike=kill_worker, blows=scale.worker_kills, speed=scale.speed)
    else:
        chaos = run(stack, scale.corpus, name=part, strike=SERVERS[part], blows=SERVER_KILLS, speed=1.0)
    gc.collect()
    assert chaos.dead_letters == ()
    assert chaos.conflicts == ()
    assert chaos.strangers == ()
    assert differences(stack.quiet, chaos) == []


def run(stack: Stack, corpus: Corpus, *, name: str, strike: Strike, blows: int, speed: float) -> EventLog:
    """A replay with `blows` in it, and what it left; the figures are printed, and of a full one kept."""
    rng = random.Random(f"{SEED}-{name}")
    when = moments(rng, blows=blows, turns=turns_in(corpus))
    struck = play(
        corpus,
        bootstrap=stack.bootstrap,
        run=name,
        speed=speed,
        blows=when,
        strike=lambda: strike(stack.supervisor, rng),
    )
    records = whole_log(stack.bootstrap)
    chaos = read_log(records, run=name)
    recoveries = [recovery(blow, records) for blow in struck]
    known = [one for one in recoveries if one is not None]
    figures = {
        "seed": SEED,
        "utterances": turns_in(corpus),
        "turns": chaos.turns,
        "said_again": chaos.repeated,
        "differences": differences(stack.quiet, chaos),
        "two_contents": chaos.conflicts,
        "strangers": chaos.strangers,
        "dead_letters": chaos.dead_letters,
        "next_event_s": percentiles([one.next_event_s for one in known]),
        "waited_s": percentiles([one.waited_s for one in known]),
        "blows": [
            {
                "after_turns": round(moment, 2),
                **asdict(blow),
                "partitions": sorted(blow.partitions),
                **(asdict(one) if one else {}),
            }
            for moment, blow, one in zip(when, struck, recoveries, strict=True)
        ],
    }
    text = json.dumps(figures, indent=2)
    print(f"\n{name}: {text}")
    if FULL:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(text + "\n")
    return chaos


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    return {name: round(float(np.percentile(seconds, q)), 2) for name, q in (("p50", 50), ("p95", 95), ("most", 100))}
