"""One webhook: an event sent to an address, signed, again and again until it is taken or given up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

import httpx2

from actors.gateway.signature import signed
from actors.gateway.told import Told
from engine.clock import Clock
from engine.metrics import Metrics
from schemas.cloudevents import JSON

_SHORTEST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where events go, and how often it is tried.

    key: signs what is sent.
    """

    name: str
    url: str
    key: bytes
    attempts: int


class Webhook:
    """One address and how it is told; who calls `deliver` sees to the order."""

    def __init__(
        self,
        *,
        address: Address,
        http: httpx2.AsyncClient,
        clock: Clock,
        metrics: Metrics,
        random: Random,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._address = address
        self._http = http
        self._clock = clock
        self._metrics = metrics
        self._random = random
        self._wait = wait

    @property
    def name(self) -> str:
        """Of the address."""
        return self._address.name

    async def deliver(self, told: Told) -> None:
        """Send one event until it is taken, or given up."""
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
        _log.error(
            "webhook %s: %s given up after %d attempts (%s)", address.name, _name(told), address.attempts, reason
        )

    async def _post(self, told: Told) -> str:
        """What was wrong; nothing if it was taken."""
        attributes = {
            name.replace("_", "-"): raw.decode() for name, raw in told.headers if name[:3] == "ce_" and raw.isascii()
        }
        # A worker that was replaced may publish an event twice: it has one id, and so has what is sent.
        id = attributes.get("ce-id", _name(told))
        proof = signed(self._address.key, id=id, time_s=self._clock.wall_s(), body=told.value)
        headers = {"content-type": JSON, **attributes, **proof}
        async with self._http.stream("POST", self._address.url, content=told.value, headers=headers) as answer:
            return "" if answer.is_success else f"status {answer.status_code}"


def _name(told: Told) -> str:
    """The record's own place, the same whoever reads it."""
    return f"{told.place[0]}/{told.place[1]}/{told.offset}"
