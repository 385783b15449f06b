"""What became of a segment, as spans of the trace its producer began; by value, for whoever exports them.

Ids come from the segment's place in the log, so whoever steps it again says the same (W3C Trace Context, level 1).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

from schemas.record import Position
from schemas.segment import Segment

SEGMENT = "segment"
"""Name of the span that holds all others of a segment."""

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of work on a segment."""

    name: str
    began_s: float
    """Wall time, seconds since 1970."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of work as a trace shows it."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    began_s: float
    """Wall time, seconds since 1970."""
    ended_s: float
    attributes: Mapping[str, str | int] = field(default_factory=dict)


class Trace(Protocol):
    """Where spans go. Neither blocks nor raises."""

    def __call__(self, spans: Sequence[Span]) -> None:
        """Take the spans of a segment that is done."""
        ...


def entered(segment: Segment, position: Position) -> Segment:
    """The segment with the traceparent of its own span, which everything published about it carries.

    Without a readable traceparent it begins a trace; one that its producer did not sample stays unsampled.
    """
    trace_id, _, flags = _read(segment.traceparent) or (_hash(f"trace {position}", 16), "", f"{_SAMPLED:02x}")
    span_id = _hash(f"{trace_id} {position}", 8)
    return segment.model_copy(update={"traceparent": f"00-{trace_id}-{span_id}-{flags}"})


def spans(
    segment: Segment, position: Position, stages: Sequence[Stage], *, parent: str | None, outcome: str
) -> tuple[Span, ...]:
    """The spans of a segment that `entered` was asked about: its own first, then its stages; none if not sampled.

    parent: the traceparent that its producer sent. outcome: what it was answered with.
    """
    own = _read(segment.traceparent)
    if own is None or not int(own[2], 16) & _SAMPLED or not stages:
        return ()
    trace_id, span_id, _ = own
    sent = _read(parent)
    whole = Span(
        name=SEGMENT,
        trace_id=trace_id,
        span_id=span_id,
        parent_id=sent[1] if sent is not None else None,
        began_s=min(stage.began_s for stage in stages),
        ended_s=max(stage.began_s + stage.seconds for stage in stages),
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": position.topic,
            "messaging.destination.partition.id": str(position.partition),
            "messaging.kafka.offset": position.offset,
            "turntone.outcome": outcome,
        },
    )
    inside = (
        Span(
            name=stage.name,
            trace_id=trace_id,
            span_id=_hash(f"{span_id} {stage.name}", 8),
            parent_id=span_id,
            began_s=stage.began_s,
            ended_s=stage.began_s + stage.seconds,
        )
        for stage in stages
    )
    return (whole, *inside)


def legible(traceparent: str | None) -> str | None:
    """A traceparent that may be passed on; None for text that is none."""
    return None if _read(traceparent) is None else traceparent


def _read(traceparent: str | None) -> tuple[str, str, str] | None:
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return None if found is None else (found[1], found[2], found[3])


def _hash(text: str, size: int) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()
