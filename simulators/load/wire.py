"""The plan's calls as records in the order in which they are due, their faults in them."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from schemas.cloudevents import JSON
from schemas.segment import DialogueEnded, DialogueStarted, Participant, Segment, SegmentType
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, STARTED_TYPE
from simulators.load.account import Sent
from simulators.load.conversation import AGENT, CUSTOMER, Spoken
from simulators.load.plan import Call
from simulators.load.voices import FLAC, garbage

# Their role is what they are called; the voices are actors', who agreed to be recorded and studied.
PEOPLE: Final = tuple(Participant(speaker=who, role=who, consent=True) for who in (AGENT, CUSTOMER))
STOPPED: Final = "stopped"
"""Ends the source of a word that no plan holds."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One record and when it is due, in seconds of the load."""

    at_s: float
    segment: Segment
    value: bytes
    sent: Sent | None = None
    """What an answer is expected to; nothing for words about the dialogue and for what is sent again."""


def dialogue_id(call: Call, *, run: str) -> str:
    """The id of a call on the wire."""
    return f"{run}-{call.number}"


def cues(calls: Iterable[Call], *, run: str, media: Callable[[Spoken], bytes]) -> Iterator[Cue]:
    """Every record of a load, their times never falling; `media` is asked for when it is the next of its call."""
    waiting = iter(calls)
    coming = next(waiting, None)
    open_calls: list[tuple[float, int, Cue, Iterator[Cue]]] = []
    while coming is not None or open_calls:
        if coming is not None and (not open_calls or coming.begin_s <= open_calls[0][0]):
            records = cues_of(coming, name=dialogue_id(coming, run=run), media=media)
            first = next(records)
            heapq.heappush(open_calls, (first.at_s, coming.number, first, records))
            coming = next(waiting, None)
            continue
        _, number, cue, records = heapq.heappop(open_calls)
        yield cue
        following = next(records, None)
        if following is not None:
            heapq.heappush(open_calls, (following.at_s, number, following, records))


def cues_of(call: Call, *, name: str, media: Callable[[Spoken], bytes]) -> Iterator[Cue]:
    """One call: that it starts and who takes part, a segment an utterance, that it ends."""
    started = DialogueStarted(participants=PEOPLE).model_dump_json().encode()
    yield Cue(call.begin_s, _word(name, STARTED_TYPE, connection=0, sequence=0), started)
    sequences = {0: 0}
    held: dict[int, Cue] = {}
    for said, fault in zip(call.said, call.faults, strict=True):
        sequences[said.connection] = sequences.get(said.connection, 0) + 1
        sequence = sequences[said.connection]
        segment = Segment(
            dialogue_id=name,
            id=f"{name}.{said.connection}.{sequence}",
            source=_source(name, said.connection),
            type=SEGMENT_TYPE,
            datacontenttype=FLAC,
            sequence=sequence,
            starttime=said.start_s,
            endtime=said.end_s,
            speaker=said.speaker,
            role=said.speaker,
            consent=True,
        )
        ended_s = call.begin_s + said.end_s
        sent = Sent(name, said.speaker, said.start_s, said.end_s, ended_s=ended_s, fault=fault)
        cue = Cue(ended_s, segment, garbage(said) if fault == "garbage" else media(said), sent)
        if fault == "late":
            held[said.connection] = cue
            continue
        yield cue
        if fault == "duplicate":
            yield replace(cue, sent=None)
        if said.connection in held:
            yield replace(held.pop(said.connection), at_s=ended_s)
    last = max(sequences)
    ended = DialogueEnded(reason=call.ending).model_dump_json().encode()
    word = _word(name, ENDED_TYPE, connection=last, sequence=sequences[last] + 1)
    yield Cue(call.begin_s + call.length_s, word, ended)


def hang_up(name: str, *, at_s: float) -> Cue:
    """Word that a call is over before its plan says so, of a producer of its own."""
    ended = DialogueEnded(reason="the load was stopped")
    segment = Segment(
        dialogue_id=name,
        id=f"{name}.{STOPPED}",
        source=f"/turntone/load/{name}/{STOPPED}",
        type=ENDED_TYPE,
        datacontenttype=JSON,
        sequence=0,
    )
    return Cue(at_s, segment, ended.model_dump_json().encode())


def _word(name: str, type_: SegmentType, *, connection: int, sequence: int) -> Segment:
    return Segment(
        dialogue_id=name,
        id=f"{name}.{connection}.{sequence}",
        source=_source(name, connection),
        type=type_,
        datacontenttype=JSON,
        sequence=sequence,
    )


def _source(name: str, connection: int) -> str:
    """Each connection is a producer of its own: its sequence begins anew."""
    return f"/turntone/load/{name}/{connection}"
