"""The models as a worker sees them when they live in another process: one call a wave, and one kind of failure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import RayServeException

from engine.errors import InferenceUnavailable
from engine.signals import StepOutcome, StepRequest

APP = "turntone"
"""Name of the model server's application."""
ANSWER_S = 60.0
"""The longest a wave may take: the coldest start of a server, and the largest wave on the slowest machine."""


class Answer(Protocol):
    """What a call to the server will have brought."""

    def result(self, *, timeout_s: float) -> Any:
        """Wait for it. Raises `TimeoutError`."""
        ...

    def cancel(self) -> None:
        """Nobody waits any more."""
        ...


class Server(Protocol):
    """The handle of a `FusionServer`."""

    def model_id(self) -> Answer:
        """Hash of its checkpoint."""
        ...

    def infer(self, wave: Sequence[StepRequest]) -> Answer:
        """The outcomes of a wave."""
        ...


class FusionHandle:
    """The handle of the application that is deployed under `APP`."""

    def __init__(self) -> None:
        from ray import serve

        self._handle = serve.get_app_handle(APP)

    def model_id(self) -> Answer:
        """Hash of its checkpoint."""
        answer: Answer = self._handle.model_id.remote()
        return answer

    def infer(self, wave: Sequence[StepRequest]) -> Answer:
        """The outcomes of a wave."""
        answer: Answer = self._handle.infer.remote(wave)
        return answer


class RemoteModels:
    """`Models` behind a server's handle. May be called from several threads."""

    def __init__(self, *, server: Server, timeout_s: float = ANSWER_S) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self.model_id: str = _wait(server.model_id(), timeout_s=timeout_s)

    def infer(self, wave: Sequence[StepRequest]) -> Sequence[StepOutcome]:
        """See `engine.models.Models`."""
        answer = self._server.infer(list(wave))
        return [_owned(outcome) for outcome in _wait(answer, timeout_s=self._timeout_s)]


def _wait(answer: Answer, *, timeout_s: float) -> Any:
    try:
        return answer.result(timeout_s=timeout_s)
    except TimeoutError:
        answer.cancel()
        raise InferenceUnavailable(f"the model server has not answered within {timeout_s:.0f} s") from None
    except RayTaskError as error:
        # The server is there and says no: what it says is for the loop to judge.
        raise error.cause from error
    except (RayError, RayServeException) as error:
        raise InferenceUnavailable(f"the model server is away: {type(error).__name__}: {error}") from error


def _owned(outcome: StepOutcome) -> StepOutcome:
    """The outcome with memory of its own: arrays that came through Ray's store are read-only and pin it."""
    tensors = {name: np.array(tensor) for name, tensor in outcome.tensors.items()}
    return replace(outcome, tensors=tensors)
