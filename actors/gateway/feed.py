"""What is going on, for everyone who listens in this process: server-sent events, webhooks, the page."""

import asyncio
from collections.abc import Sequence

from actors.gateway.conversations import Conversations
from actors.gateway.cursor import Offsets
from actors.gateway.past import OpenReader, Past
from actors.gateway.ring import Ring
from actors.gateway.subscription import Subscription
from actors.gateway.told import EVERYTHING, Told, Wanted
from engine.errors import TransportUnavailable, Unavailable

_PATIENCE_S = 10.0
"""How long a subscriber waits for others to have read what is past."""


class Feed:
    """Turns, dialogues and alerts as they come. Used from one event loop; `hear` is called there by the one reader.

    room: events that are kept in memory, and how far a subscriber may fall behind.
    subscribers: that many at once.
    catching_up: that many of them may read what is past from the log at once.
    """

    def __init__(
        self,
        *,
        conversations: Conversations,
        open_reader: OpenReader,
        room: int,
        subscribers: int,
        catching_up: int = 4,
    ) -> None:
        self.conversations = conversations
        """The dialogues as they stand now."""
        self.listening = 0
        """How many subscribers there are."""
        self._caught_up = asyncio.Event()
        self._ring = Ring(room=room)
        self._open_reader = open_reader
        self._subscribers = subscribers
        self._past = asyncio.Semaphore(catching_up)

    def begin(self, offsets: Offsets) -> None:
        """Nothing has been heard yet, and the first event comes from there."""
        self._ring.begin(offsets)

    def hear(self, batch: Sequence[Told]) -> None:
        """Take in what was read."""
        for told in batch:
            self.conversations.hear(told)
        self._ring.add(batch)

    @property
    def ready(self) -> bool:
        """Whether everything that was there at the start has been heard."""
        return self._caught_up.is_set()

    def catch_up(self) -> None:
        """Everything that was there at the start has been heard."""
        self._caught_up.set()

    async def wait_ready(self) -> None:
        """Return when everything that was there at the start has been heard."""
        await self._caught_up.wait()

    async def subscribe(self, wanted: Wanted = EVERYTHING, *, after: Offsets | None = None) -> Subscription:
        """Listen from now on, or from where `after` says; the caller closes the subscription.

        after: a cursor. Whatever it does not name is told from its beginning, so `{}` is everything that is kept.
        Raises `Unavailable` where too many listen already.
        """
        if self.listening >= self._subscribers:
            raise Unavailable(f"{self._subscribers} subscribers listen already")
        if after is None:
            return self._enter(wanted, offsets=self._ring.at, past=None, gap=False)
        asked = {place: after.get(place, 0) for place in self._ring.at}
        floor, at = self._ring.floor, self._ring.at
        if all(floor.get(place, 0) <= offset <= at[place] for place, offset in asked.items()):
            return self._enter(wanted, offsets=asked, past=None, gap=False)
        past = await self._reading_past()
        try:
            begins = await past.open(asked)
        except BaseException:
            past.close()
            raise
        gap = any(begins[place] != offset for place, offset in asked.items() if place in after)
        return self._enter(wanted, offsets=begins, past=past, gap=gap)

    def close(self) -> None:
        """End all subscriptions."""
        self._ring.close()

    def _enter(self, wanted: Wanted, *, offsets: Offsets, past: Past | None, gap: bool) -> Subscription:
        self.listening += 1
        return Subscription(ring=self._ring, wanted=wanted, offsets=offsets, past=past, gap=gap, left=self._leave)

    def _leave(self) -> None:
        self.listening -= 1

    async def _reading_past(self) -> Past:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._past.acquire()
        except TimeoutError:
            raise TransportUnavailable("too many subscribers read what is past; come again") from None
        return Past(open_reader=self._open_reader, closed=self._past.release)
