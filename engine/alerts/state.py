"""What a dialogue's record keeps for the rules: each speaker's last answered turns, and which rules rest."""

from collections.abc import Mapping, Set
from typing import Final

from pydantic import ValidationError

from engine.alerts.rule import MOST_WITHIN
from engine.errors import SnapshotMismatch
from schemas.events import AlertEvidence
from schemas.message import Message

MOST_SPEAKERS: Final = 32
"""Speakers that are watched at a time; of more, those heard last."""


class Watched(Message):
    """One speaker."""

    heard: tuple[AlertEvidence, ...] = ()
    """The last answered turns, as many as a rule that looks at them needs."""
    resting: Mapping[str, int] = {}
    """By rule that fired: at how many more answered turns it cannot fire."""


class AlertState(Message):
    """All speakers, who was heard last at the end."""

    speakers: Mapping[str, Watched] = {}

    def with_speaker(self, name: str, watched: Watched) -> "AlertState":
        """The state after a turn of this speaker."""
        others = {other: each for other, each in self.speakers.items() if other != name}
        kept = list(others.items())[-(MOST_SPEAKERS - 1) :]
        return AlertState(speakers={**dict(kept), name: watched})


def encode(state: AlertState) -> bytes:
    """JSON, so that the store's field can be read; nothing at all of a state that holds nobody."""
    return state.model_dump_json().encode() if state.speakers else b""


def decode(raw: bytes) -> AlertState:
    """The state of these bytes; empty ones are those of a dialogue that no rule has watched.

    Raises `SnapshotMismatch`.
    """
    if not raw:
        return AlertState()
    try:
        return AlertState.model_validate_json(raw)
    except ValidationError as error:
        raise SnapshotMismatch(f"the alert state of a dialogue cannot be read: {error.errors()[0]['msg']}") from error


def without(raw: bytes, speakers: Set[str]) -> bytes:
    """The bytes without anything of these speakers."""
    state = decode(raw)
    return encode(AlertState(speakers={name: each for name, each in state.speakers.items() if name not in speakers}))


def merged(raw: bytes, *, gone: str, into: str) -> bytes:
    """The bytes in which what was heard of `gone` was heard of `into`; a rule that rested for either rests."""
    state = decode(raw)
    if gone not in state.speakers:
        return raw
    a, b = state.speakers[gone], state.speakers.get(into, Watched())
    heard = sorted((*a.heard, *b.heard), key=lambda each: each.turn)[-MOST_WITHIN:]
    resting = {rule: max(a.resting.get(rule, 0), b.resting.get(rule, 0)) for rule in (*b.resting, *a.resting)}
    others = {name: each for name, each in state.speakers.items() if name not in (gone, into)}
    return encode(AlertState(speakers={**others, into: Watched(heard=tuple(heard), resting=resting)}))
