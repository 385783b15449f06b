"""The gateway in a process of its own: everything that cannot be pickled is made in here."""

import logging
from uuid import uuid4

from fastapi import FastAPI

from actors.gateway.cursor import Offsets
from actors.gateway.figures import Exposition, figures_router
from actors.gateway.parts import Parts
from actors.gateway.server import GatewayServer
from actors.gateway.streams.furnish import live_streams
from actors.gateway.told import TOPICS
from engine.clock import SystemClock
from engine.config import Config
from engine.errors import ConfigurationError
from engine.metrics import Figures
from engine.state.redis import RedisStore
from engine.transport.kafka import KafkaTransport, begin_at_end
from engine.transport.kafka_publisher import KafkaPublisher
from engine.transport.kafka_reader import KafkaReader

_TAIL = 4
"""A start reads of each partition this share of what is kept in memory."""


class Gateway:
    """Opened once with a configuration that has the servers' addresses and a token, then served until it is drained."""

    def __init__(self) -> None:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        # The address of a webhook and the id of a dialogue are in what it says of every request.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        self._server: GatewayServer | None = None

    def open(self, config: Config) -> int:
        """Listen, and say on which port. Raises `ConfigurationError` where that is not possible."""
        self._server = _server(config)
        return self._server.port

    def serve(self) -> None:
        """Work until `drain`. Runs in a thread of its own. Raises what stopped it otherwise."""
        if self._server is not None:
            self._server.run()

    def drain(self) -> None:
        """Let `serve` publish what was taken in, tell its subscribers, and return."""
        if self._server is not None:
            self._server.stop()


def _server(config: Config) -> GatewayServer:
    bootstrap, url, settings = config.broker.bootstrap, config.store.url, config.gateway
    if bootstrap is None or url is None:
        raise ConfigurationError("settings broker.bootstrap and store.url: a gateway needs both")
    clock, metrics, policy = SystemClock(), Figures(), config.policy

    def open_reader(offsets: Offsets | None) -> KafkaReader:
        tail = settings.kept_events // _TAIL
        return KafkaReader(bootstrap=bootstrap, topics=TOPICS, from_beginning=True, tail=tail, offsets=offsets)

    def open_member(webhook: str) -> KafkaTransport:
        group = f"{config.broker.group}-webhook-{webhook}"
        begin_at_end(bootstrap=bootstrap, group=group, topics=TOPICS)
        return KafkaTransport(
            bootstrap=bootstrap,
            group=group,
            topics=TOPICS,
            member=uuid4().hex,
            session_timeout_s=config.broker.session_timeout_s,
            read_committed=True,
        )

    def furnish(app: FastAPI, parts: Parts) -> None:
        # Imported where it is used: NiceGUI has one app a process, and only this one serves.
        from actors.page.furnish import furnish_page

        app.include_router(figures_router(lambda: _exposition(config, metrics), guarded=not settings.local))
        app.include_router(live_streams(config, parts))
        furnish_page(app, parts, allowed=sorted(policy.allowed - policy.denied), denied=sorted(policy.denied))

    return GatewayServer(
        settings=settings,
        open_reader=open_reader,
        open_publisher=lambda: KafkaPublisher(bootstrap=bootstrap),
        store=RedisStore.connect(url.get_secret_value()),
        clock=clock,
        metrics=metrics,
        open_member=open_member,
        furnish=furnish,
    )


def _exposition(config: Config, own: Figures) -> Exposition:
    from actors.metrics.page import StackFigures

    return StackFigures(config, also={"gateway": own.read}).exposition
