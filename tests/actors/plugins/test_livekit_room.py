"""A real room: LiveKit's own server, people who speak in it by LiveKit's own library, and the plug-in among them."""

import asyncio
import base64
import hashlib
import hmac
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

import pytest

pytest.importorskip("livekit.rtc", reason="LiveKit is not installed: pip install 'turntone[livekit]'")

from livekit import rtc

from actors.plugins.livekit.people import People
from actors.plugins.livekit.room import Attendance
from engine.clock import SystemClock
from engine.errors import SourceUnavailable
from schemas.segment import Participant
from tests.actors.gateway.opened import PATIENCE_S
from tests.actors.plugins.rooms import Turntone, turntone
from tests.actors.plugins.voices import speak
from tests.engine.ingest.sources import talk

KEY, SECRET = "tests", "a-secret-that-is-long-enough-for-the-server"


@dataclass(frozen=True)
class Server:
    url: str

    def token(self, identity: str, **attributes: str) -> str:
        """What lets somebody into the room (RFC 7519)."""
        claims = {
            "iss": KEY,
            "sub": identity,
            "exp": int(time.time()) + 600,
            "attributes": {f"turntone.{name}": value for name, value in attributes.items()},
            "video": {"roomJoin": True, "room": "monday", "canUpdateOwnMetadata": True},
        }
        parts = [_coded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
        signature = hmac.new(SECRET.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
        return ".".join([*parts, _coded(signature)])


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    binary = shutil.which("livekit-server")
    if binary is None:
        pytest.skip("LiveKit's server is not installed: no livekit-server on the path")
    port, tcp, udp = _free_port(), _free_port(), _free_port()
    settings = f"""
port: {port}
bind_addresses: [127.0.0.1]
keys: {{{KEY}: {SECRET}}}
rtc: {{tcp_port: {tcp}, udp_port: {udp}, node_ip: 127.0.0.1, use_external_ip: false, enable_loopback_candidate: true}}
"""
    process = subprocess.Popen(
        [binary, "--config-body", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline_s  # noqa: PT018
        yield Server(f"ws://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@asynccontextmanager
async def guest(server: Server, identity: str, **attributes: str):
    """Somebody in the room with a microphone."""
    room, source = rtc.Room(), rtc.AudioSource(48_000, 1)
    await room.connect(server.url, server.token(identity, **attributes))
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)
    try:
        yield room, source
    finally:
        await room.disconnect()
        await source.aclose()


def attendance_of(behind: Turntone, told: list[Participant]) -> Attendance:
    return Attendance(
        gateway=behind.gateway,
        dialogue_id="monday",
        people=People(role="customer", consent=True),
        alone_s=0.2,
        clock=SystemClock(),
        random=Random(1),
        tell=lambda who, what: told.append(who),
    )


def test_everybody_in_a_room_is_a_speaker_but_who_refuses(server):
    async def meeting(behind, told) -> str:
        attendance = attendance_of(behind, told)
        async with guest(server, "anna") as (_, anna), guest(server, "carl", consent="false") as (_, carl):
            attending = asyncio.create_task(attendance.attend(server.url, server.token("turntone")))
            async with guest(server, "ben", role="visitor") as (bens_room, ben):
                await behind.until(lambda: behind.log.figures.read().levels.get("streams") == 2)
                voice = talk(1)[16_000:]
                await asyncio.gather(*(speak(source, voice) for source in (anna, ben, carl)))
                await behind.until(lambda: {who.speaker for who in told} == {"anna", "ben"})
                await bens_room.local_participant.set_attributes({"turntone.consent": "false"})
                await behind.until(lambda: behind.log.figures.read().levels.get("streams") == 1)
        return await attending

    told: list[Participant] = []
    with turntone() as behind:
        assert asyncio.run(meeting(behind, told)) == "everybody has left"
        assert {(one.speaker, one.role, one.consent) for one in behind.media()} == {
            ("anna", "customer", True),
            ("ben", "visitor", True),
        }
        refused = [who for said in behind.announced() for who in said.participants if who.consent is False]
        assert {(who.speaker, who.role) for who in refused} == {("carl", "customer"), ("ben", "visitor")}
        assert max(abs(one.endtime - other.endtime) for one, other in _pairs(behind)) < 2.0


def _pairs(behind: Turntone):
    anna, ben = ([one for one in behind.media() if one.speaker == name] for name in ("anna", "ben"))
    return zip(anna, ben, strict=False)


def test_a_token_the_room_does_not_know_is_one_sentence(server):
    async def join(behind) -> None:
        await attendance_of(behind, []).attend(server.url, "not a token")

    with turntone() as behind, pytest.raises(SourceUnavailable, match="cannot be joined"):
        asyncio.run(join(behind))
