"""A room that is listened to: who comes, who speaks, who refuses, who goes."""

import asyncio
import logging
from collections.abc import Callable
from random import Random

from livekit import rtc

from actors.client import Client
from actors.gateway.streams.messages import Segmented, Start
from actors.plugins.livekit.people import CONSENT, ROLE, People, is_person, is_voice
from actors.plugins.livekit.voice import RATE_HZ, carry
from actors.plugins.uplink import Gateway, Uplink
from engine.clock import Clock
from engine.errors import SourceUnavailable, TurntoneError
from engine.ingest.reconnect import Backoff
from schemas.segment import Participant

_LAST_WORDS_S = 10.0
"""What was said last is given so long to be published."""

_log = logging.getLogger(__name__)


class Attendance:
    """Listens to everybody in a room, each as a speaker of one dialogue. Belongs to one event loop.

    Somebody who refuses (consent `false`) is not listened to: their track is not even subscribed, and the engine is
    told, so that it erases what it knew of them. Changed attributes count from then on.

    Args:
        gateway: where to.
        dialogue_id: the conversation.
        people: what is known of participants.
        alone_s: how long to stay when everybody has left.
        clock, random: see `Uplink`.
        tell: hears of every utterance that is published, and whose it is.
    """

    def __init__(
        self,
        *,
        gateway: Gateway,
        dialogue_id: str,
        people: People,
        alone_s: float,
        clock: Clock,
        random: Random,
        tell: Callable[[Participant, Segmented], None],
    ) -> None:
        self._room = rtc.Room()
        self._gateway = gateway
        self._dialogue_id = dialogue_id
        self._people = people
        self._alone_s = alone_s
        self._clock = clock
        self._random = random
        self._tell = tell
        self._voices: dict[str, asyncio.Task[None]] = {}
        self._words: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()
        self._going: asyncio.TimerHandle | None = None
        self._why = ""

    async def attend(self, url: str, token: str) -> str:
        """Join, and listen until `leave`, until the room closes or everybody has gone; returns why.

        Raises `SourceUnavailable` where the room cannot be joined.
        """
        room = self._room
        room.on("track_published", self._published)
        room.on("track_subscribed", self._subscribed)
        room.on("track_unsubscribed", self._unsubscribed)
        room.on("participant_attributes_changed", self._changed)
        room.on("participant_connected", self._came)
        room.on("participant_disconnected", self._went)
        room.on("disconnected", self._closed)
        try:
            await room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
        except rtc.ConnectError as error:
            raise SourceUnavailable(f"the room at {url} cannot be joined: {error.message}") from error
        try:
            for participant in room.remote_participants.values():
                self._came(participant)
                for publication in participant.track_publications.values():
                    self._published(publication, participant)
            await self._left.wait()
        finally:
            await self._finish()
        return self._why

    def leave(self, why: str = "asked to") -> None:
        """`attend` publishes what was heard, and returns; the first reason counts."""
        self._why = self._why or why
        self._left.set()

    def _came(self, participant: rtc.RemoteParticipant) -> None:
        if self._going is not None and is_person(participant):
            self._going.cancel()
        who = self._people.known(participant)
        if who.consent is False and is_person(participant):
            self._announce(who)

    def _went(self, participant: rtc.RemoteParticipant) -> None:
        if not any(is_person(one) for one in self._room.remote_participants.values()):
            loop = asyncio.get_running_loop()
            self._going = loop.call_later(self._alone_s, self.leave, "everybody has left")

    def _closed(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self.leave(f"the room says {rtc.DisconnectReason.Name(reason)}")

    def _published(self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        if is_person(participant) and is_voice(publication):
            publication.set_subscribed(self._people.known(participant).consent is not False)

    def _subscribed(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        who = self._people.known(participant)
        self._voices[publication.sid] = asyncio.create_task(self._listen(track, who))

    def _unsubscribed(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        self._stop(publication.sid)

    def _changed(self, changed: dict[str, str], participant: rtc.RemoteParticipant) -> None:
        if not is_person(participant) or not {ROLE, CONSENT} & set(changed):
            return
        who = self._people.known(participant)
        if who.consent is False:
            self._announce(who)
        for publication in participant.track_publications.values():
            if is_voice(publication):
                self._stop(publication.sid)
                self._published(publication, participant)
                if publication.track is not None and who.consent is not False:
                    self._subscribed(publication.track, publication, participant)

    def _stop(self, sid: str) -> None:
        voice = self._voices.pop(sid, None)
        if voice is not None:
            voice.cancel()
            self._words.add(voice)
            voice.add_done_callback(self._words.discard)

    async def _listen(self, track: rtc.Track, who: Participant) -> None:
        start = Start(
            type="start",
            dialogue_id=self._dialogue_id,
            format="s16le",
            rate_hz=RATE_HZ,
            speaker=who.speaker,
            role=who.role,
            consent=who.consent,
        )
        uplink = Uplink(
            gateway=self._gateway,
            start=start,
            clock=self._clock,
            backoff=Backoff(attempts=None),
            random=self._random,
            tell=lambda told: self._tell(who, told),
        )
        try:
            await carry(track, uplink)
        except TurntoneError as error:
            # No name: a log is read by others than those who may hear the call.
            _log.error("dialogue %s: somebody is not listened to any more: %s", self._dialogue_id, error)

    def _announce(self, who: Participant) -> None:
        word = asyncio.create_task(asyncio.to_thread(self._say_who, who))
        self._words.add(word)
        word.add_done_callback(self._words.discard)

    def _say_who(self, who: Participant) -> None:
        try:
            with Client(self._gateway.url, token=self._gateway.token.get_secret_value()) as client:
                client.start(self._dialogue_id, participants=[who])
        except TurntoneError as error:
            _log.error(
                "dialogue %s: who refused is not listened to, but the engine could not be told to erase them: %s",
                *(self._dialogue_id, error),
            )

    async def _finish(self) -> None:
        if self._going is not None:
            self._going.cancel()
        for sid in list(self._voices):
            self._stop(sid)
        if self._words:
            _, late = await asyncio.wait(self._words, timeout=_LAST_WORDS_S)
            for word in late:
                word.cancel()
        await self._room.disconnect()
