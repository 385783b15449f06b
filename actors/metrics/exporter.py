"""All figures of a running Turntone as Prometheus metrics: the workers' own, and what broker and store say of them."""

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from types import MappingProxyType
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from actors.metrics.catalogue import COUNTS, DURATIONS, LEVELS, STAGES
from actors.metrics.drift import LabelDrift
from actors.metrics.stability import Stability
from engine.errors import Unavailable
from engine.metrics import BUCKETS_S, Duration, Reading
from engine.transport.base import Partition

PREFIX: Final = "turntone_"
_NONE: Final = Duration()

Readings = Mapping[str, Reading]
"""The figures of each worker that answers, by its slot."""


class Exporter(Collector):
    """Asks when it is asked, and keeps nothing but the window of the drift. May be called from any thread.

    A worker that takes the place of a dead one counts from zero, as Prometheus expects of a process that was started
    anew. A broker or a store that is away is a figure of its own, and the page comes without what it would have said.

    readings: the workers' figures. lag: records behind, by partition. open_dialogues: how many there are. The last two
    may raise `Unavailable`. stability: None where the checkpoint has nothing that turns could be held against. also:
    figures of parts that are no workers, by their names. workers: how many there should be.
    """

    def __init__(
        self,
        *,
        readings: Callable[[], Readings],
        lag: Callable[[], Mapping[Partition, int]],
        open_dialogues: Callable[[], int],
        drift: LabelDrift,
        stability: Stability | None = None,
        also: Mapping[str, Callable[[], Reading]] = MappingProxyType({}),
        workers: int,
        model_id: str,
    ) -> None:
        self._readings = readings
        self._lag = lag
        self._open_dialogues = open_dialogues
        self._drift = drift
        self._stability = stability
        self._also = also
        self._workers = workers
        self._model_id = model_id
        self._lock = Lock()
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def exposition(self) -> bytes:
        """The page, in Prometheus' text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """Every metric, as it is now."""
        with self._lock:
            readings = self._readings()
            self._drift.update(readings)
            if self._stability is not None:
                self._stability.update(readings)
            figures = {**readings, **{name: read() for name, read in self._also.items()}}
            yield from _counts(figures)
            yield from _levels(figures)
            yield from _durations(figures)
            yield from self._stack(readings)

    def describe(self) -> Iterator[Metric]:
        """Nothing: a registry that asks must not make the workers answer."""
        return iter(())

    def _stack(self, readings: Readings) -> Iterator[Metric]:
        up = _gauge("up", "Whether a server answered when this page was made", "part")
        lag = _gauge("consumer_lag", "Records of the segments that are not done, by partition", "partition")
        dialogues = _gauge("open_dialogues", "Dialogues that have begun and not ended; 10000 means that or more")
        try:
            for (_, number), behind in self._lag().items():
                lag.add_metric([str(number)], behind)
            up.add_metric(["broker"], 1)
        except Unavailable:
            up.add_metric(["broker"], 0)
        try:
            dialogues.add_metric([], self._open_dialogues())
            up.add_metric(["store"], 1)
        except Unavailable:
            up.add_metric(["store"], 0)
        drift = _gauge(
            "label_drift", "Distance of the last turns' labels from those expected, 0 to 1; see LabelDrift", "reference"
        )
        if (value := self._drift.value) is not None:
            drift.add_metric([self._drift.reference], value)
        psi = _gauge(
            "training_psi", "Population stability index of the last turns against the checkpoint's training", "of"
        )
        for name, value in ({} if self._stability is None else self._stability.values).items():
            psi.add_metric([name], value)
        workers = _gauge("workers", "Workers that answered when this page was made")
        workers.add_metric([], len(readings))
        wanted = _gauge("workers_wanted", "Workers there should be")
        wanted.add_metric([], self._workers)
        model = _gauge("model_info", "The checkpoint that answers", "model_id")
        model.add_metric([self._model_id], 1)
        yield from (up, lag, dialogues, drift, psi, workers, wanted, model)


def _counts(readings: Readings) -> Iterator[Metric]:
    for name, count in COUNTS.items():
        labels = ["worker"] if count.label is None else ["worker", count.label]
        family = CounterMetricFamily(f"{PREFIX}{name}", count.help, labels=labels)
        for worker, reading in readings.items():
            if count.label is None:
                family.add_metric([worker], reading.counts.get(name, 0))
                continue
            found = dict.fromkeys(count.words, 0)
            for figure, n in reading.counts.items():
                stem, _, word = figure.partition(":")
                if stem == name:
                    found[count.word(word)] = found.get(count.word(word), 0) + n
            for word, n in found.items():
                family.add_metric([worker, word], n)
        yield family


def _levels(readings: Readings) -> Iterator[Metric]:
    for name, text in LEVELS.items():
        family = _gauge(name, text, "worker")
        for worker, reading in readings.items():
            family.add_metric([worker], reading.levels.get(name, 0.0))
        yield family


def _durations(readings: Readings) -> Iterator[Metric]:
    stages = HistogramMetricFamily(
        f"{PREFIX}stage_seconds", "Time spent in a stage, of a wave or of a segment", labels=["worker", "stage"]
    )
    for worker, reading in readings.items():
        for stage in STAGES:
            _add(stages, [worker, stage], reading.durations.get(stage, _NONE))
    yield stages
    for name, text in DURATIONS.items():
        family = HistogramMetricFamily(f"{PREFIX}{name}_seconds", text, labels=["worker"])
        for worker, reading in readings.items():
            _add(family, [worker], reading.durations.get(name, _NONE))
        yield family


def _add(family: HistogramMetricFamily, labels: list[str], duration: Duration) -> None:
    bounds = [(str(bound), n) for bound, n in zip(BUCKETS_S, duration.buckets, strict=True)]
    family.add_metric(labels, [*bounds, ("+Inf", duration.count)], duration.sum_s)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}{name}", text, labels=labels)
