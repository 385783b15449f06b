"""Whose voice each turn of a segment is, who of them may be inferred, and what of them the models are asked.

The role gate decides on headers before anything is decoded. What only a voice can tell (that it is an enrolled one,
that it spoke first, that two ids are one) is known afterwards, and the gate is asked again about each voice: it can
withhold turns of a segment that was let in, never the other way round.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from engine.answers import Draft
from engine.diarization.base import Merge
from engine.diarization.registry import CENTROID, SECONDS, known_speakers
from engine.enrolled import EnrolledVoices, Known
from engine.perceive import Listened, Perceived, Perceiver
from engine.policy import RoleGate, Roster, Ruling
from engine.records import MIXED, UNKNOWN, with_merges, with_roster, with_voices
from engine.roles import Roles
from engine.signals import Media, StepRequest, Tensors
from schemas.events import Modalities, PolicyDecision
from schemas.record import DialogueRecord
from schemas.segment import Participant, Segment

APART = "apart/"
"""Before the names of the centroids of denied voices."""


@dataclass(frozen=True, slots=True)
class Identified:
    """A segment whose turns have speakers."""

    record: DialogueRecord
    tensors: Tensors
    merges: tuple[Merge, ...]
    drafts: tuple[Draft, ...]
    asked: tuple[int, ...]
    """Which drafts the request's turns belong to."""
    request: StepRequest | None
    seconds: Mapping[str, float]


class Identifier:
    """Perception between two questions to the gate. It keeps nothing of a dialogue.

    Args:
        gate: who may be inferred.
        roles: of those for whom the producer gives none.
        voices: those enrolled by name.
        perceiver: the stages before the models.
        speakers: how many people speak in a dialogue at the most, where the producer does not say.
    """

    def __init__(
        self, *, gate: RoleGate, roles: Roles, voices: EnrolledVoices, perceiver: Perceiver, speakers: int | None
    ) -> None:
        self._gate = gate
        self._roles = roles
        self._voices = voices
        self._perceiver = perceiver
        self._speakers = speakers

    def filled(self, segment: Segment, record: DialogueRecord) -> tuple[Segment, DialogueRecord]:
        """The segment with the role that the configuration or an enrolment gives where the producer gave none.

        And the record with who spoke first, where that is a role's reason and the producer names the speaker.
        """
        if self._roles.by_order and record.first_speaker is None and segment.speaker is not None:
            record = record.model_copy(update={"first_speaker": segment.speaker})
        filled = self._roles.filled(
            segment,
            before=record.roster.get(segment.speaker) if segment.speaker is not None else None,
            first_speaker=record.first_speaker,
            enrolled=self._voices.current().roles,
        )
        return filled, record

    def entered(self, participants: tuple[Participant, ...], roster: Roster) -> tuple[Participant, ...]:
        """Announced participants with the roles that go by their names, where none was given now or before."""
        enrolled = self._voices.current().roles
        return tuple(
            participant if who.speaker in roster and roster[who.speaker].role is not None else who
            for participant in participants
            for who in (self._roles.entered(participant, enrolled),)
        )

    def passed_over(self, record: DialogueRecord) -> DialogueRecord:
        """The record after a segment that was not listened to: if it was the first, nobody knows who spoke first."""
        if not self._roles.by_order or record.first_speaker is not None:
            return record
        return record.model_copy(update={"first_speaker": UNKNOWN})

    def rule(self, segment: Segment, record: DialogueRecord, tensors: Tensors) -> Ruling:
        """The gate's word on a segment before it is decoded."""
        known = self._voices.current()
        voices = dict.fromkeys((*known.centroids, *known_speakers(_joined(tensors))))
        return self._gate.rule(
            segment,
            record.roster,
            anybody=() if record.announced else self._roles.of_anybody(segment),
            recognisable=tuple(self._participant(name, segment, record, known) for name in voices),
        )

    def identify(
        self, media: Media, segment: Segment, ruling: Ruling, record: DialogueRecord, tensors: Tensors
    ) -> Identified:
        """Listen, ask the gate about every voice, and look at those it lets in."""
        known = self._voices.current()
        listened = self._perceiver.listen(
            media,
            _joined(tensors),
            speaker=segment.speaker,
            taken=record.roster.keys() | record.aliases.keys(),
            enrolled=known.centroids,
            most=record.speakers or self._announced(record, ruling) or self._speakers,
        )
        record = self._first(with_merges(record, listened.merges, admits=self._gate.admits), listened)
        decisions, roster = self._judged(listened, segment, ruling, record, known)
        denied = frozenset(name for name, decision in decisions.items() if not decision.allowed)
        dropped = self._gate.dropped(record.roster, roster)
        record = with_roster(record, roster, dropped=dropped | denied)
        if segment.speaker is None:
            voices = [turn.speaker for turn in listened.turns if turn.speaker not in denied]
            record = with_voices(record, voices, role=segment.role or MIXED)
        tensors = self._parted(listened.tensors, denied | dropped, roster)
        looked = self._perceiver.look(
            media, listened, withheld=denied, alone_in_view=self._gate.anyone_denied(record.roster)
        )
        drafts = tuple(
            _draft(found, segment, decisions[found.turn.speaker], record.roster) for found in looked.turns
        ) or (_silence(media, segment, ruling.decision),)
        asked = tuple(i for i, found in enumerate(looked.turns) if found.utterance is not None)
        utterances = tuple(
            replace(found.utterance, number=record.turns + i)
            for i, found in enumerate(looked.turns)
            if found.utterance is not None
        )
        request = None
        if utterances:
            announced = self._gate.announced(record.roster)
            request = StepRequest(tensors=tensors, turns=utterances, announced=announced)
        return Identified(record, tensors, listened.merges, drafts, asked, request, looked.seconds)

    def _announced(self, record: DialogueRecord, ruling: Ruling) -> int:
        """How many of those announced may be heard here; whose role is not known may be."""
        people = (record.roster.get(name, Participant(speaker=name)) for name in record.announced)
        return sum(ruling.each_voice or who.role is None or self._gate.admits(who) for who in people)

    def _first(self, record: DialogueRecord, listened: Listened) -> DialogueRecord:
        if not self._roles.by_order or record.first_speaker is not None or not listened.turns:
            return record
        return record.model_copy(update={"first_speaker": listened.turns[0].speaker})

    def _judged(
        self, listened: Listened, segment: Segment, ruling: Ruling, record: DialogueRecord, known: Known
    ) -> tuple[Mapping[str, PolicyDecision], Roster]:
        """What the gate says of every speaker of the segment, and the roster with those whose role is known.

        And of who is recognised by a merge, speaking or not: their name may deny them.
        """
        decisions: dict[str, PolicyDecision] = {}
        roster = dict(record.roster)
        elsewhere = segment.model_copy(update={"role": None})
        spoke = dict.fromkeys((turn.speaker for turn in listened.turns), segment)
        for name, said in {**dict.fromkeys((one.into for one in listened.merges), elsewhere), **spoke}.items():
            decisions[name] = ruling.decision
            if name == segment.speaker:
                continue
            who = self._participant(name, said, record, known)
            if who.role is not None or ruling.each_voice:
                decisions[name] = self._gate.decide(who)
                roster[name] = who
        return decisions, roster

    def _participant(self, name: str, segment: Segment, record: DialogueRecord, known: Known) -> Participant:
        """A voice as the gate is to see it. A role that goes by its name holds against a channel's if it is denied."""
        by_order = None if record.announced else self._roles.of_voice(name, first_speaker=record.first_speaker)
        by_name = self._roles.of_name(name, known.roles)
        now = Participant(speaker=name, role=segment.role or by_name or by_order, consent=segment.consent)
        before = record.roster.get(name)
        who = now if before is None else before.model_copy(update={"role": before.role or now.role})
        named = who.model_copy(update={"role": by_name or who.role})
        return named if self._gate.admits(who) and not self._gate.admits(named) else who

    def _parted(self, tensors: Tensors, denied: Set[str], roster: Roster) -> Tensors:
        """The tensors without those of denied voices; where they are to be known again, their centroids lie apart."""
        known = (name for name in known_speakers(tensors) if name in roster)
        gone = denied | {name for name in known if not self._gate.admits(roster[name])}
        parted = {}
        for name, value in tensors.items():
            if name.partition("/")[2] not in gone:
                parted[name] = value
            elif self._gate.identify_denied and name.startswith((CENTROID, SECONDS)):
                parted[APART + name] = value
        return parted


