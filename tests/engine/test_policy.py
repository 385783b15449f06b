"""The role gate denies whatever the table does not allow."""

import pytest

from engine.policy import RoleGate
from schemas.segment import Participant, Segment
from schemas.topics import SEGMENT_TYPE


def gate(*, require_consent: bool = True) -> RoleGate:
    return RoleGate(
        allowed=frozenset({"customer", "performer", "employee"}),
        denied=frozenset({"agent", "employee", "student"}),
        require_consent=require_consent,
    )


def segment(**changes) -> Segment:
    fields = {
        "dialogue_id": "d",
        "id": "a",
        "source": "s",
        "type": SEGMENT_TYPE,
        "sequence": 1,
        "starttime": 0,
        "endtime": 1,
        **changes,
    }
    return Segment.model_validate(fields)


def roster(*participants: tuple[str, str | None, bool | None]) -> dict[str, Participant]:
    return {n: Participant(speaker=n, role=r, consent=c) for n, r, c in participants}


@pytest.mark.parametrize(
    ("role", "consent", "allowed", "rule"),
    [
        ("customer", True, True, "role customer is allowed"),
        ("customer", None, False, "consent missing"),
        ("customer", False, False, "consent refused"),
        ("agent", True, False, "role agent is not allowed"),
        ("employee", True, False, "role employee is not allowed"),
        ("student", True, False, "role student is not allowed"),
        ("passer-by", True, False, "role passer-by is not allowed"),
        (None, True, False, "role unknown"),
    ],
)
def test_the_table_decides_and_silence_denies(role, consent, allowed, rule):
    decision = gate().rule(segment(speaker="anna", role=role, consent=consent), {}).decision
    assert (decision.allowed, decision.rule) == (allowed, rule)


def test_consent_may_be_settled_outside():
    assert gate(require_consent=False).rule(segment(speaker="anna", role="customer"), {}).decision.allowed
    refused = gate(require_consent=False).rule(segment(speaker="anna", role="customer", consent=False), {})
    assert not refused.decision.allowed


def test_the_roster_answers_for_a_segment_that_names_only_the_speaker():
    known = roster(("anna", "customer", True), ("bob", "agent", True))
    assert gate().rule(segment(speaker="anna"), known).decision.allowed
    assert not gate().rule(segment(speaker="bob"), known).decision.allowed


def test_the_voices_of_a_denied_channel_are_denied():
    voices = {"customer": ("speaker-1",), "performer": ("speaker-2",)}
    known = roster(("speaker-1", "customer", True), ("speaker-2", "performer", True))
    assert gate().with_channels(known, voices) == known
    withdrawn = gate().rule(segment(role="customer", consent=False), known).roster
    after = gate().with_channels(withdrawn, voices)
    assert gate().dropped(known, after) == {"speaker-1"}
    assert gate().announced(after) == ("speaker-2",)


def test_a_role_without_a_speaker_is_a_channel():
    assert gate().rule(segment(role="customer", consent=True), {}).decision.allowed
    assert not gate().rule(segment(role="agent", consent=True), {}).decision.allowed


def test_a_mixed_channel_is_withheld_whole_unless_everybody_is_allowed():
    assert gate().rule(segment(), {}).decision.rule == "role unknown"
    mixed = roster(("anna", "customer", True), ("bob", "agent", True))
    assert gate().rule(segment(), mixed).decision.rule == "mixed channel that may hold a denied voice"
    assert gate().rule(segment(), roster(("anna", "customer", True), ("eve", "customer", True))).decision.allowed


def test_who_becomes_denied_is_to_be_erased():
    known = roster(("anna", "customer", True))
    ruling = gate().rule(segment(speaker="anna", role="agent", consent=True), known)
    assert not ruling.decision.allowed
    assert gate().dropped(known, ruling.roster) == {"anna"}
    assert ruling.roster["anna"].role == "agent"


def test_consent_withdrawn_is_denied_from_then_on():
    known = roster(("anna", "customer", True))
    ruling = gate().rule(segment(speaker="anna", consent=False), known)
    assert gate().dropped(known, ruling.roster) == {"anna"}
    again = gate().rule(segment(speaker="anna", consent=True), ruling.roster)
    assert again.decision.rule == "denied earlier in this dialogue"


def test_who_was_denied_does_not_become_allowed():
    known = roster(("bob", "agent", True))
    ruling = gate().rule(segment(speaker="bob", role="customer", consent=True), known)
    assert not ruling.decision.allowed
    assert ruling.roster == known
    announced = gate().enter((Participant(speaker="bob", role="customer", consent=True),), known)
    assert announced == known


def test_only_allowed_participants_are_announced_to_the_model():
    known = roster(("anna", "customer", True), ("bob", "agent", True), ("eve", "customer", None))
    assert gate().announced(known) == ("anna",)
    assert gate().anyone_denied(known)


def test_what_is_announced_again_without_a_role_keeps_what_was_known():
    known = roster(("anna", "customer", True))
    assert gate().enter((Participant(speaker="anna"),), known) == known


def test_who_is_announced_as_denied_is_to_be_erased():
    known = roster(("anna", "customer", True), ("eve", "customer", True))
    entered = gate().enter((Participant(speaker="anna", role="agent"), Participant(speaker="bob", role="agent")), known)
    assert gate().dropped(known, entered) == {"anna"}
    assert entered["anna"].role == "agent"


def test_a_denied_channel_is_somebody_who_takes_part():
    ruling = gate().rule(segment(role="agent", consent=True), roster(("anna", "customer", True)))
    assert gate().anyone_denied(ruling.roster)
    assert gate().announced(ruling.roster) == ("anna",)
    assert gate().rule(segment(role="agent"), ruling.roster).decision.rule == "role agent is not allowed"
    assert gate().rule(segment(), ruling.roster).decision.rule == "mixed channel that may hold a denied voice"
