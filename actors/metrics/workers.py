"""The workers as the figures see them: actors with names that every process of the same Ray job can look up."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from engine.metrics import Reading

ANSWER_S: Final = 2.0
_PREFIX: Final = "turntone-worker-"


def worker_name() -> str:
    """A new worker's name as an actor; its slot it gets later, and may never."""
    return f"{_PREFIX}{uuid4().hex}"


def worker_readings() -> Mapping[str, Reading]:
    """The figures of every worker that has a slot and answers within `ANSWER_S`, by its slot.

    Called in any process of the job: the one that started the workers, or another actor.
    """
    # Imported here: what `actors.ray_cluster` tells Ray in the environment has to be there before.
    import ray
    from ray.exceptions import RayError

    asked: list[Any] = []
    for name in ray.util.list_named_actors():
        if name.startswith(_PREFIX):
            try:
                asked.append(ray.get_actor(name).slot_reading.remote())
            except ValueError:
                continue  # it died since it was listed
    answered, _ = ray.wait(asked, num_returns=len(asked), timeout=ANSWER_S) if asked else ((), ())
    found = {}
    for one in answered:
        try:
            slot, reading = ray.get(one)
        except RayError:
            continue  # it died since it was asked
        if slot is not None:
            found[slot] = reading
    return found
