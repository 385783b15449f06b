"""The one who starts everything, keeps it running, and stops it in order: servers, models, workers, timers."""

import logging
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from queue import Empty, Queue
from threading import Event, Thread
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from actors.crew import Crew
from actors.embedded.stack import EmbeddedStack
from actors.gateway.keeping import Keeper
from actors.idle import IdleTimer
from actors.metrics.page import MetricsPage
from actors.progress import Progress, Step, starting, unseen
from actors.ray_cluster import deploy_models, hire, open_door, start_ray, stop_ray
from actors.scaling import Scaling
from engine.artifact import find, model_id_of
from engine.clock import SystemClock
from engine.config import Config
from engine.errors import PublishFailed, TransportUnavailable, Unavailable
from engine.metrics import Reading
from engine.state.redis import RedisStore
from engine.transport.kafka_lag import KafkaLag
from engine.transport.kafka_publisher import KafkaPublisher
from schemas.topics import SEGMENTS

WARM_S = 300.0
DRAIN_S = 30.0
GATEWAY_DRAIN_S = 10.0
LOOK_S = 0.25
LONGEST_WAIT_S = 30.0
"""Between two tries to start a server again that does not start."""
BREATH_S = 0.05
TICK_S = 5.0
EMBEDDED_SESSION_S = 3.0
"""The embedded broker allows a short session, so that a member that is gone for good is missed soon."""

_log = logging.getLogger(__name__)


