"""The real Kafka broker as a child process: one node, broker and controller in one, on the loopback interface."""

import base64
import re
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from actors.embedded.jars import java, resolve_jars
from actors.embedded.process import HOST, free_ports, listens
from actors.embedded.server import EmbeddedServer, Kind
from engine.errors import Unavailable
from schemas.topics import MAX_STATE_BYTES, MIB

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


def embedded_kafka(*, folder: Path, port: int | None = None, kept_open: Sequence[int] = ()) -> EmbeddedServer:
    """A broker; its address is `host:port`."""
    return EmbeddedServer(KAFKA, folder=folder, port=port, kept_open=kept_open)


def _command(folder: Path, port: int) -> Sequence[str]:
    run = [str(java()), "-cp", ":".join(str(jar) for jar in resolve_jars())]
    settings = _write_settings(folder, port)
    logging = folder / "log4j2.properties"
    logging.write_text(_LOGGING)
    run[1:1] = [f"-Dlog4j2.configurationFile={logging}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    if not (folder / "data" / "meta.properties").exists():
        _format(run, settings)
    run[1:1] = ["-Xmx256m"]
    return [*run, "kafka.Kafka", str(settings)]


def _write_settings(folder: Path, port: int) -> Path:
    controller_port = next(free for free in free_ports(2) if free != port)
    path = folder / "server.properties"
    path.write_text(
        f"{_SETTINGS}"
        f"listeners=BROKER://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}\n"
        f"controller.quorum.voters=1@{HOST}:{controller_port}\n"
        f"log.dirs={folder / 'data'}\n"
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


KAFKA = Kind(
    name="The embedded broker",
    log="kafka.log",
    command=_command,
    address=lambda port: f"{HOST}:{port}",
    answers=_answers,
    start_s=60.0,
    stop_s=15.0,
)
