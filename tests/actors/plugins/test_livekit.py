"""What the room's plug-in makes of LiveKit's own tracks, frames and participants; no server is needed."""

import asyncio
from random import Random

import pytest

pytest.importorskip("livekit.rtc", reason="LiveKit is not installed: pip install 'turntone[livekit]'")

from livekit import rtc
from livekit.rtc._proto.participant_pb2 import OwnedParticipant
from livekit.rtc._proto.track_pb2 import OwnedTrackPublication

from actors.gateway.streams.messages import Start
from actors.plugins.livekit.people import People, is_person, is_voice
from actors.plugins.livekit.voice import RATE_HZ, carry
from actors.plugins.uplink import Uplink
from engine.clock import SystemClock
from engine.ingest.reconnect import Backoff
from schemas.segment import Participant
from schemas.topics import SEGMENT_TYPE, STARTED_TYPE
from tests.actors.plugins.rooms import turntone
from tests.actors.plugins.voices import TRACK_HZ, speak
from tests.engine.ingest.sources import talk


def uplink_of(gateway, told, *, token=None) -> Uplink:
    start = Start(
        type="start",
        dialogue_id="room-1",
        format="s16le",
        rate_hz=RATE_HZ,
        speaker="anna",
        role="customer",
        consent=True,
    )
    return Uplink(
        gateway=gateway, start=start, clock=SystemClock(), backoff=Backoff(), random=Random(1), tell=told.append
    )


def test_a_track_becomes_the_utterances_of_its_participant():
    async def heard(behind, told):
        source = rtc.AudioSource(TRACK_HZ, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        carrying = asyncio.create_task(carry(track, uplink_of(behind.gateway, told)))
        await speak(source, talk(1)[16_000:])
        await behind.until(lambda: told)
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        await source.aclose()

    told: list = []
    with turntone() as behind:
        asyncio.run(heard(behind, told))
        assert [segment.type for segment in behind.segments()] == [STARTED_TYPE, SEGMENT_TYPE]
        (said,) = behind.media()
        assert (said.dialogue_id, said.speaker, said.role, said.consent) == ("room-1", "anna", "customer", True)
        assert [(one.start_s, one.end_s) for one in told] == [(said.starttime, said.endtime)]


def participant(identity: str, *, kind=rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD, **attributes: str):
    owned = OwnedParticipant()
    owned.info.identity, owned.info.kind = identity, kind
    owned.info.attributes.update({f"turntone.{name}": value for name, value in attributes.items()})
    return rtc.RemoteParticipant(owned)


def publication(*, kind=rtc.TrackKind.KIND_AUDIO, source=rtc.TrackSource.SOURCE_MICROPHONE):
    owned = OwnedTrackPublication()
    owned.info.kind, owned.info.source = kind, source
    return rtc.RemoteTrackPublication(owned)


@pytest.mark.parametrize(
    ("attributes", "role", "consent"),
    [
        ({}, "guest", True),
        ({"role": "customer"}, "customer", True),
        ({"consent": "false"}, "guest", False),
        ({"consent": "True"}, "guest", True),
        ({"consent": "perhaps"}, "guest", None),
    ],
)
def test_attributes_are_believed_before_the_command(attributes, role, consent):
    people = People(role="guest", roles={"ben": "agent"}, consent=True)
    assert people.known(participant("anna", **attributes)) == Participant(speaker="anna", role=role, consent=consent)
    assert people.known(participant("ben")).role == "agent"


def test_who_says_nothing_has_neither_role_nor_consent():
    assert People().known(participant("anna")) == Participant(speaker="anna")


def test_machines_are_no_people_and_a_shared_screen_is_no_voice():
    kinds = rtc.ParticipantKind
    assert [is_person(participant("x", kind=kind)) for kind in kinds.values()] == [
        kind not in {kinds.PARTICIPANT_KIND_AGENT, kinds.PARTICIPANT_KIND_EGRESS} for kind in kinds.values()
    ]
    assert is_voice(publication())
    assert not is_voice(publication(source=rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO))
    assert not is_voice(publication(kind=rtc.TrackKind.KIND_VIDEO, source=rtc.TrackSource.SOURCE_CAMERA))
