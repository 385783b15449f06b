"""Ray as Turntone uses it: a small local cluster, or one that is there; workers as actors, the models behind Serve."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

# Handed down to every process that Ray starts; a training in this one has all cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import ray
from ray import serve
from ray.exceptions import RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.crew import Hand
from actors.door import Gateway
from actors.fusion_server import fusion_app
from actors.gateway.keeping import Door
from actors.metrics.workers import worker_name
from actors.remote_models import APP
from actors.worker import DialogueWorker, prepare_loop
from engine.config import Config
from engine.errors import Unavailable
from engine.metrics import Reading

OBJECT_STORE_BYTES = 512 * 1024 * 1024
"""Waves pass through it, and nothing stays."""
LEAST_PROCESSORS = 4
"""What Ray is told to have at least: it reserves, and the parts of Turntone take turns."""
CALLS = 4
"""Threads of a worker's actor: one for `serve`, the others answer meanwhile."""
DOOR_CALLS = 2
"""Likewise of the gateway's: one for `serve`, one to open and to drain."""


def start_ray(*, gpus: float) -> None:
    """Connect to the cluster `RAY_ADDRESS` names, or start one on this machine. Raises `Unavailable`."""
    logging.getLogger("ray").setLevel(logging.ERROR)
    before = signal.getsignal(signal.SIGTERM)
    ours = not os.environ.get("RAY_ADDRESS")
    try:
        ray.init(
            num_cpus=max(LEAST_PROCESSORS, os.cpu_count() or 1) if ours else None,
            num_gpus=0 if ours and not gpus else None,
            object_store_memory=OBJECT_STORE_BYTES if ours else None,
            include_dashboard=False if ours else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=False,
        )
    except Exception as error:
        # Ray gives its own parts half a minute, which nobody can set, and has no name for this error.
        if "timed out during startup" not in str(error):
            raise
        raise Unavailable(
            "Ray was not ready within 30 s; is the machine too busy? Try again when it is less so"
        ) from error
    if threading.current_thread() is threading.main_thread():
        # Ray ends the process on SIGTERM; whoever drains has other plans.
        signal.signal(signal.SIGTERM, before)


def deploy_models(config: Config) -> bool:
    """Have the model server up when this returns; says whether it was put up here.

    One that a cluster's own declaration put up is left to it.
    """
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    if os.environ.get("RAY_ADDRESS") and APP in serve.status().applications:
        return False
    serve.start(proxy_location="Disabled", logging_config={"log_level": "ERROR"})
    serve.run(fusion_app(config), name=APP, route_prefix=None)
    return True


def stop_ray(*, models: bool) -> None:
    """Leave the cluster, and end it if it is ours. `models`: the model server was put up by `deploy_models`."""
    if not ray.is_initialized():
        return
    if os.environ.get("RAY_ADDRESS") and models:
        serve.delete(APP)
    ray.shutdown()


def hire(config: Config) -> Hand:
    """A worker as an actor; it gets warm while the caller goes on.

    Ray does not restart it: a new process under the same name is the crew's to start, so that there is never a second.
    """
    actor = ray.remote(DialogueWorker).options(
        name=worker_name(),
        num_cpus=config.workers.num_cpus,
        # On several nodes, so that one that dies takes few with it.
        scheduling_strategy="SPREAD",
        max_restarts=0,
        max_task_retries=0,
        max_concurrency=CALLS,
    )
    return RayHand(actor.remote(prepare=partial(prepare_loop, config)))


def open_door() -> Door:
    """The gateway as an actor; it gets warm while the caller goes on. Ray does not restart it: its keeper does.

    It listens on the node of who started it, where a cluster's own declaration leads to, and that node may be one
    without processors to reserve.
    """
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor = ray.remote(Gateway).options(
        num_cpus=0, scheduling_strategy=here, max_restarts=0, max_task_retries=0, max_concurrency=DOOR_CALLS
    )
    return RayDoor(actor.remote())


class RayDoor:
    """An actor as a keeper's door."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def open(self, config: Config) -> Future[int]:
        """The port it listens on."""
        return _plain(self._actor.open.remote(config))

    def serve(self) -> Future[None]:
        """Done when it has drained; an exception when it or its process has ended otherwise."""
        return _plain(self._actor.serve.remote())

    def drain(self) -> None:
        """Ask it to finish."""
        self._actor.drain.remote()

    def dismiss(self) -> None:
        """End its process."""
        ray.kill(self._actor)


class RayHand:
    """An actor as a crew's hand."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def warm(self) -> Future[int]:
        """Its process id, once it is warm."""
        return _plain(self._actor.pid.remote())

    def serve(self, slot: str, config: Config) -> Future[None]:
        """Done when it has drained; an exception when its loop or its process has ended otherwise."""
        return _plain(self._actor.serve.remote(slot, config))

    def drain(self) -> None:
        """Ask it to finish and leave."""
        self._actor.drain.remote()

    def reading(self) -> Future[Reading]:
        """Its figures."""
        return _plain(self._actor.reading.remote())

    def dismiss(self) -> None:
        """End its process."""
        ray.kill(self._actor)


def _plain(reference: Any) -> Future[Any]:
    """The future of a call, failing with what was raised and not with Ray's wrapping of it."""
    plain: Future[Any] = Future()

    def settle(answered: Future[Any]) -> None:
        error = answered.exception()
        if error is None:
            plain.set_result(answered.result())
        else:
            plain.set_exception(error.cause if isinstance(error, RayTaskError) else error)

    _future(reference).add_done_callback(settle)
    return plain


_future: Callable[[Any], Future[Any]] = ray.ObjectRef.future
