"""The real Kafka broker as a child process: one node, broker and controller in one, on the loopback interface."""

import base64
import re
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from actors.embedded.jars import java, resolve_jars
from actors.embedded.process import HOST, ServerProcess, free_ports, listens
from engine.errors import Unavailable
from schemas.topics import MAX_STATE_BYTES, MIB

START_S = 60.0
STOP_S = 15.0

# Everything that a lone broker on a laptop wants to have otherwise than a server in a rack.
_SETTINGS = f"""\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
auto.create.topics.enable=false
message.max.bytes={MAX_STATE_BYTES + MIB}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.min.session.timeout.ms=1000
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size={16 * MIB}
"""
_LOGGING = """\
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = OUT
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c: %m%n
"""


class EmbeddedKafka:
    """A broker with its data, its settings and its log in `folder`; a restart there finds the same topics.

    `port`: where it listens; a free one if none is given. Raises `Unavailable` or `ConfigurationError` with a sentence
    that says what to do where the broker cannot be had.
    """

    def __init__(self, *, folder: Path, port: int | None = None, kept_open: Sequence[int] = ()) -> None:
        self._folder = folder.resolve()
        self._wanted_port = port
        self._kept_open = kept_open
        self._port: int | None = None
        self._process: ServerProcess | None = None

    @property
    def bootstrap(self) -> str:
        """Address for clients, `host:port`. Raises `Unavailable` before `start`."""
        if self._port is None:
            raise Unavailable("The embedded broker has not been started.")
        return f"{HOST}:{self._port}"

    @property
    def alive(self) -> bool:
        """Whether the broker's process runs."""
        return self._process is not None and self._process.alive

    def start(self) -> None:
        """Start the broker and return when it answers."""
        run = [str(java()), "-cp", ":".join(str(jar) for jar in resolve_jars())]
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._wanted_port is not None and listens(self._wanted_port):
            raise Unavailable(f"Port {self._wanted_port} is taken: stop what listens there or choose another.")
        port, controller_port = free_ports(2)
        port = self._wanted_port or port
        settings = self._write_settings(port, controller_port)
        logging = self._folder / "log4j2.properties"
        logging.write_text(_LOGGING)
        run[1:1] = [f"-Dlog4j2.configurationFile={logging}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        if not (self._folder / "data" / "meta.properties").exists():
            _format(run, settings)
        run[1:1] = ["-Xmx256m"]
        self._process = ServerProcess(
            name="The embedded broker",
            command=[*run, "kafka.Kafka", str(settings)],
            log=self._folder / "kafka.log",
            grace_s=STOP_S,
            kept_open=self._kept_open,
        )
        self._process.wait_until(lambda: _answers(port), timeout_s=START_S)
        # Started again after a crash, it is found where it was.
        self._port = self._wanted_port = port

    def stop(self) -> None:
        """Stop the broker in order: what it holds is on disk afterwards."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End the broker at once, as a crash would."""
        if self._process is not None:
            self._process.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _write_settings(self, port: int, controller_port: int) -> Path:
        path = self._folder / "server.properties"
        path.write_text(
            f"{_SETTINGS}"
            f"listeners=BROKER://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}\n"
            f"controller.quorum.voters=1@{HOST}:{controller_port}\n"
            f"log.dirs={self._folder / 'data'}\n"
        )
        return path


def _format(run: Sequence[str], settings: Path) -> None:
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    done = subprocess.run(  # noqa: S603  a command of our own
        [*run, "kafka.tools.StorageTool", "format", "-t", re.sub("^-", "A", cluster_id), "-c", str(settings)],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Unavailable(f"The embedded broker's folder could not be made ready: {done.stderr.strip()}")


def _answers(port: int) -> bool:
    """Whether the broker is there for clients, and not just its port."""
    if not listens(port):
        return False
    try:
        admin = KafkaAdminClient(bootstrap_servers=f"{HOST}:{port}", request_timeout_ms=5000)
    except KafkaError:
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except KafkaError:
        return False
    finally:
        admin.close()
