"""Broker and state store together, started side by side in one data folder."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from actors.embedded.folder import Addresses, FolderLock, forget_addresses, write_addresses
from actors.embedded.kafka import embedded_kafka
from actors.embedded.server import EmbeddedServer
from actors.embedded.topics import BROKERS_OWN, Difference, prepare_topics, turntone_topics
from actors.embedded.valkey import embedded_valkey
from actors.progress import Progress, Step, starting, unseen
from engine.errors import Unavailable


class EmbeddedStack:
    """Both servers, with Turntone's topics on the broker, in `folder`; a restart there goes on where it stopped.

    An address given for one of the two takes the embedded one's place. `start` raises `ConfigurationError` if another
    stack uses the folder, and what the servers and `prepare_topics` raise.
    """

    def __init__(
        self,
        folder: Path,
        *,
        partitions: int = 4,
        bootstrap: str | None = None,
        store_url: str | None = None,
        progress: Progress = unseen,
    ) -> None:
        self._folder = folder.expanduser().resolve()
        self._partitions = partitions
        self._bootstrap = bootstrap
        self._store_url = store_url
        self._progress = progress
        self._lock: FolderLock | None = None
        self.kafka: EmbeddedServer | None = None
        self.valkey: EmbeddedServer | None = None
        self.differences: tuple[Difference, ...] = ()
        """Topics that were there already and are otherwise than they should be."""

    @property
    def bootstrap(self) -> str:
        """Address of the broker."""
        return self.kafka.address if self.kafka else self._bootstrap or ""

    @property
    def store_url(self) -> str:
        """Address of the state store."""
        return self.valkey.address if self.valkey else self._store_url or ""

    def claim(self) -> None:
        """Take the folder, which `start` does if nobody has before."""
        if self._lock is not None:
            return
        self._lock = FolderLock(self._folder)
        if self._bootstrap is None:
            self.kafka = embedded_kafka(folder=self._folder / "kafka", kept_open=[self._lock.descriptor])
        if self._store_url is None:
            self.valkey = embedded_valkey(folder=self._folder / "valkey", kept_open=[self._lock.descriptor])

    def start(self) -> None:
        """Start what is wanted and return when all of it answers; if one part fails, none is left running."""
        self.claim()
        try:
            with ThreadPoolExecutor(max_workers=2) as threads:
                for started in (threads.submit(self._start_broker), threads.submit(self._start_store)):
                    started.result()
            write_addresses(self._folder, Addresses(self.bootstrap, self.store_url))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both servers in order and give the folder up; safe to call twice."""
        if self._lock is None:
            return
        forget_addresses(self._folder)
        with ThreadPoolExecutor(max_workers=2) as threads:
            threads.submit(self._stop_one, "broker", self.kafka)
            threads.submit(self._stop_one, "state store", self.valkey)
        self._lock.release()
        self._lock = None

    def look_after(self) -> None:
        """Start a server that died again, at its address and with its data.

        Raises `Unavailable` where one does not start, after the other was looked after too; it may be called again.
        """
        failed: list[Unavailable] = []
        for name, server in (("broker", self.kafka), ("state store", self.valkey)):
            if server is not None and not server.alive:
                try:
                    with starting(name, self._progress):
                        server.start()
                except Unavailable as error:
                    failed.append(error)
        if failed:
            raise failed[0]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_broker(self) -> None:
        with starting("broker", self._progress):
            if self.kafka is not None:
                self.kafka.start()
            self.differences = prepare_topics(
                bootstrap=self.bootstrap,
                topics=turntone_topics(partitions=self._partitions),
                replication=1 if self.kafka else BROKERS_OWN,
            ).differences

    def _start_store(self) -> None:
        if self.valkey is not None:
            with starting("state store", self._progress):
                self.valkey.start()

    def _stop_one(self, name: str, server: EmbeddedServer | None) -> None:
        if server is not None:
            self._progress(Step(name, "stopping"))
            server.stop()
            self._progress(Step(name, "stopped"))
