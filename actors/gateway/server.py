"""The gateway from its parts to its socket: what runs beside the app is started and stopped here, in order."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from random import Random
from threading import Event

import httpx2
import uvicorn
from fastapi import FastAPI

from actors.gateway.app import create_app
from actors.gateway.conversations import Conversations
from actors.gateway.feed import Feed
from actors.gateway.limits import RateLimit, Room
from actors.gateway.listening import listening
from actors.gateway.outbound import OpenPublisher, Outbound
from actors.gateway.parts import Parts
from actors.gateway.past import OpenReader
from actors.gateway.pump import Pump
from actors.gateway.sender import OpenMember, Sender
from actors.gateway.signature import secret_key
from actors.gateway.streams.limits import StreamLimits
from actors.gateway.tokens import SCOPES, Access, Tokens
from actors.gateway.told import Wanted
from actors.gateway.webhook import Address, Webhook
from engine.clock import Clock
from engine.config import GatewaySettings
from engine.metrics import Metrics
from engine.state.base import Store
from schemas.topics import MIB

OWNER = "owner"
"""Name of the one token that has every scope."""
_LAST_WORDS_S = 3
_WS_MESSAGE_BYTES = 2 * StreamLimits().message_bytes_most
"""Refused as it comes, and without a word. What is only a little too large is let in, so that its sender hears why."""


class GatewayServer:
    """One gateway. `run` blocks; `stop` may be called from another thread.

    settings: with a token. open_reader, open_publisher, store: the stack it is the door of.
    open_member: joins the group of a webhook, of which every event goes to one gateway.
    furnish: adds to the app what is not of the gateway's own.
    """

    def __init__(
        self,
        *,
        settings: GatewaySettings,
        open_reader: OpenReader,
        open_publisher: OpenPublisher,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        open_member: OpenMember,
        furnish: Callable[[FastAPI, Parts], None],
    ) -> None:
        self._settings = settings
        self._open_reader = open_reader
        self._open_publisher = open_publisher
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._open_member = open_member
        self._furnish = furnish
        self._leaving = Event()
        self._leave: Callable[[], object] = self._leaving.set
        self._socket = listening(settings.host, settings.port)
        self.port: int = self._socket.getsockname()[1]

    def run(self) -> None:
        """Serve until `stop`. Raises what stopped it otherwise."""
        asyncio.run(self._run())

    def stop(self) -> None:
        """Tell every subscriber that it is over, publish what was taken in, and return from `run`."""
        self._leave()

    async def _run(self) -> None:
        loop, settings, stop = asyncio.get_running_loop(), self._settings, Event()
        feed = Feed(
            conversations=Conversations(room=settings.kept_turns),
            open_reader=self._open_reader,
            room=settings.kept_events,
            subscribers=settings.subscribers,
        )
        pump = Pump(open_reader=self._open_reader, feed=feed, loop=loop)
        outbound = Outbound(open_publisher=self._open_publisher)
        parts = Parts(
            tokens=Tokens(known_tokens(settings)),
            rate=RateLimit(per_s=settings.requests_per_s, burst=settings.burst, clock=self._clock),
            room=Room(most_bytes=settings.buffer_mib * MIB),
            feed=feed,
            outbound=outbound,
            store=self._store,
            clock=self._clock,
            metrics=self._metrics,
            most_bytes=settings.most_bytes,
            heartbeat_s=settings.heartbeat_s,
            reading=lambda: pump.reading,
        )
        app = create_app(parts)
        self._furnish(app, parts)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_LAST_WORDS_S,
                ws_max_size=_WS_MESSAGE_BYTES,
                ws_ping_timeout=StreamLimits().pong_s,
            )
        )

        def leave() -> None:
            feed.close()
            server.should_exit = True

        self._leave = lambda: loop.call_soon_threadsafe(leave)
        if self._leaving.is_set():
            leave()
        async with AsyncExitStack() as opened:
            opened.push_async_callback(asyncio.to_thread, outbound.close)
            senders = await self._senders(loop, opened)
            threads = opened.enter_context(ThreadPoolExecutor(max_workers=1 + len(senders), thread_name_prefix="read"))
            readers: list[Pump | Sender] = [pump, *senders]
            reading = [loop.run_in_executor(threads, one.run, stop) for one in readers]
            sending = [asyncio.ensure_future(one.deliver()) for one in senders]
            # Without one of these the gateway is not what it says it is: whoever runs it starts another.
            for work in (*reading, *sending):
                work.add_done_callback(lambda _: leave())
            try:
                await server.serve(sockets=[self._socket])
            finally:
                stop.set()
                feed.close()
                for work in sending:
                    # What could not be delivered yet is not committed: whoever has its partition next delivers it.
                    work.cancel()
                await asyncio.gather(*reading, _all_but_cancelled(sending))

    async def _senders(self, loop: asyncio.AbstractEventLoop, opened: AsyncExitStack) -> Sequence[Sender]:
        return [
            Sender(
                webhook=Webhook(
                    address=Address(
                        name=one.name,
                        url=one.url,
                        key=secret_key(one.secret.get_secret_value()),
                        attempts=one.attempts,
                    ),
                    http=await opened.enter_async_context(httpx2.AsyncClient(timeout=one.timeout_s, trust_env=False)),
                    clock=self._clock,
                    metrics=self._metrics,
                    random=Random(),  # noqa: S311 - jitter, nothing secret
                ),
                open_member=self._open_member,
                wanted=Wanted(one.kinds, one.dialogues, one.speakers, one.labels),
                loop=loop,
            )
            for one in self._settings.webhooks
        ]


def known_tokens(settings: GatewaySettings) -> list[tuple[str, Access]]:
    """The tokens of the configuration and what they allow."""
    known = [(one.secret.get_secret_value(), Access(one.name, one.scopes)) for one in settings.tokens]
    if settings.token is not None:
        known.append((settings.token.get_secret_value(), Access(OWNER, SCOPES)))
    return known


async def _all_but_cancelled(works: Sequence["asyncio.Future[None]"]) -> None:
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
