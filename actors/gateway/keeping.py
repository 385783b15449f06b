"""The one who keeps a gateway running, and starts another when it ends."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Protocol

from actors.gateway.guarded import guarded
from actors.progress import GATEWAY, Progress, Step
from engine.clock import Clock
from engine.config import Config
from engine.errors import Unavailable

SETTLED_S = 30.0
"""A gateway that has lived so long did not die of how it was started."""
LONGEST_WAIT_S = 15.0
_WARM_AGAIN_S = 60.0

_log = logging.getLogger(__name__)


class Door(Protocol):
    """A gateway in a process of its own. Its calls return at once; what they bring comes later."""

    def open(self, config: Config) -> Future[int]:
        """The port it listens on."""
        ...

    def serve(self) -> Future[None]:
        """Done when it has drained; an exception when it or its process has ended otherwise."""
        ...

    def drain(self) -> None:
        """Ask it to finish."""
        ...

    def dismiss(self) -> None:
        """End its process."""
        ...


class Keeper:
    """Keeps one gateway at one address, with one token. Called from one thread."""

    def __init__(self, *, hire: Callable[[], Door], clock: Clock, progress: Progress) -> None:
        self._hire = hire
        self._clock = clock
        self._progress = progress
        self._door: Door | None = None
        self._served: Future[None] | None = None
        self._config: Config | None = None
        self._began_s = 0.0
        self._due_s = 0.0
        self._early_deaths = 0

    def hire(self) -> None:
        """Have its process get warm, before there is anything to open."""
        self._door = self._hire()

    def begin(self, config: Config, *, warm_s: float) -> Config:
        """Start it; the configuration with its port, and a token where there was none. Raises what kept it from it."""
        self._began_s = self._clock.monotonic_s()
        self._progress(Step(GATEWAY, "starting"))
        config = guarded(config)
        settings = config.gateway
        self._door = self._door or self._hire()
        port = self._opened(self._door, config, warm_s=warm_s)
        self._config = config.model_copy(update={"gateway": settings.model_copy(update={"port": port})})
        self._served = self._door.serve()
        self._progress(Step(GATEWAY, "ready", self._clock.monotonic_s() - self._began_s))
        return self._config

    def look_after(self, *, timeout_s: float) -> None:
        """Wait until it has ended, `timeout_s` at the most, and start another at its address."""
        if self._config is None:
            return
        if self._served is not None:
            wait([self._served], timeout=timeout_s)
            if self._served.done():
                self._bury(self._served.exception())
        if self._served is None and self._clock.monotonic_s() >= self._due_s:
            self._began_s = self._clock.monotonic_s()
            self._door = self._hire()
            try:
                self._opened(self._door, self._config, warm_s=_WARM_AGAIN_S)
            except Exception as error:
                self._bury(error)
            else:
                self._served = self._door.serve()

    def drain(self, *, timeout_s: float) -> None:
        """Have it finish; if it has not within `timeout_s` it is ended where it stands."""
        if self._door is None:
            return
        self._door.drain()
        if self._served is not None:
            wait([self._served], timeout=timeout_s)
        self._door.dismiss()
        self._door = self._served = self._config = None

    def _opened(self, door: Door, config: Config, *, warm_s: float) -> int:
        try:
            return door.open(config).result(timeout=warm_s)
        except TimeoutError:
            raise Unavailable(f"the gateway was not ready within {warm_s:.0f} s; is the machine too busy?") from None

    def _bury(self, error: BaseException | None) -> None:
        now_s = self._clock.monotonic_s()
        why = str(error).partition("\n")[0]
        _log.warning("the gateway ended, another takes its place: %s", why)
        self._progress(Step(GATEWAY, "restarted", now_s - self._began_s, note=why))
        if self._door is not None:
            self._door.dismiss()
        self._door = self._served = None
        self._early_deaths = self._early_deaths + 1 if now_s - self._began_s < SETTLED_S else 0
        wait_s = 0.0 if self._early_deaths < 2 else min(2.0 ** (self._early_deaths - 2), LONGEST_WAIT_S)
        self._due_s = now_s + wait_s
