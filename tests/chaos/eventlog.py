"""What a run left in the log, told so that two runs can be compared."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

from engine.transport.base import Incoming
from schemas.cloudevents import read_segment
from schemas.events import EventKind, event_id
from schemas.topics import ALERTS, DEAD_LETTERS, DIALOGUES, ENDED_TYPE, SEGMENTS, STATES, TURNS

TOLERANCE = 1e-4
"""A batch of another composition changes the last bits."""
TURNS_MOST = 16
"""Turns that one segment of a test holds at the most."""


class Name(NamedTuple):
    """What an event's id is the hash of, without that in which two runs have to differ."""

    dialogue: str
    sequence: int
    kind: EventKind
    nth: int
    revision: int = 0


class Event(NamedTuple):
    """An event by its name, and its value without its id and the pace of its replay."""

    name: Name
    value: Mapping[str, Any]


@dataclass(frozen=True)
class EventLog:
    """One run, every event where it first occurred."""

    events: Mapping[tuple[str, str], tuple[Event, ...]]
    """By topic and dialogue, in order."""
    conflicts: tuple[str, ...]
    """Ids that stand for two contents."""
    strangers: tuple[str, ...]
    """Ids that follow from no segment."""
    dead_letters: tuple[str, ...]
    """What was wrong."""
    repeated: int
    """Records that say again, byte for byte, what an earlier one said."""

    @property
    def turns(self) -> int:
        """Different events of turns."""
        return self._different(TURNS)

    @property
    def alerts(self) -> int:
        """Different alerts."""
        return self._different(ALERTS)

    def _different(self, topic: str) -> int:
        return sum(len(events) for (where, _), events in self.events.items() if where == topic)


def read_log(records: Iterable[Incoming], *, run: str) -> EventLog:
    """The log of the dialogues whose ids begin with `run`, out of the records of all topics."""
    own = [record for record in records if (record.key or "").startswith(f"{run}-")]
    names = dict(_names([record for record in own if record.position.topic == SEGMENTS], run=run))
    contents: dict[tuple[str, str], bytes | None] = {}
    events: dict[tuple[str, str], list[Event]] = {}
    conflicts, strangers, dead_letters, repeated = [], [], [], 0
    for record in own:
        topic, headers = record.position.topic, dict(record.headers)
        if topic == SEGMENTS:
            continue
        identity = headers["turntone_id" if topic == DEAD_LETTERS else "ce_id"].decode()
        if (topic, identity) in contents:
            repeated += 1
            if contents[topic, identity] != record.value:
                conflicts.append(f"{topic} {identity}")
            continue
        contents[topic, identity] = record.value
        if topic == DEAD_LETTERS:
            dead_letters.append(f"{record.key}: {headers['turntone_error'].decode()}")
        if topic == STATES:
            continue
        name = names.get(identity)
        if name is None:
            strangers.append(f"{topic} {identity} of {record.key}")
        elif topic in (TURNS, DIALOGUES, ALERTS):
            value = json.loads(record.value or b"null")
            del value["event_id"], value["dialogue_id"]
            # The quiet run goes as fast as it can, and its announcements say so.
            (value.get("recording") or {}).pop("speed", None)
            events.setdefault((topic, name.dialogue), []).append(Event(name, value))
    return EventLog(
        events={place: tuple(several) for place, several in events.items()},
        conflicts=tuple(conflicts),
        strangers=tuple(strangers),
        dead_letters=tuple(dead_letters),
        repeated=repeated,
    )


def differences(quiet: EventLog, other: EventLog) -> list[str]:
    """In what another run's log is not that of a quiet one; a sentence each."""
    found = []
    for topic, dialogue in sorted(quiet.events.keys() | other.events.keys()):
        ours, theirs = quiet.events.get((topic, dialogue), ()), other.events.get((topic, dialogue), ())
        place = f"{topic} {dialogue}"
        ours_named, theirs_named = Counter(event.name for event in ours), Counter(event.name for event in theirs)
        found += [f"{place}: {name} is missing" for name in sorted((ours_named - theirs_named).elements())]
        found += [f"{place}: {name} is new" for name in sorted((theirs_named - ours_named).elements())]
        if ours_named != theirs_named:
            continue
        if [event.name for event in ours] != [event.name for event in theirs]:
            found.append(f"{place}: the order is another: {[tuple(event.name[1:]) for event in theirs]}")
        values = {event.name: event.value for event in theirs}
        for event in ours:
            found += [f"{place}: {event.name}{where}" for where in unequal(event.value, values[event.name])]
    return found


def _names(segments: Sequence[Incoming], *, run: str) -> Iterator[tuple[str, Name]]:
    """Every id that may follow from these segments, and the name it stands for."""
    incarnations: dict[str, str] = {}
    for record in segments:
        segment = read_segment(record.key, record.headers)
        incarnation = incarnations.setdefault(segment.dialogue_id, str(record.position))
        if segment.type == ENDED_TYPE:
            del incarnations[segment.dialogue_id]
        for kind in get_args(EventKind):
            for index in range(TURNS_MOST):
                for revision in (0, 1) if kind == "turn" else (0,):
                    identity = event_id(
                        dialogue_id=segment.dialogue_id,
                        incarnation=incarnation,
                        source=segment.source,
                        sequence=segment.sequence,
                        kind=kind,
                        index=index,
                        revision=revision,
                    )
                    dialogue = segment.dialogue_id.removeprefix(f"{run}-")
                    yield identity, Name(dialogue, segment.sequence, kind, index, revision)


def unequal(ours: Any, theirs: Any, where: str = "") -> Iterator[str]:
    """In what two values of an event differ; a fragment of a sentence each."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(ours.keys() | theirs.keys()):
            yield from unequal(ours.get(name), theirs.get(name), f"{where}.{name}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for place, (own, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from unequal(own, other, f"{where}[{place}]")
    elif isinstance(ours, float) and isinstance(theirs, float):
        if not math.isclose(ours, theirs, rel_tol=0.0, abs_tol=TOLERANCE):
            yield f"{where}: {ours} became {theirs}"
    elif ours != theirs:
        yield f"{where}: {ours!r} became {theirs!r}"
