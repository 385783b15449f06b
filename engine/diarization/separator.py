"""The embedded separator: whose voice it is around each moment of speech, and the turns that follow from it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.diarization.base import NOBODY, Enrolled
from engine.diarization.clustering import ClusteringSettings, Embeddings, Labels, cluster, follow
from engine.diarization.local import LocalTurn, SegmentVoices
from engine.diarization.registry import RegistrySettings
from engine.diarization.resemblyzer import DIMENSION
from engine.diarization.strangers import stranger
from engine.diarization.windows import Embedder, Windows
from engine.signals import SAMPLE_RATE_HZ, Span, Waveform

_STEP_S = 0.01


class VoiceSeparator:
    """Windows of speech, described one by one and parted into voices. It keeps nothing between calls.

    It knows no overlap: a window is one voice's.

    Args:
        detect: finds the speech, more finely than what cuts segments out of a stream has to.
        embedder: describes the windows.
        clustering: how many voices there are.
        registry: when a voice is one that is known.
    """

    def __init__(
        self,
        *,
        detect: Callable[[Waveform], Sequence[Span]],
        embedder: Embedder,
        clustering: ClusteringSettings,
        registry: RegistrySettings,
    ) -> None:
        self._detect = detect
        self._embedder = embedder
        self._clustering = clustering
        self._registry = registry

    def label(self, audio: Waveform, *, speakers: int | None = None, known: Enrolled = NOBODY) -> tuple[LocalTurn, ...]:
        """Who speaks when in a whole recording `[N]`; `speakers` is how many there are, where that is known.

        Where voices are `known`, everybody is one of them, by their place in it.
        """
        speech = self._detect(audio)
        windows = self._embedder.embed(audio, speech)
        if known and len(windows.embeddings):
            voices = np.stack([voice / np.linalg.norm(voice) for voice in known.values()])
            labels = follow(windows.embeddings @ voices.T, settings=self._clustering)
        else:
            labels = cluster(windows.embeddings, speakers=speakers, settings=self._clustering)
        return tuple(_turns(windows, labels, speech, duration_s=len(audio) / SAMPLE_RATE_HZ))

    def separate(
        self, audio: Waveform, speech: Sequence[Span], *, known: Mapping[str, NDArray[np.float32]]
    ) -> SegmentVoices:
        """The voices of one segment, in the stretches it finds that touch `speech`.

        A turn of a `known` voice is told from its neighbours however brief it is.
        """
        spoken = [span for span in self._detect(audio) if any(_touch(span, given) for given in speech)]
        windows = self._embedder.embed(audio, spoken)
        yardsticks = np.stack(list(known.values())) if known else np.empty((0, DIMENSION), np.float32)
        labels = self._labels(windows.embeddings, yardsticks)
        voices = int(labels.max(initial=-1)) + 1
        embeddings = np.full((max(voices, 1), DIMENSION), np.nan, np.float32)
        for voice in range(voices):
            embeddings[voice] = windows.embeddings[labels == voice].mean(axis=0)
        turns = _turns(windows, labels, spoken, duration_s=len(audio) / SAMPLE_RATE_HZ)
        return SegmentVoices(turns=tuple(turns), embeddings=embeddings)

    def _labels(self, embeddings: Embeddings, yardsticks: NDArray[np.float32]) -> Labels:
        if not len(embeddings):
            return np.zeros(0, np.int64)
        if not len(yardsticks):
            return cluster(embeddings, speakers=None, settings=self._clustering)
        while True:
            found = stranger(embeddings, yardsticks, clustering=self._clustering, registry=self._registry)
            if found is None:
                break
            yardsticks = np.concatenate([yardsticks, found[None] / self._registry.cohesion])
        directions = yardsticks / np.linalg.norm(yardsticks, axis=1, keepdims=True)
        labels = follow(embeddings @ directions.T, settings=self._clustering)
        return np.unique(labels, return_inverse=True)[1]


def _turns(windows: Windows, labels: Labels, speech: Sequence[Span], *, duration_s: float) -> Iterator[LocalTurn]:
    """Each stretch of speech, cut halfway between neighbouring windows of different voices.

    Where no window says anything, one voice is taken to speak.
    """
    changes = np.flatnonzero(np.diff(labels))
    bounds = [float(windows.centres_s[i] + windows.centres_s[i + 1]) / 2 for i in changes]
    voices = [int(labels[0]) if len(labels) else 0, *(int(labels[i + 1]) for i in changes)]
    for span in speech:
        edges = [span.start_s, *(bound for bound in bounds if span.start_s < bound < span.end_s), span.end_s]
        for start_s, end_s in pairwise(edges):
            voice = voices[int(np.searchsorted(bounds, (start_s + end_s) / 2))]
            if end_s - start_s >= _STEP_S:
                yield LocalTurn(voice=voice, span=Span(start_s, min(end_s, duration_s)), overlap=False)


def _touch(a: Span, b: Span) -> bool:
    return a.start_s < b.end_s and b.start_s < a.end_s