def _joined(tensors: Tensors) -> Tensors:
    return {name.removeprefix(APART): value for name, value in tensors.items()}


def _draft(found: Perceived, segment: Segment, decision: PolicyDecision, roster: Roster) -> Draft:
    start_s, end_s = segment.starttime or 0.0, segment.endtime or 0.0
    utterance, speaker = found.utterance, found.turn.speaker
    draft = Draft(
        speaker=speaker,
        role=roster[speaker].role if speaker in roster else decision.role,
        start_s=min(start_s + found.turn.span.start_s, end_s),
        end_s=min(start_s + found.turn.span.end_s, end_s),
        overlap=found.turn.overlap,
        policy=decision,
        modalities=Modalities(
            audio=utterance is not None and utterance.audio is not None,
            video=utterance is not None and utterance.faces is not None,
            audio_missing=found.audio_missing,
            video_missing=found.video_missing,
        ),
        reason="neither a voice nor a face" if utterance is None else None,
    )
    return draft if decision.allowed else replace(draft, withheld=True, reason=decision.rule)


def _silence(media: Media, segment: Segment, decision: PolicyDecision) -> Draft:
    return Draft(
        speaker=segment.speaker,
        role=decision.role,
        start_s=segment.starttime or 0.0,
        end_s=segment.endtime or 0.0,
        policy=decision,
        modalities=Modalities(audio=True, video=media.frames is not None, video_missing=media.video_missing),
        silent=True,
        reason="no speech found",
    )
