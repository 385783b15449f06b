"""A crash at any point of a dialogue in which rules fire leaves the log of a quiet run: each alert once."""

from collections.abc import Sequence
from functools import partial
from itertools import count

import numpy as np
import pytest

from engine import snapshot
from engine.alerts.rule import Rule
from engine.alerts.state import decode
from engine.rebuild import rebuild
from engine.signals import Estimate, StepOutcome, StepRequest
from engine.state.codec import decode_record
from engine.state.memory import MemoryStore
from schemas.events import AlertEvent, EmotionEvent
from schemas.labels import CIRCUMPLEX, EMOTIONS
from schemas.topics import ALERTS, ENDED_TYPE, STATES, TURNS
from tests.engine import spoken
from tests.laws.spoken_world import SpokenWorld
from tests.laws.world import Points

RULES = (
    Rule(name="angry", severity="critical", labels=("anger",), turns=2, within=2, cooldown=1),
    Rule(name="falling", roles=("customer",), valence_slope=-0.2, within=2, cooldown=0),
)
FELT = ("neutral", "joy", "anger", None, "joy", "anger", "anger", "anger")
"""By turn: what the models say of it, if they are asked."""
TALK = (
    spoken.incoming(1, (10, 0.3), speaker="ann", role="customer"),
    spoken.incoming(2, (80, 0.3), speaker="bob", role="customer"),
    spoken.incoming(3, (10, 0.3), speaker="ann", role="customer"),
    spoken.incoming(4, (40, 0.3), speaker="eve", role="agent"),
    spoken.incoming(5, (80, 0.3), speaker="bob", role="customer"),
    spoken.incoming(6, (10, 0.3), speaker="ann", role="customer"),
    spoken.incoming(7, (80, 0.3), speaker="bob", role="customer"),
    spoken.incoming(8, (10, 0.3), speaker="ann", role="customer"),
    spoken.incoming(9, kind=ENDED_TYPE, value=b""),
)
TOLD = [("falling", "ann", 0, 2), ("angry", "ann", 2, 5), ("falling", "bob", 4, 6)]
"""Rule, speaker, first turn of the evidence, the turn it fires at; "angry" rests at ann's last turn."""


class Moody:
    """Models that say what each turn's number says, never twice with the same last bits."""

    model_id = "m1"

    def __init__(self) -> None:
        self._nonces = count(1)

    def infer(self, wave: Sequence[StepRequest]) -> Sequence[StepOutcome]:
        return [StepOutcome(one.tensors, tuple(self._feel(turn.number) for turn in one.turns)) for one in wave]

    def _feel(self, number: int) -> Estimate:
        felt = FELT[number]
        assert felt is not None, "the models were asked about a turn that is withheld"
        rest = 0.05 + next(self._nonces) / 100_000
        distribution = np.full(7, rest)
        distribution[EMOTIONS.index(felt)] = 1 - 6 * rest
        return Estimate(distribution, 0.7, CIRCUMPLEX[felt][0], 0.0, "circumplex", 1.0, 0.0)


def world() -> SpokenWorld:
    return SpokenWorld(Moody(), TALK, partial(spoken.build, alerts=RULES))


def alerts(one: SpokenWorld) -> list[AlertEvent]:
    """Every alert in the log, each time it stands there."""
    return [AlertEvent.model_validate_json(record.value or b"") for record in one.broker.records(ALERTS)]


def told(one: SpokenWorld) -> list[tuple[str, str, int, int]]:
    """Every alert once."""
    once = {alert.event_id: alert for alert in alerts(one)}
    return [(alert.rule, alert.speaker, alert.since_turn, alert.turn) for alert in once.values()]


def check_evidence(one: SpokenWorld) -> None:
    """What an alert rests on is, number for number, what the turns' events say."""
    turns = [EmotionEvent.model_validate_json(record.value or b"") for record in one.broker.records(TURNS)]
    said = {event.turn: event for event in turns}
    for alert in alerts(one):
        for turn in alert.evidence:
            event = said[turn.turn]
            assert (turn.label, turn.distribution, turn.valence) == (event.label, event.distribution, event.valence)
            assert (event.speaker, event.role) == (alert.speaker, alert.role)


def test_a_quiet_run_fires_each_alert_once_and_keeps_nothing_of_it_at_the_end() -> None:
    quiet = world()
    assert quiet.work(Points())
    assert told(quiet) == TOLD
    assert len(alerts(quiet)) == len(TOLD)
    check_evidence(quiet)
    kept = [decode_record(record.value or b"") for record in quiet.broker.records(STATES)]
    assert all("eve" not in decode(record.alerts).speakers for record in kept)
    assert set(decode(kept[-2].alerts).speakers) == {"ann", "bob"}
    assert kept[-1].alerts == b""
    assert snapshot.decode(kept[-1].state) == {}


@pytest.mark.parametrize("on_their_way", [0, 2])
def test_a_crash_at_every_point_leaves_every_alert_once(on_their_way: int) -> None:
    """The models never say the same bits twice: whoever computes an alert again and publishes both is found out."""
    counted = Points()
    assert world().work(counted)
    assert {f"{when} {what}" for when in ("before", "after") for what in ("infer", "commit", "publish", "flush")} <= {
        *counted.names
    }
    for fatal in range(counted.passed):
        broken = world()
        assert not broken.work(Points(fatal), on_their_way=on_their_way)
        assert broken.work(Points())
        broken.log()
        assert told(broken) == TOLD, f"after a crash {counted.names[fatal]} ({fatal})"
        check_evidence(broken)


def test_an_alert_stands_in_the_log_if_and_only_if_its_turn_does() -> None:
    counted = Points()
    assert world().work(counted)
    for fatal in range(counted.passed):
        broken = world()
        assert not broken.work(Points(fatal))
        turns = [EmotionEvent.model_validate_json(record.value or b"").turn for record in broken.broker.records(TURNS)]
        assert told(broken) == [one for one in TOLD if one[3] in turns]


def test_a_store_that_lost_everything_has_its_alert_state_from_the_snapshots() -> None:
    """Rests and rows go on where they were."""
    for written in range(2, len(TALK)):
        broken, counted = world(), Points()
        assert broken.work(counted)
        fatal = [place for place, name in enumerate(counted.names) if name == "after flush"][written - 1]
        broken = world()
        assert not broken.work(Points(fatal))
        broken.store = MemoryStore(clock=broken.clock)
        snapshots = [(record.key or "", record.value) for record in broken.broker.records(STATES)]
        rebuild(store=broken.store, snapshots=lambda kept=tuple(snapshots): kept, ttl_s=60.0)
        assert broken.work(Points())
        assert told(broken) == TOLD
