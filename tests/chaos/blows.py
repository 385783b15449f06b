"""What can be killed in a running stack, and how."""

import os
import random
import time
from collections.abc import Callable

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from actors.supervisor import Supervisor
from schemas.topics import SEGMENTS
from tests.chaos.replaying import PATIENCE_S, Blow
from tests.stack.processes import BROKER, MODEL_SERVER, STORE, kill, named

LOOK_S = 0.2


def kill_worker(supervisor: Supervisor, rng: random.Random) -> Blow:
    """`kill -9` of the worker of a random slot, as soon as one is there."""
    pids = supervisor.pids()
    while not pids:
        time.sleep(LOOK_S)
        pids = supervisor.pids()
    slot = rng.choice(sorted(pids))
    owned = _owned(supervisor, slot)
    at_s = time.time()
    kill(pids[slot])
    return Blow(slot, at_s, owned)


def kill_server(part: str) -> Callable[[Supervisor, random.Random], Blow]:
    """`kill -9` of a server, as soon as it is there."""

    def strike(supervisor: Supervisor, rng: random.Random) -> Blow:
        deadline_s = time.monotonic() + PATIENCE_S
        while not (pids := named(part, below_pid=os.getpid())):
            assert time.monotonic() < deadline_s, f"no process of {part} is to be seen"
            time.sleep(LOOK_S)
        at_s = time.time()
        for pid in pids:
            kill(pid)
        return Blow(part, at_s, frozenset(range(supervisor.config.broker.partitions)))

    return strike


SERVERS = {"models": kill_server(MODEL_SERVER), "store": kill_server(STORE), "broker": kill_server(BROKER)}


def _owned(supervisor: Supervisor, slot: str) -> frozenset[int]:
    """The partitions the group says are this slot's; all of them while the group cannot be asked or does not know."""
    group, everything = supervisor.config.broker.group, frozenset(range(supervisor.config.broker.partitions))
    admin = KafkaAdminClient(bootstrap_servers=supervisor.config.broker.bootstrap)
    try:
        members = admin.describe_groups([group])[group]["members"]
    except KafkaError:
        return everything
    finally:
        admin.close()
    for member in members:
        if member["group_instance_id"] == slot:
            topics = (member["member_assignment"] or {}).get("assigned_partitions", [])
            return frozenset(number for one in topics if one["topic"] == SEGMENTS for number in one["partitions"])
    return everything
