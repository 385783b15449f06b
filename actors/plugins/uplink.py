"""One person's sound on its way into `/v1/streams` of a gateway, for as long as there is any."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Annotated

from pydantic import Field, SecretStr, TypeAdapter, ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from actors.gateway.streams.messages import Ended, Failed, Segmented, Start, Started, Stop, Told, Warned
from actors.plugins.steady import LATE_S, Steady
from actors.plugins.waiting import Waiting
from engine.clock import Clock
from engine.errors import ConfigurationError, TurntoneError, Unavailable
from engine.ingest.reconnect import Backoff

_ROOM_S = 10
"""Sound that may wait while a connection is slow."""
_FRESH_S = 2
"""Sound that is still live when a connection is new; what is older is dropped."""
_PAUSE_S = 30.0
"""Without sound for so long the stream is ended; the next sound begins another."""
_SAMPLE_BYTES = 2
_HOPELESS = frozenset({"unauthorized", "malformed", "order", "binary", "format", "bad-media", "too-big"})
"""Refusals that trying again does not help."""
_TOLD: TypeAdapter[Told] = TypeAdapter(Annotated[Told, Field(discriminator="type")])

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where a gateway is, and a token with the scopes `segments:write` and, to hear of turns, `events:read`."""

    url: str
    token: SecretStr

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"authorization": f"Bearer {self.token.get_secret_value()}"}


class NotTaken(TurntoneError):
    """The gateway refused a stream, and would refuse it again."""


class Uplink:
    """Sends 16-bit samples as they come, and begins anew where a connection is lost. Belongs to one event loop.

    Args:
        gateway: where to.
        start: whose sound it is and how it is coded: `s16le`.
        clock: what late sound is told by.
        backoff: the pauses between attempts.
        random: their jitter.
        tell: hears of every utterance that is published.

    Raises `ConfigurationError` for another format.
    """

    def __init__(
        self,
        *,
        gateway: Gateway,
        start: Start,
        clock: Clock,
        backoff: Backoff,
        random: Random,
        tell: Callable[[Segmented], None],
    ) -> None:
        if start.format != "s16le":
            raise ConfigurationError(f"samples are sent as s16le, not as {start.format}")
        self._gateway = gateway
        self._start = start
        self._clock = clock
        self._backoff = backoff
        self._random = random
        self._tell = tell
        self._frame_bytes = _SAMPLE_BYTES * start.channels
        self._second_bytes = start.samples_hz * self._frame_bytes
        self._waiting = Waiting(room_bytes=_ROOM_S * self._second_bytes, frame_bytes=self._frame_bytes)
        self._failed = 0

    @property
    def dropped_s(self) -> float:
        """Sound that could not be sent while it was new."""
        return self._waiting.dropped_bytes / self._second_bytes

    def put(self, samples: bytes) -> None:
        """Take the next samples, whole frames; never waits."""
        self._waiting.put(samples)

    def end(self) -> None:
        """Nothing more comes: `run` sends what there is, and returns."""
        self._waiting.end()

    async def run(self) -> None:
        """Send until `end`; what was heard is published then.

        Raises `NotTaken`, and `Unavailable` where the attempts run out or the gateway is away at the end.
        """
        while await self._waiting.come():
            try:
                await self._stream()
            except Unavailable as error:
                self._failed += 1
                if self._waiting.over or self._backoff.exhausted(self._failed):
                    raise
                if self._failed == 1:
                    _log.warning("%s; it is tried again", error)
                await self._waiting.ended(within_s=self._backoff.wait_s(self._failed, self._random))

    async def _stream(self) -> None:
        """One connection, to its end in order. Raises `NotTaken` and `Unavailable`."""
        async with self._connected() as socket:
            sending = asyncio.create_task(self._send(socket))
            try:
                async for message in socket:
                    if isinstance(self._heard(message), Ended):
                        return
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        raise Unavailable(f"the gateway at {self._gateway.url} closed the stream before its end")

    def _heard(self, message: str | bytes) -> Told:
        try:
            told = _TOLD.validate_json(message)
        except ValidationError as error:
            raise NotTaken(f"what answers at {self._gateway.url} is no gateway of this version") from error
        if isinstance(told, Failed):
            said = f"the gateway at {self._gateway.url} ended a stream of {self._start.dialogue_id}: {told.message}"
            raise NotTaken(said) if told.code in _HOPELESS else Unavailable(said)
        if isinstance(told, Started):
            self._failed = 0
        elif isinstance(told, Warned):
            _log.warning("stream of %s: %s", self._start.dialogue_id, told.message)
        elif isinstance(told, Segmented):
            self._tell(told)
        return told

    async def _send(self, socket: ClientConnection) -> None:
        self._waiting.keep(_FRESH_S * self._second_bytes)
        await socket.send(self._start.model_dump_json(exclude_none=True))
        steady = Steady(rate_hz=self._start.samples_hz, frame_bytes=self._frame_bytes, clock=self._clock)
        heard_s = self._clock.monotonic_s()
        while True:
            samples = await self._waiting.take(self._second_bytes, within_s=LATE_S)
            while silence := steady.silence():
                await socket.send(silence)
            if samples:
                heard_s = self._clock.monotonic_s()
                await socket.send(steady.give(samples))
            elif self._waiting.over or self._clock.monotonic_s() - heard_s > _PAUSE_S:
                break
        await socket.send(Stop(type="stop").model_dump_json())

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[ClientConnection]:
        url = f"ws{self._gateway.url.removeprefix('http').rstrip('/')}/v1/streams"
        try:
            async with connect(url, additional_headers=self._gateway.headers, proxy=None) as socket:
                yield socket
        except InvalidURI as error:
            raise ConfigurationError(f"{self._gateway.url} is no address of a gateway: http://HOST:PORT") from error
        except (OSError, TimeoutError, InvalidHandshake) as error:
            raise Unavailable(f"no gateway answers at {self._gateway.url}: {error}") from error
        except ConnectionClosed as error:
            raise Unavailable(f"the connection to the gateway at {self._gateway.url} was lost") from error
