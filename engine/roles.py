"""Roles by configuration, for who has none of the producer's: by name, by channel, by who speaks first.

They decide nothing: the role gate looks at the result as it does at a role the producer gave.
"""

from collections.abc import Mapping

from schemas.segment import Participant, Segment


class Roles:
    """A table of roles.

    Args:
        name: role by the speaker's name; it comes before the others.
        channel: role by the channel of the recording.
        first: role of who speaks first in a dialogue.
        others: role of everybody else.
    """

    def __init__(
        self,
        *,
        name: Mapping[str, str] | None = None,
        channel: Mapping[str, str] | None = None,
        first: str | None = None,
        others: str | None = None,
    ) -> None:
        self._name = dict(name or {})
        self._channel = dict(channel or {})
        self._first = first
        self._others = others

    @property
    def by_order(self) -> bool:
        """Whether it matters who speaks first."""
        return self._first is not None

    def filled(
        self, segment: Segment, *, before: Participant | None, first_speaker: str | None, enrolled: Mapping[str, str]
    ) -> Segment:
        """The segment with the role that is missing in it; a role that the producer gave, now or `before`, stays."""
        if segment.role is not None or (before is not None and before.role is not None):
            return segment
        role = self._channel.get(segment.channel) if segment.channel is not None else None
        if segment.speaker is not None:
            by_order = self.of_voice(segment.speaker, first_speaker=first_speaker)
            role = self.of_name(segment.speaker, enrolled) or role or by_order
        return segment if role is None else segment.model_copy(update={"role": role})

    def entered(self, participant: Participant, enrolled: Mapping[str, str]) -> Participant:
        """An announced participant with the role that goes by the name, if none was announced."""
        role = participant.role or self.of_name(participant.speaker, enrolled)
        return participant.model_copy(update={"role": role})

    def of_name(self, name: str, enrolled: Mapping[str, str]) -> str | None:
        """The role that goes by a name; what a person configured comes before what was said at the enrolment."""
        return self._name.get(name) or enrolled.get(name)

    def of_voice(self, name: str, *, first_speaker: str | None) -> str | None:
        """The role of a voice by the order in which voices were heard; none where it is not known who was first."""
        if self._first is None:
            return self._others
        if not first_speaker:
            return None
        return self._first if name == first_speaker else self._others

    def of_anybody(self, segment: Segment) -> tuple[Participant, ...]:
        """Every role that somebody in a mixed channel may have, with the segment's consent; none: it could be any."""
        if self._others is None:
            return ()
        roles = dict.fromkeys((self._first or self._others, self._others))
        return tuple(Participant(speaker=role, role=role, consent=segment.consent) for role in roles)
