"""The one sender of a webhook among all gateways of a stack: each event goes to one member of a group."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from threading import Event
from typing import TypeVar

from actors.gateway.lanes import Lanes
from actors.gateway.told import Told, Wanted, tell
from actors.gateway.webhook import Webhook
from engine.errors import LostOwnership, Unavailable
from engine.transport.base import Incoming, Partition, Polled, Transport

OpenMember = Callable[[str], Transport]
"""Joins the group of the webhook of this name; a group that never was begins at the end of the topics."""

_POLL_S = 0.25
_AGAIN_S = 1.0
_MOST = 64
_LANES = 16
_ROOM = 1024

_Answer = TypeVar("_Answer")
_log = logging.getLogger(__name__)


class Sender:
    """Reads as a member of the webhook's group and commits what was delivered or given up, and nothing before that.

    So an event is sent at least once, whoever dies, and by one gateway. An orderly change of owners may repeat what was
    on its way. A slow address holds up nobody: what its lanes have no room for stays in the log.
    """

    def __init__(
        self, *, webhook: Webhook, open_member: OpenMember, wanted: Wanted, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._webhook = webhook
        self._open_member = open_member
        self._wanted = wanted
        self._loop = loop
        self._lanes = Lanes(work=webhook.deliver, lanes=_LANES, room=_ROOM)

    async def deliver(self) -> None:
        """Deliver what `run` reads, until it is cancelled. In the loop, which has to outlive `run`."""
        await self._lanes.run()

    def run(self, stop: Event) -> None:
        """Read until `stop` is set. To be called in a thread of its own."""
        while not stop.is_set():
            try:
                member = self._open_member(self._webhook.name)
                try:
                    self._follow(member, stop)
                finally:
                    member.close()
            except (Unavailable, LostOwnership) as error:
                _log.warning("webhook %s waits: %s", self._webhook.name, error)
                self._in_loop(self._lanes.forget_all)
                stop.wait(_AGAIN_S)

    def _follow(self, member: Transport, stop: Event) -> None:
        owned = frozenset[Partition]()
        while not stop.is_set():
            polled = member.poll(timeout_s=_POLL_S, most=_MOST)
            owned = owned - polled.revoked - polled.lost | polled.assigned
            done, full = self._in_loop(partial(self._turn, polled))
            if done:
                member.commit(done)
            (member.pause if full else member.resume)(owned)
        if done := self._in_loop(self._lanes.done):
            member.commit(done)

    def _turn(self, polled: Polled) -> tuple[Mapping[Partition, int], bool]:
        """What may be committed, and whether there is no more room."""
        self._lanes.forget(polled.lost)
        done = self._lanes.done()
        self._lanes.forget(polled.revoked)
        for record in polled.records:
            position = record.position
            self._lanes.take((position.topic, position.partition), position.offset, self._told(record))
        return done, self._lanes.full

    def _told(self, record: Incoming) -> Told | None:
        place = record.position.topic, record.position.partition
        told = tell(record, {place: record.position.offset + 1})
        return told if told is not None and told in self._wanted else None

    def _in_loop(self, call: Callable[[], _Answer]) -> _Answer:
        async def called() -> _Answer:
            return call()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result()
