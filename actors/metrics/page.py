"""The figures of a running stack put together, and their page on a port of its own."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from prometheus_client import start_http_server

from actors.metrics.drift import LabelDrift
from actors.metrics.exporter import Exporter
from actors.metrics.stability import Stability
from actors.metrics.workers import worker_readings
from engine.artifact import find, model_id_of
from engine.clock import SystemClock
from engine.config import Config
from engine.errors import ConfigurationError, TransportUnavailable
from engine.metrics import Reading
from engine.state.redis import RedisStore
from engine.transport.base import Partition
from engine.transport.kafka_lag import KafkaLag
from schemas.topics import SEGMENTS

MOST_DIALOGUES: Final = 10_000
"""More open dialogues than this are not counted: each costs a look into its record."""
_SOON_S: Final = 60.0
"""Clocks of two machines are not further apart."""


class StackFigures:
    """The exporter of the stack a configuration names, in any process of its Ray job.

    config: with the addresses of broker and store. also: figures of parts that are no workers, by their names.
    Raises `ConfigurationError` where an address is missing.
    """

    def __init__(self, config: Config, *, also: Mapping[str, Callable[[], Reading]] | None = None) -> None:
        # Made here and not by the engine's root, which brings torch along: the gateway has this in its process.
        bootstrap, url = config.broker.bootstrap, config.store.url
        if bootstrap is None or url is None:
            raise ConfigurationError("settings broker.bootstrap and store.url: figures need both")
        self._bootstrap, self._group = bootstrap, config.broker.group
        self._clock = SystemClock()
        self._store = RedisStore.connect(url.get_secret_value())
        self._lag: KafkaLag | None = None
        folder = find(config.model.checkpoint)
        identity = model_id_of(folder)
        self.exporter = Exporter(
            readings=worker_readings,
            also=also or {},
            lag=self._read_lag,
            open_dialogues=self._count_dialogues,
            drift=LabelDrift(
                expected={str(label): share for label, share in config.metrics.expected.items()},
                turns=config.metrics.drift_turns,
            ),
            stability=Stability.of(folder, model_id=identity, turns=config.metrics.drift_turns),
            workers=config.workers.count,
            model_id=identity,
        )

    def exposition(self) -> bytes:
        """The page in Prometheus' text format. Blocks for what it asks; may be called from any thread."""
        return self.exporter.exposition()

    def close(self) -> None:
        """Free the clients."""
        self._store.close()
        if self._lag is not None:
            self._lag.close()
            self._lag = None

    def _read_lag(self) -> Mapping[Partition, int]:
        if self._lag is None:
            self._lag = KafkaLag(bootstrap=self._bootstrap, group=self._group, topics=[SEGMENTS])
        try:
            return self._lag.read()
        except TransportUnavailable:
            self._lag.close()
            self._lag = None
            raise

    def _count_dialogues(self) -> int:
        soon_s = self._clock.wall_s() + _SOON_S
        return len(self._store.open_dialogues(updated_before_s=soon_s, most=MOST_DIALOGUES))


class MetricsPage:
    """`/metrics` on a port, as a context manager. Port 0 takes a free one. Raises `ConfigurationError` if it is taken.

    Whoever reaches the port may read it: it holds figures, and nothing of anybody.
    """

    def __init__(self, config: Config, *, port: int) -> None:
        self._config = config
        self.port = port

    def __enter__(self) -> Self:
        host = self._config.metrics.host
        with ExitStack() as opened:
            figures = StackFigures(self._config)
            opened.callback(figures.close)
            try:
                server, thread = start_http_server(self.port, host, figures.exporter.registry)
            except OSError as error:
                raise ConfigurationError(
                    f"setting metrics.port: {host}:{self.port} cannot be listened on ({error.strerror}): choose another"
                ) from error
            opened.callback(thread.join)
            opened.callback(server.server_close)
            opened.callback(server.shutdown)
            self.port = server.server_port
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()
