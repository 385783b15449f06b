"""The records of a corpus in the order in which they are due, dialogues side by side."""

import heapq
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from engine.errors import BadInput, ConfigurationError
from schemas.cloudevents import JSON
from schemas.labels import Emotion
from schemas.segment import DialogueEnded, DialogueStarted, Participant, Recording, Segment, SegmentType
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, STARTED_TYPE
from simulators.clips import length_s, load
from simulators.corpus import CorpusDialogue, Skipped, Utterance

PAUSE_S = 0.3
"""Between utterances whose places in the dialogue are not known."""
_LONGEST_NAME = 90


@dataclass(frozen=True, slots=True)
class Sent:
    """One utterance as a segment, with what the corpus knows of it."""

    dialogue_id: str
    utterance_id: str
    start_s: float
    """Seconds in the dialogue."""
    end_s: float
    speaker: str | None
    role: str
    emotion: Emotion | None
    valence: float | None = None
    arousal: float | None = None


@dataclass(frozen=True, slots=True)
class Cue:
    """One record and when it is due, in seconds from the start."""

    at_s: float
    segment: Segment
    value: bytes
    sent: Sent | None = None


def dialogue_id(dialogue: CorpusDialogue, *, run: str) -> str:
    """The id of a dialogue on the wire in one run."""
    return f"{run}-{cleaned(dialogue.dialogue_id)}"


def cleaned(name: str) -> str:
    """A name as a dialogue id can hold it."""
    return re.sub(r"[^A-Za-z0-9._:-]+", "-", name)[:_LONGEST_NAME]


def named(dialogues: tuple[CorpusDialogue, ...], *, run: str) -> Mapping[str, CorpusDialogue]:
    """Dialogues by their ids on the wire. Raises `ConfigurationError` when two would share one."""
    names: dict[str, CorpusDialogue] = {}
    for dialogue in dialogues:
        name = dialogue_id(dialogue, run=run)
        if name in names:
            first = names[name].dialogue_id
            raise ConfigurationError(f"dialogues {first!r} and {dialogue.dialogue_id!r} would share the id {name}")
        names[name] = dialogue
    return names


class Timeline:
    """Lays dialogues out in time.

    source: who produces, in every record; role: of everybody whose corpus names none.
    at_once: dialogues side by side; the next begins where one ends, and one clip of each is in memory.
    speed: how fast they will be sent, which is only told.
    skip: hears of each utterance whose media cannot be sent.
    """

    def __init__(
        self, *, source: str, role: str, at_once: int, speed: float | None, skip: Callable[[Skipped], None]
    ) -> None:
        self._source = source
        self._role = role
        self._at_once = at_once
        self._speed = speed
        self._skip = skip

    def cues(self, dialogues: Mapping[str, CorpusDialogue]) -> Iterator[Cue]:
        """All records, their times never falling."""
        waiting = iter(dialogues.items())
        running: list[tuple[float, int, float, Cue, Iterator[Cue]]] = []

        def begin(offset_s: float, order: int) -> None:
            for name, dialogue in waiting:
                cues = self.cues_of(name, dialogue)
                first = next(cues)
                heapq.heappush(running, (offset_s + first.at_s, order, offset_s, first, cues))
                return

        for place in range(self._at_once):
            begin(0.0, place)
        while running:
            due_s, place, offset_s, cue, cues = heapq.heappop(running)
            yield Cue(due_s, cue.segment, cue.value, cue.sent)
            following = next(cues, None)
            if following is None:
                begin(due_s, place)
            else:
                at_s = max(due_s, offset_s + following.at_s)
                heapq.heappush(running, (at_s, place, offset_s, following, cues))

    def cues_of(self, name: str, dialogue: CorpusDialogue) -> Iterator[Cue]:
        """One dialogue: that it starts and who takes part, a segment an utterance, that it ends."""
        roles = {turn.speaker: turn.role or self._role for turn in dialogue.utterances if turn.speaker is not None}
        # Whoever replays a corpus answers for it: its people agreed to be recorded and studied.
        people = tuple(Participant(speaker=who, role=role, consent=True) for who, role in roles.items())
        lasts_s = duration_s(dialogue)
        recording = Recording(duration_s=None if lasts_s is None else round(lasts_s, 3), speed=self._speed)
        started = DialogueStarted(participants=people, recording=recording).model_dump_json().encode()
        yield Cue(0.0, self._word(name, STARTED_TYPE, 0), started)
        cursor_s, sequence = 0.0, 0
        for turn in dialogue.utterances:
            try:
                clip = load(turn)
            except BadInput as error:
                self._skip(Skipped(f"{dialogue.dialogue_id} {turn.utterance_id}", str(error)))
                continue
            start_s = _begins_s(turn, cursor_s if sequence else None)
            end_s = start_s + clip.duration_s
            cursor_s = max(cursor_s, end_s)
            sequence += 1
            segment = Segment(
                dialogue_id=name,
                id=f"{name}.{sequence}",
                source=self._source,
                type=SEGMENT_TYPE,
                datacontenttype=clip.content_type,
                sequence=sequence,
                starttime=round(start_s, 3),
                endtime=round(end_s, 3),
                speaker=turn.speaker,
                role=turn.role or self._role,
                consent=True,
            )
            yield Cue(end_s, segment, clip.value, _sent(segment, turn))
        ended = DialogueEnded(reason="the recording ended").model_dump_json().encode()
        yield Cue(cursor_s, self._word(name, ENDED_TYPE, sequence + 1), ended)

    def _word(self, name: str, type_: SegmentType, sequence: int) -> Segment:
        identity = f"{name}.{sequence}"
        return Segment(
            dialogue_id=name, id=identity, source=self._source, type=type_, datacontenttype=JSON, sequence=sequence
        )


def duration_s(dialogue: CorpusDialogue) -> float | None:
    """How long a dialogue will be, by what its files say of themselves; None where none of them can be read."""
    cursor_s: float | None = None
    for turn in dialogue.utterances:
        lasts_s = length_s(turn)
        if lasts_s is not None:
            cursor_s = max(cursor_s or 0.0, _begins_s(turn, cursor_s) + lasts_s)
    return cursor_s


def _begins_s(turn: Utterance, cursor_s: float | None) -> float:
    """`cursor_s`: where the last one ended, if there was one."""
    if turn.begin_s is not None:
        return turn.begin_s
    return 0.0 if cursor_s is None else cursor_s + PAUSE_S


def _sent(segment: Segment, turn: Utterance) -> Sent:
    return Sent(
        dialogue_id=segment.dialogue_id,
        utterance_id=turn.utterance_id,
        start_s=segment.starttime or 0.0,
        end_s=segment.endtime or 0.0,
        speaker=turn.speaker,
        role=segment.role or "",
        emotion=turn.emotion,
        valence=turn.valence,
        arousal=turn.arousal,
    )
