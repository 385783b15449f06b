"""Whether somebody speaks in a segment who was not heard before in the dialogue."""

import numpy as np
from numpy.typing import NDArray

from engine.diarization.clustering import ClusteringSettings, Embeddings, follow
from engine.diarization.registry import RegistrySettings
from engine.diarization.windows import STEP_S


def stranger(
    embeddings: Embeddings,
    yardsticks: NDArray[np.float32],
    *,
    clustering: ClusteringSettings,
    registry: RegistrySettings,
) -> NDArray[np.float32] | None:
    """The mean `[D]` of the windows `[W, D]` that are a stranger's, or None.

    The search begins at the moment that is least like every voice of `yardsticks` `[K, D]` and lets the stranger have
    what is more like that than like them. A stranger has to be unlike all of them, for long enough.
    """
    likeness = (embeddings @ yardsticks.T).max(axis=1)
    around = np.convolve(np.pad(likeness, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    mean = embeddings[int(around.argmin())]
    directions = yardsticks / np.linalg.norm(yardsticks, axis=1, keepdims=True)
    known = embeddings @ directions.T
    his = np.zeros(len(embeddings), bool)
    for _ in range(6):
        path = follow(np.column_stack([known, embeddings @ (mean / np.linalg.norm(mean))]), settings=clustering)
        before, his = his, path == len(yardsticks)
        if not his.any() or (his == before).all():
            break
        mean = embeddings[his].mean(axis=0)
    if his.sum() * STEP_S < registry.least_new_s or float((yardsticks @ mean).max()) >= registry.new_voice:
        return None
    return np.asarray(mean, dtype=np.float32)
