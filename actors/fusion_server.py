"""The model server: one checkpoint behind Ray Serve, one call a wave."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.config import Config, read_config
from engine.signals import FACE_SIZE, SAMPLE_RATE_HZ, StepOutcome, StepRequest, Utterance

if TYPE_CHECKING:
    from engine.models import Models

PROCESSORS = 0.1
"""What Ray reserves, not what is used: nothing may wait for a place on a small machine."""

_FIRST = StepRequest(
    tensors={},
    turns=(
        Utterance(
            speaker="nobody",
            audio=np.zeros(SAMPLE_RATE_HZ, np.float32),
            faces=np.zeros((1, FACE_SIZE, FACE_SIZE, 3), np.uint8),
        ),
    ),
)


class FusionServer:
    """Answers waves, one after the other; Serve's own calls are answered meanwhile."""

    def __init__(self, build: Callable[[], "Models"]) -> None:
        self._models = build()
        # One thread: the GPU takes one wave at a time anyway, and on a CPU two would only slow each other down.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="infer")

    async def model_id(self) -> str:
        """Hash of the checkpoint."""
        return self._models.model_id

    async def infer(self, wave: Sequence[StepRequest]) -> Sequence[StepOutcome]:
        """See `engine.models.Models`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._models.infer, wave)


def fusion_app(config: Config) -> Any:
    """The server as an application for `serve.run`."""
    from ray import serve

    deployment = serve.deployment(
        name="FusionServer",
        num_replicas=1,
        max_ongoing_requests=4 * ((config.workers.most or config.workers.count) + 1),
        ray_actor_options={"num_cpus": PROCESSORS, "num_gpus": config.model.num_gpus},
        # A server that died is missed within a second, not ten.
        health_check_period_s=1.0,
        graceful_shutdown_timeout_s=5.0,
        logging_config={"log_level": "WARNING", "enable_access_log": False},
    )(FusionServer)
    return deployment.bind(partial(_build, config))


def served(arguments: Mapping[str, str]) -> Any:
    """The same, for a cluster whose declaration puts it up: `import_path: actors.fusion_server:served`.

    arguments: `config`, a TOML file on every node. Raises `ConfigurationError`.
    """
    return fusion_app(read_config(Path(arguments["config"])))


def _build(config: Config) -> "Models":
    # Here and not above: who puts the server up does without torch.
    import torch

    from engine.build import build_models

    torch.set_num_threads(1)
    models = build_models(config)
    # The first call of all costs many times the second: nobody's turn has to wait for it.
    models.infer([_FIRST])
    return models
