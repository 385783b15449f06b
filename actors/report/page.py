"""The page: events and what is known about the run in, one HTML document out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from actors.report.course import HEIGHT, WIDTH, Course, course
from actors.report.lanes import LANE, Row, kind_of, rows
from actors.report.picture import data_address
from actors.report.wording import CODES, clock, code_of, notes, open_questions, speaker_of, verdict
from engine.signals import Frames
from engine.summary import summary_of
from schemas.events import AlertEvent, EmotionEvent, SpeakerSummary
from schemas.labels import EMOTIONS

_MARKS: Final = ("●", "■", "▲", "◆", "▼", "★")
"""What a speaker's points look like, beside the colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a page says beside the events."""

    title: str
    model_id: str
    licence: str
    """Of the checkpoint's weights."""
    role: str
    """Of everybody whose source names none."""
    failures: Sequence[str] = ()
    """What could not be worked on, a sentence each."""
    stopped_at_s: float | None = None
    """How far it came where it was stopped before the end."""
    faces: Mapping[str, Frames] = field(default_factory=dict)
    """The speaking face `[S, S, 3]` RGB of a turn, by the id of its event."""
    alerts: Sequence[AlertEvent] = ()


@dataclass(frozen=True, slots=True)
class _Portrait:
    address: str
    at: str
    turn: int


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    mark: str
    turns: int
    spoken: str
    labels: tuple[tuple[str, int], ...]
    undecided: int
    summary: SpeakerSummary
    portraits: tuple[_Portrait, ...]


@dataclass(frozen=True, slots=True)
class _Dialogue:
    name: str
    number: int
    turns: tuple[EmotionEvent, ...]
    people: tuple[_Person, ...]
    rows: tuple[Row, ...]
    course: Course
    alerts: tuple[AlertEvent, ...]
    questions: tuple[tuple[str, int], ...]


def report(events: Sequence[EmotionEvent], *, about: About) -> str:
    """One self-contained page: no script, nothing fetched from anywhere; every text in it is escaped.

    Of a turn that was revised the last revision counts. Pictures are those of `about.faces` alone.
    """
    dialogues = dict.fromkeys(event.dialogue_id for event in events)
    room = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    room.globals.update(clock=clock, verdict=verdict, notes=notes, code_of=code_of, kind_of=kind_of)
    room.globals.update(speaker_of=speaker_of, marks=_MARKS, codes=CODES, emotions=EMOTIONS)
    room.globals.update(width=WIDTH, height=HEIGHT, lane=LANE)
    return room.get_template("page.html").render(
        about=about,
        dialogues=[
            _dialogue(name, number, [event for event in events if event.dialogue_id == name], about)
            for number, name in enumerate(dialogues, start=1)
        ],
        affect_sources=sorted({event.affect_source for event in events if event.affect_source}),
    )


def _dialogue(name: str, number: int, events: Sequence[EmotionEvent], about: About) -> _Dialogue:
    last = {event.turn: event for event in events if event.turn is not None}
    turns = tuple(sorted(last.values(), key=lambda turn: (turn.start_s, turn.turn or 0)))
    speakers = tuple(dict.fromkeys(speaker_of(turn) for turn in turns))
    silent = [event for event in events if event.turn is None]
    # A picture goes by the event with which the turn was first said.
    faces = about.faces
    seen = {event.turn: faces[event.event_id] for event in events if event.event_id in faces and event.turn is not None}
    return _Dialogue(
        name=name,
        number=number,
        turns=turns,
        people=tuple(_person(speaker, place, turns, seen) for place, speaker in enumerate(speakers)),
        rows=rows(turns, speakers=speakers),
        course=course(turns, speakers=speakers),
        alerts=tuple(alert for alert in about.alerts if alert.dialogue_id == name),
        questions=open_questions([*turns, *silent]),
    )


def _person(name: str, place: int, turns: Sequence[EmotionEvent], faces: Mapping[int, Frames]) -> _Person:
    own = [turn for turn in turns if speaker_of(turn) == name]
    counts = {emotion: sum(turn.label == emotion for turn in own) for emotion in EMOTIONS}
    return _Person(
        name=name,
        mark=_MARKS[place % len(_MARKS)],
        turns=len(own),
        spoken=clock(sum(turn.end_s - turn.start_s for turn in own)),
        labels=tuple((emotion, count) for emotion, count in counts.items() if count),
        undecided=sum(turn.label is None for turn in own),
        summary=summary_of(sorted(own, key=lambda turn: turn.turn or 0)),
        portraits=tuple(
            _Portrait(data_address(faces[turn.turn]), clock(turn.start_s), turn.turn)
            for turn in own
            if turn.turn is not None and turn.turn in faces
        ),
    )
