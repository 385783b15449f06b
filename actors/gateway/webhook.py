"""One webhook: events sent to an address, at least once and in the order of each dialogue."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

import httpx2

from actors.gateway.cursor import read_cursor
from actors.gateway.feed import Feed
from actors.gateway.lanes import Lanes
from actors.gateway.place import Place
from actors.gateway.signature import signed
from actors.gateway.subscription import Ended, Subscription
from actors.gateway.told import Told, Wanted
from engine.clock import Clock
from engine.errors import Unavailable
from engine.metrics import Metrics
from schemas.cloudevents import JSON

_LANES = 16
_LANE_ROOM = 64
_LOOK_S = 1.0
_SHORTEST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where events go, which, and how often it is tried.

    key: signs what is sent.
    """

    name: str
    url: str
    key: bytes
    wanted: Wanted
    attempts: int


class Webhook:
    """Follows the feed and holds up nobody: a slow address reads behind, from memory and then from the log.

    place: where it goes on after a restart. It is the place up to which everything was delivered or given up, so what
    was on its way is sent again.
    """

    def __init__(
        self,
        *,
        address: Address,
        feed: Feed,
        http: httpx2.AsyncClient,
        place: Place,
        clock: Clock,
        metrics: Metrics,
        random: Random,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._address = address
        self._feed = feed
        self._http = http
        self._place = place
        self._clock = clock
        self._metrics = metrics
        self._random = random
        self._wait = wait
        self._lanes = Lanes(work=self._deliver, lanes=_LANES, room=_LANE_ROOM)

    async def run(self) -> None:
        """Send until the feed closes, or it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(self._lanes.run())
            await self._follow()
            working.cancel()

    async def _follow(self) -> None:
        await self._feed.wait_ready()
        after = self._place.read()
        while True:
            try:
                subscription = await self._feed.subscribe(self._address.wanted, after=after)
                try:
                    await self._take(subscription)
                finally:
                    after = read_cursor(subscription.position)
                    subscription.close()
            except Ended as ended:
                if ended.reason == "closing":
                    return
            except Unavailable as error:
                _log.warning("webhook %s waits: %s", self._address.name, error)
                await self._wait(_LOOK_S)

    async def _take(self, subscription: Subscription) -> None:
        while True:
            self._place.keep(self._lanes.done(subscription.position))
            for told in await subscription.read(timeout_s=_LOOK_S):
                await self._lanes.take(told)

    async def _deliver(self, told: Told) -> None:
        address, reason = self._address, ""
        for attempt in range(address.attempts):
            if attempt:
                wait_s = min(_SHORTEST_WAIT_S * 2 ** (attempt - 1), _LONGEST_WAIT_S)
                await self._wait(wait_s * self._random.uniform(0.5, 1.0))
            try:
                reason = await self._post(told)
            except httpx2.HTTPError as error:
                reason = type(error).__name__
            if not reason:
                self._metrics.count("webhook_delivered")
                return
            self._metrics.count("webhook_failed")
        self._metrics.count("webhook_given_up")
        _log.error("webhook %s: %s given up after %d attempts (%s)", address.name, told.id, address.attempts, reason)

    async def _post(self, told: Told) -> str:
        """What was wrong; nothing if it was taken."""
        attributes = {
            name.replace("_", "-"): raw.decode() for name, raw in told.headers if name[:3] == "ce_" and raw.isascii()
        }
        # A worker that was replaced may publish an event twice: it has one id, and so has what is sent.
        id = attributes.get("ce-id", told.id)
        proof = signed(self._address.key, id=id, time_s=self._clock.wall_s(), body=told.value)
        headers = {"content-type": JSON, **attributes, **proof}
        async with self._http.stream("POST", self._address.url, content=told.value, headers=headers) as answer:
            return "" if answer.is_success else f"status {answer.status_code}"