class Supervisor:
    """A running Turntone, as a context manager: entered when everything answers, left when everything has drained.

    config: servers without an address are started here, in `config.data`.
    progress: hears of every part that starts, stops or is started again; called from several threads.
    gateway: whether there is one.
    """

    def __init__(self, *, config: Config, progress: Progress = unseen, gateway: bool = False) -> None:
        self.config = config
        """With the addresses of all servers, once started."""
        self._progress = progress
        self._clock = SystemClock()
        self._stack = EmbeddedStack(
            config.data,
            partitions=config.broker.partitions,
            bootstrap=config.broker.bootstrap,
            store_url=config.store.url.get_secret_value() if config.store.url else None,
            progress=progress,
        )
        self._crew = Crew(
            hire=lambda: hire(config),
            slots=[f"worker-{number}" for number in range(config.workers.count)],
            standby=config.workers.standby,
            clock=self._clock,
            progress=progress,
        )
        self._keeper = Keeper(hire=open_door, clock=self._clock, progress=progress) if gateway else None
        self._pages = ExitStack()
        self._models = True
        self._stop = Event()
        self._failed: Queue[Exception] = Queue()
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Start the parts side by side. If one fails, everything is stopped again and its error is raised."""
        self.model_id = model_id_of(find(self.config.model.checkpoint))
        self._stack.claim()
        try:
            with interruptible():
                self._start_parts()
        except BaseException:
            self.stop()
            raise
        for work in (self._keep_servers, self._keep_workers, self._keep_gateway, self._keep_size, self._keep_time):
            thread = Thread(target=work, name=work.__name__, daemon=True)
            thread.start()
            self._threads.append(thread)

    def wait(self, *, timeout_s: float | None = None) -> None:
        """Return after `timeout_s`; raise what only a person can put right as soon as it happens."""
        with suppress(Empty):
            raise self._failed.get(timeout=timeout_s)

    def stop(self) -> None:
        """Drain the workers, then stop the servers; safe to call twice."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._pages.close()
        if self._keeper is not None:
            self._keeper.drain(timeout_s=GATEWAY_DRAIN_S)
        self._progress(Step("workers", "stopping"))
        self._crew.drain(timeout_s=DRAIN_S)
        stop_ray(models=self._models)
        self._progress(Step("workers", "stopped"))
        self._stack.stop()

    def reading(self) -> Reading:
        """The figures of all workers together."""
        return self._crew.reading()

    def pids(self) -> dict[str, int]:
        """The process of each worker, by slot."""
        return self._crew.pids()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_parts(self) -> None:
        with ThreadPoolExecutor(max_workers=1) as threads:
            servers = threads.submit(self._stack.start)
            with starting("ray", self._progress):
                start_ray(gpus=self.config.model.num_gpus)
            if servers.done():
                servers.result()
            self._crew.hire()
            if self._keeper is not None:
                self._keeper.hire()
            with starting("models", self._progress):
                self._models = deploy_models(self.config)
            servers.result()
        self.config = self._addressed()
        if self._keeper is not None:
            self.config = self._keeper.begin(self.config, warm_s=WARM_S)
        self._crew.begin(self.config, warm_s=WARM_S)
        if self.config.metrics.port is not None:
            page = self._pages.enter_context(MetricsPage(self.config, port=self.config.metrics.port))
            metrics = self.config.metrics.model_copy(update={"port": page.port})
            self.config = self.config.model_copy(update={"metrics": metrics})

    def _addressed(self) -> Config:
        broker: dict[str, str | float] = {"bootstrap": self._stack.bootstrap}
        if self._stack.kafka is not None:
            broker["session_timeout_s"] = min(self.config.broker.session_timeout_s, EMBEDDED_SESSION_S)
        store = {"url": SecretStr(self._stack.store_url)}
        return self.config.model_copy(
            update={
                "broker": self.config.broker.model_copy(update=broker),
                "store": self.config.store.model_copy(update=store),
            }
        )

    def _keep_servers(self) -> None:
        with self._fatal():
            wait_s = LOOK_S
            while not self._stop.wait(wait_s):
                try:
                    self._stack.look_after()
                    wait_s = LOOK_S
                except Unavailable as error:
                    wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                    _log.warning("a server will be started again in %.1f s: %s", wait_s, error)

    def _keep_workers(self) -> None:
        with self._fatal():
            # While every slot waits to be filled again there is nobody whose end could be waited for.
            while not self._stop.wait(BREATH_S):
                self._crew.look_after(timeout_s=LOOK_S)

    def _keep_gateway(self) -> None:
        with self._fatal():
            while self._keeper is not None and not self._stop.wait(BREATH_S):
                self._keeper.look_after(timeout_s=LOOK_S)

    def _keep_size(self) -> None:
        workers = self.config.workers
        if workers.most is None or workers.most <= workers.count:
            return
        with self._fatal():
            # A member without a partition has nothing to do.
            most = min(workers.most, self.config.broker.partitions)
            scaling = Scaling(least=workers.count, most=most, lag_each=workers.lag_each, clock=self._clock)
            while not self._stop.wait(TICK_S):
                try:
                    with closing(self._lag()) as lag:
                        while not self._stop.wait(TICK_S):
                            self._crew.want(scaling.want(sum(lag.read().values())))
                except TransportUnavailable as error:
                    _log.warning("as many workers as before while the broker is away: %s", error)

    def _lag(self) -> KafkaLag:
        return KafkaLag(bootstrap=self._stack.bootstrap, group=self.config.broker.group, topics=[SEGMENTS])

    def _keep_time(self) -> None:
        with self._fatal():
            idle_s = self.config.dialogue.idle_s
            with (
                closing(RedisStore.connect(self._stack.store_url)) as store,
                closing(KafkaPublisher(bootstrap=self._stack.bootstrap)) as out,
            ):
                timer = IdleTimer(store=store, publisher=out, clock=self._clock, idle_s=idle_s)
                while not self._stop.wait(min(TICK_S, idle_s / 4)):
                    try:
                        timer.tick()
                    except (Unavailable, PublishFailed) as error:
                        _log.warning("silent dialogues will be looked for again: %s", error)

    @contextmanager
    def _fatal(self) -> Iterator[None]:
        """What no thread here can mend ends the whole, and is raised by `wait`."""
        try:
            yield
        except Exception as error:
            self._stop.set()
            self._failed.put(error)


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM and Ctrl-C raise `KeyboardInterrupt`, whatever they do otherwise. Only the main thread hears signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
