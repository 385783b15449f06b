"""The role gate: whose emotions may be inferred, decided before anything of a person is decoded.

The EU AI Act (Regulation 2024/1689, article 5.1 f) forbids inferring the emotions of people at work and in
education. A role is allowed only where the table says so; an unknown role and missing consent are denied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.events import PolicyDecision
from schemas.segment import Participant, Segment

Roster = Mapping[str, Participant]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the gate says of one segment."""

    decision: PolicyDecision
    roster: Roster
    """Who takes part, as known after this segment."""
    each_voice: bool = False
    """The segment may hold a denied voice: every voice in it is to be decided by itself."""

    @property
    def all_allowed(self) -> bool:
        """Whether all of the segment's media may be kept."""
        return self.decision.allowed and not self.each_voice


class RoleGate:
    """A table of roles. Both sets are names from the configuration; whatever is in neither is denied.

    identify_denied: denied voices of a mixed channel are told from the others, instead of withholding all of it.
    """

    def __init__(
        self,
        *,
        allowed: frozenset[str],
        denied: frozenset[str],
        require_consent: bool,
        identify_denied: bool = False,
    ) -> None:
        self._allowed = allowed - denied
        self._denied = denied
        self._require_consent = require_consent
        self.identify_denied = identify_denied

    def admits(self, participant: Participant) -> bool:
        """Whether this participant's emotions may be inferred."""
        return self.decide(participant).allowed

    def decide(self, participant: Participant) -> PolicyDecision:
        """Whether this participant's emotions may be inferred, and by which rule."""
        return self._decide(participant.role, participant.consent)

    def announced(self, roster: Roster) -> tuple[str, ...]:
        """The allowed participants, in the order in which they became known."""
        return tuple(name for name, participant in roster.items() if self.admits(participant))

    def anyone_denied(self, roster: Roster) -> bool:
        """Whether somebody takes part who may not be inferred."""
        return not all(self.admits(participant) for participant in roster.values())

    def rule(
        self,
        segment: Segment,
        roster: Roster,
        *,
        anybody: Sequence[Participant] = (),
        recognisable: Sequence[Participant] = (),
    ) -> Ruling:
        """Decide on a segment's headers and the roster alone.

        A named speaker is decided by their own role. A segment that names only a role is a channel: everybody
        heard in it has that role; a denied channel enters the roster, for somebody takes part who may not be inferred,
        and stays denied. A segment that names neither is a mixed channel, and is withheld whole unless
        everybody announced is allowed: to know who speaks, one would have to analyse the denied voices too. Where that
        is configured, each voice is decided by itself, if anybody may be inferred of those who can be told apart.
        Without consent nobody is: whose it was cannot be told.

        `anybody` are the roles somebody may have who was not announced; `recognisable` are those known by their voice.
        """
        if segment.speaker is not None:
            return self._rule_speaker(segment.speaker, segment, roster)
        if segment.role is not None:
            return self._rule_channel(segment.role, segment, roster)
        if segment.consent is False:
            return Ruling(decision=PolicyDecision(allowed=False, rule="consent missing"), roster=roster)
        decision = self._decide_mixed((*roster.values(), *anybody))
        if not decision.allowed and self.identify_denied and any(map(self.admits, (*anybody, *recognisable))):
            each = PolicyDecision(allowed=True, rule="each voice is decided by itself")
            return Ruling(decision=each, roster=roster, each_voice=True)
        return Ruling(decision=decision, roster=roster)

    def enter(self, participants: tuple[Participant, ...], roster: Roster) -> Roster:
        """The roster with announced participants; who was denied before stays denied."""
        merged = dict(roster)
        for participant in participants:
            before = merged.get(participant.speaker)
            if before is None or self.admits(before):
                merged[participant.speaker] = _known(participant, before)
        return merged

    def with_channels(self, roster: Roster, voices: Mapping[str, tuple[str, ...]]) -> Roster:
        """The roster in which `voices`, by the role of their channel, are denied where their channel is."""
        heard = ((roster.get(_channel(role)), names) for role, names in voices.items())
        denied = {
            name: channel.model_copy(update={"speaker": name})
            for channel, names in heard
            if channel is not None
            for name in names
        }
        return {**roster, **denied}

    def dropped(self, before: Roster, after: Roster) -> frozenset[str]:
        """Who was allowed and is no more: whatever is kept of them is to be erased."""
        return frozenset(name for name, who in before.items() if self.admits(who) and not self.admits(after[name]))

    def _rule_speaker(self, speaker: str, segment: Segment, roster: Roster) -> Ruling:
        before = roster.get(speaker)
        now = _known(Participant(speaker=speaker, role=segment.role, consent=segment.consent), before)
        decision = self._decide(now.role, now.consent)
        if before is not None and not self.admits(before) and decision.allowed:
            refused = PolicyDecision(allowed=False, role=before.role, rule="denied earlier in this dialogue")
            return Ruling(decision=refused, roster=roster)
        return Ruling(decision=decision, roster={**roster, speaker: now})

    def _rule_channel(self, role: str, segment: Segment, roster: Roster) -> Ruling:
        channel = _channel(role)
        decision = self._decide(role, segment.consent)
        if channel in roster and decision.allowed:
            decision = PolicyDecision(allowed=False, role=role, rule="denied earlier in this dialogue")
        elif not decision.allowed:
            roster = {**roster, channel: Participant(speaker=role, role=role, consent=segment.consent)}
        return Ruling(decision=decision, roster=roster)

    def _decide(self, role: str | None, consent: bool | None) -> PolicyDecision:
        if role is None:
            return PolicyDecision(allowed=False, rule="role unknown")
        if role not in self._allowed:
            return PolicyDecision(allowed=False, role=role, rule=f"role {role} is not allowed")
        if consent is False:
            return PolicyDecision(allowed=False, role=role, rule="consent refused")
        if consent is None and self._require_consent:
            return PolicyDecision(allowed=False, role=role, rule="consent missing")
        return PolicyDecision(allowed=True, role=role, rule=f"role {role} is allowed")

    def _decide_mixed(self, people: Sequence[Participant]) -> PolicyDecision:
        if not people:
            return PolicyDecision(allowed=False, rule="role unknown")
        if not all(map(self.admits, people)):
            return PolicyDecision(allowed=False, rule="mixed channel that may hold a denied voice")
        roles = {participant.role for participant in people}
        role = roles.pop() if len(roles) == 1 else None
        return PolicyDecision(allowed=True, role=role, rule="everybody announced is allowed")


def _channel(role: str) -> str:
    """The name under which a denied channel is in the roster."""
    return f"channel/{role}"


def _known(now: Participant, before: Participant | None) -> Participant:
    """What is said of a participant now; of what is not said, what was known."""
    if before is None:
        return now
    return now.model_copy(
        update={
            "role": before.role if now.role is None else now.role,
            "consent": before.consent if now.consent is None else now.consent,
        }
    )
