"""A checkpoint's parts together, behind the one call a wave: `infer`."""

from collections.abc import Sequence
from typing import Protocol

from engine.signals import StepOutcome, StepRequest


class Models(Protocol):
    """Encoders, fusion and dialogue step as one call; in process or behind a server."""

    model_id: str
    """Hash of the checkpoint: the `model_id` of every event."""

    def infer(self, wave: Sequence[StepRequest]) -> Sequence[StepOutcome]:
        """One outcome a request, in order. At most one request of a dialogue in a wave.

        Raises `InferenceUnavailable` when a server does not answer, `SnapshotMismatch` for a foreign state.
        """
        ...
