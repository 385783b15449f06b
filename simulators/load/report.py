"""What a load showed, as figures: counts, and the time to an answer by stage."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from simulators.load.account import Answered, Balance
from simulators.load.plan import Call, LoadSettings

PERCENTILES: Final = (50, 95, 99)
STAGES: Final = ("decode", "vad", "diarization", "faces", "infer")
"""Of a segment, as its event's header tells them."""
REST: Final = "rest"
"""The way through the log, the dialogue's record, and the wait while an earlier wave is in work."""
WHOLE: Final = "end to event"
"""From the end of the utterance until its turn is published."""


@dataclass(frozen=True, slots=True)
class Row:
    """Percentiles of one stage, in milliseconds."""

    turns: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where it ran: the busy machine is in the figures."""

    cores: int
    load_before: float
    """Load average of a minute."""
    load_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """Everything at the end of a load."""

    run: str
    plan: str
    """The plan's name: equal plans have the same."""
    through: Literal["topics", "gateway", "live streams"]
    """By which way it came to Turntone."""
    settings: LoadSettings
    interrupted: bool
    took_s: float
    calls: Mapping[str, int]
    balance: Balance
    latency_ms: Mapping[str, Mapping[str, Row]]
    """By kind of turn, then by stage."""
    behind_ms: Row | None
    """How far the load itself was behind its plan when it sent."""
    machine: Machine

    @property
    def sound(self) -> bool:
        """Whether every utterance was answered once, in order, and as it had to be.

        What a live stream says is cut by the gateway, which need not take a short word for speech: that is no fault.
        """
        wrong = self.balance
        unsent = 0 if self.through == "live streams" else wrong.unacknowledged
        return not (wrong.lost or wrong.twice or wrong.out_of_order or wrong.given_up or wrong.unexpected or unsent)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "sound": self.sound}


def row(values_ms: Sequence[float]) -> Row | None:
    """Percentiles; none of nothing."""
    if not values_ms:
        return None
    p50, p95, p99 = (round(float(value), 1) for value in np.percentile(values_ms, PERCENTILES))
    return Row(len(values_ms), p50, p95, p99)


def latencies(answers: Sequence[Answered]) -> dict[str, dict[str, Row]]:
    """The stages of turns that were inferred, and the whole of those that were withheld, which pass no stage."""
    inferred = [one for one in answers if not one.withheld]
    columns: dict[str, list[float]] = {}
    timed = [(one, one.stages_ms) for one in inferred if one.stages_ms is not None]
    for stage in STAGES:
        columns[stage] = [stages.get(stage, 0.0) for _, stages in timed]
    columns[REST] = [one.latency_s * 1000 - sum(stages.values()) for one, stages in timed]
    columns[WHOLE] = [one.latency_s * 1000 for one in inferred]
    withheld = {WHOLE: [one.latency_s * 1000 for one in answers if one.withheld]}
    found = {"inferred": columns, "withheld": withheld}
    rows = {kind: {name: row(values) for name, values in some.items()} for kind, some in found.items()}
    return {kind: {name: one for name, one in some.items() if one} for kind, some in rows.items() if any(some.values())}


def call_counts(calls: Sequence[Call]) -> dict[str, int]:
    """How many calls there were, how they ended, and how many were open at once at the most."""
    counts = {"begun": len(calls)}
    for ending in ("finished", "hung up", "cut short"):
        counts[ending.replace(" ", "_")] = sum(call.ending == ending for call in calls)
    counts["broke_off"] = sum(call.away is not None for call in calls)
    edges = sorted(edge for call in calls for edge in ((call.begin_s, 1), (call.begin_s + call.length_s, -1)))
    open_now = most = 0
    for _, change in edges:
        open_now += change
        most = max(most, open_now)
    return {**counts, "most_at_once": most}
