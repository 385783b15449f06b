"""Following a feed for one page: what is shown is always the state as it stands, however many events came at once."""

import asyncio
from collections.abc import Callable

from actors.gateway.feed import Feed
from actors.gateway.subscription import Ended
from actors.gateway.told import Wanted
from engine.errors import Unavailable

_SILENT_S = 60.0
_AGAIN_S = 2.0


async def watch(feed: Feed, wanted: Wanted, show: Callable[[], None], *, breath_s: float) -> None:
    """Call `show` now and after every batch of events, until the feed closes.

    breath_s: the least time between two calls; what comes meanwhile is shown by the next one.
    """
    while True:
        try:
            subscription = await feed.subscribe(wanted)
        except Unavailable:
            await asyncio.sleep(_AGAIN_S)
            continue
        try:
            show()
            while True:
                if await subscription.read(timeout_s=_SILENT_S):
                    show()
                    await asyncio.sleep(breath_s)
        except Ended as ended:
            if ended.reason == "closing":
                return
        finally:
            subscription.close()
