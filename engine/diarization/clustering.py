"""How many voices there are among windows of speech, and which window is whose.

Windows are parted into ever more voices for as long as the parts are unlike enough. How alike two parts are is the mean
cosine between them, over the geometric mean of the mean cosines inside each: the correction for attenuation (Spearman
1904). It is near 1 for two halves of one voice whatever the telephone, the room or the length, where a plain cosine is
not; so one threshold holds for all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

Embeddings = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClusteringSettings:
    """How these were chosen stands in the README of the package."""

    one_voice: float = 0.88
    """Corrected cosine above which two parts are one voice."""
    scale: float = 20.0
    """Log-likelihood of a cosine of 1."""
    change: float = 6.0
    """Log-likelihood that a change of the speaker between two neighbouring windows has to gain."""
    apart: int = 8
    """Windows from which on two share no sound, and may say something about how alike a voice is to itself."""
    cohesion: float = 0.72
    """Mean cosine between windows of a voice that is heard too briefly to be compared with itself."""
    most: int = 8
    """Voices looked for at the most where their number is not known."""
    sample: int = 1500
    """Windows looked at to find the voices of a long recording."""


def cluster(embeddings: Embeddings, *, speakers: int | None, settings: ClusteringSettings) -> Labels:
    """A voice `[W]` for each of the windows `[W, D]` (unit vectors, in order of time), numbered as they begin.

    `speakers`: how many there are, where that is known.
    """
    stride = max(1, -(-len(embeddings) // settings.sample))
    sample = embeddings[::stride]
    apart = -(-settings.apart // stride)
    best = np.zeros(len(sample), np.int64)
    for count in range(2, min(speakers or settings.most, len(sample)) + 1):
        labels = _parted(sample, count, settings)
        if labels is None:
            break
        if speakers is None and likest(sample, labels, apart=apart, cohesion=settings.cohesion) > settings.one_voice:
            break
        best = labels
    if stride > 1:
        best = follow(embeddings @ centres(sample, best).T, settings=settings)
    return _numbered(best)


def follow(likeness: NDArray[np.floating], *, settings: ClusteringSettings) -> Labels:
    """The likeliest voice `[W]` at each window, given its cosine to each voice `[W, K]`: Viterbi's path."""
    total = likeness[0] * settings.scale
    voices = np.arange(likeness.shape[1])
    before = np.zeros(likeness.shape, np.int64)
    for index in range(1, len(likeness)):
        best = int(total.argmax())
        changes = total[best] - settings.change > total
        before[index] = np.where(changes, best, voices)
        total = np.where(changes, total[best] - settings.change, total) + likeness[index] * settings.scale
    path = np.zeros(len(likeness), np.int64)
    path[-1] = int(total.argmax())
    for index in range(len(likeness) - 2, -1, -1):
        path[index] = before[index + 1, path[index + 1]]
    return path


def likest(embeddings: Embeddings, labels: Labels, *, apart: int, cohesion: float) -> float:
    """The corrected cosine of the two voices that are most alike."""
    cosines = embeddings @ embeddings.T
    index = np.arange(len(embeddings))
    far = np.abs(index[:, None] - index) >= apart
    count = int(labels.max()) + 1
    mean = np.full((count, count), np.nan)
    for a in range(count):
        for b in range(count):
            block = np.ix_(labels == a, labels == b)
            if far[block].any():
                mean[a, b] = cosines[block][far[block]].mean()
    within = np.diag(mean)
    within = np.where(np.isnan(within), cohesion, within)
    corrected = mean / np.sqrt(np.maximum(within[:, None] * within, 1e-9))
    between = corrected[~np.eye(count, dtype=bool)]
    return 1.0 if np.isnan(between).all() else float(np.nanmax(between))


def centres(embeddings: Embeddings, labels: Labels) -> Embeddings:
    """Unit vectors `[K, D]`: the mean of each voice's windows."""
    sums = np.stack([embeddings[labels == voice].sum(axis=0) for voice in range(int(labels.max()) + 1)])
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _parted(embeddings: Embeddings, count: int, settings: ClusteringSettings) -> Labels | None:
    """The best parting into `count` voices that smoothing over time leaves in place; None where it leaves none."""
    found = []
    for begun in _beginnings(embeddings, count):
        labels = _settled(embeddings, begun, settings)
        if int(labels.max()) + 1 == count:
            found.append((float((embeddings * centres(embeddings, labels)[labels]).sum()), labels))
    return max(found, key=lambda each: each[0])[1] if found else None


def _beginnings(embeddings: Embeddings, count: int) -> Iterator[Labels]:
    """Agglomerative clustering, and k-means from several first centres."""
    yield fcluster(linkage(embeddings, "average", metric="cosine"), count, "maxclust").astype(np.int64) - 1
    for first in range(0, len(embeddings), max(1, len(embeddings) // 5)):
        chosen = [first]
        while len(chosen) < count:
            chosen.append(int((embeddings @ embeddings[chosen].T).max(axis=1).argmin()))
        labels = (embeddings @ embeddings[chosen].T).argmax(axis=1)
        for _ in range(30):
            labels = _numbered(labels)
            after = (embeddings @ centres(embeddings, labels).T).argmax(axis=1)
            if (after == labels).all():
                break
            labels = after
        yield _numbered(labels)


def _settled(embeddings: Embeddings, labels: Labels, settings: ClusteringSettings) -> Labels:
    """Voices whose windows are what follows from their centres and from time, or nearly."""
    for _ in range(6):
        labels = _numbered(labels)
        after = follow(embeddings @ centres(embeddings, labels).T, settings=settings)
        if (after == labels).all():
            break
        labels = after
    return _numbered(labels)


def _numbered(labels: Labels) -> Labels:
    """The same voices numbered from 0 in order of their first window, none left out."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse], dtype=np.int64)
