"""Several Ray nodes on one machine: workers spread over them, one node is killed, the work goes on."""

from collections.abc import Iterator

import pytest
import ray
from ray.cluster_utils import Cluster

from actors.embedded.jars import cached_jars
from actors.supervisor import Supervisor
from engine.config import WorkerSettings, read_config
from tests.chaos.conftest import FULL
from tests.chaos.eventlog import differences, read_log
from tests.chaos.replaying import Blow, conversations, play, turns_in, whole_log

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not FULL, reason="several nodes take minutes: make chaos"),
    pytest.mark.skipif(not cached_jars(), reason="the broker's jars are not cached: python -m actors.embedded.install"),
    # Clients of a worker's death, and the node that is killed, are ended by the system and not by their owners.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

NODES = 3
WORKERS = 4


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A head without processors, where the supervisor joins, and nodes for the work."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(NODES):
        cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    yield cluster
    cluster.shutdown()


def nodes_of_workers() -> list[str]:
    """The node of each worker, the one that waits too."""
    workers = [ray.get_actor(name) for name in ray.util.list_named_actors() if name.startswith("turntone-worker-")]
    asked = [each.__ray_call__.remote(lambda _: ray.get_runtime_context().get_node_id()) for each in workers]
    return list(ray.get(asked))


def test_workers_spread_over_nodes_and_one_that_is_killed_loses_nothing(cluster, tmp_path):
    corpus = conversations(calls=3, meetings=3)
    config = read_config(data=tmp_path, workers=WorkerSettings(count=WORKERS))
    with Supervisor(config=config) as supervisor:
        bootstrap = supervisor.config.broker.bootstrap
        assert bootstrap is not None
        before = nodes_of_workers()
        assert len(set(before)) >= 2
        assert cluster.head_node.node_id not in before
        play(corpus, bootstrap=bootstrap, run="quiet", speed=None)

        def strike() -> Blow:
            victim = max(cluster.worker_nodes, key=lambda node: before.count(node.node_id))
            cluster.remove_node(victim, allow_graceful=False)
            return Blow("node", 0.0, frozenset())

        play(corpus, bootstrap=bootstrap, run="killed", speed=1.0, blows=[turns_in(corpus) / 3], strike=strike)
        assert len(supervisor.pids()) == WORKERS
        assert len(cluster.worker_nodes) == NODES - 1
        records = whole_log(bootstrap)
    quiet, killed = read_log(records, run="quiet"), read_log(records, run="killed")
    assert quiet.turns >= turns_in(corpus)
    assert killed.dead_letters == killed.conflicts == killed.strangers == ()
    assert differences(quiet, killed) == []
