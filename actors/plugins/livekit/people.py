"""Who of a room is listened to, and as whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from livekit import rtc

from schemas.segment import Participant

ROLE: Final = "turntone.role"
CONSENT: Final = "turntone.consent"
"""Attributes of a participant: whoever makes their token sets them, and consent is `true` or `false`."""

_MACHINES = frozenset({rtc.ParticipantKind.PARTICIPANT_KIND_AGENT, rtc.ParticipantKind.PARTICIPANT_KIND_EGRESS})
_VOICES = frozenset({rtc.TrackSource.SOURCE_MICROPHONE, rtc.TrackSource.SOURCE_UNKNOWN})
_SAID = {"true": True, "false": False}
_NAME_LENGTH = 128


@dataclass(frozen=True, slots=True)
class People:
    """What is known of participants beside their attributes, which are believed first.

    Args:
        role: of everybody who has no other.
        roles: by identity.
        consent: of everybody who does not say it.
    """

    role: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    consent: bool | None = None

    def known(self, participant: rtc.RemoteParticipant) -> Participant:
        """Who somebody is in the dialogue: their identity is the speaker. A consent nobody can read is none."""
        said = participant.attributes
        role = said.get(ROLE) or self.roles.get(participant.identity, self.role)
        consent = _SAID.get(said[CONSENT].lower()) if CONSENT in said else self.consent
        return Participant(speaker=participant.identity[:_NAME_LENGTH], role=role, consent=consent)


def is_person(participant: rtc.RemoteParticipant) -> bool:
    """Neither an agent nor a recorder."""
    return participant.kind not in _MACHINES


def is_voice(publication: rtc.RemoteTrackPublication) -> bool:
    """Sound of a microphone, not of a shared screen."""
    return publication.kind == rtc.TrackKind.KIND_AUDIO and publication.source in _VOICES
