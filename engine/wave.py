"""A wave's step: prepared side by side, inferred together, finished one by one; a failure costs its segment alone."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from engine.attempts import Attempts
from engine.checkpoint import Fresh
from engine.clock import Clock
from engine.errors import (
    BadInput,
    CheckpointError,
    ConfigurationError,
    LostOwnership,
    PublishFailed,
    SnapshotMismatch,
    Unavailable,
    WorkerDied,
)
from engine.metrics import Metrics
from engine.models import Models
from engine.pipeline import Arrival, Pipeline, Prepared, Stepped
from engine.signals import StepOutcome
from schemas.record import Position

T = TypeVar("T")

OF_THE_WORKER = (
    LostOwnership,
    PublishFailed,
    SnapshotMismatch,
    CheckpointError,
    ConfigurationError,
    MemoryError,
)
"""Errors no segment is to blame for: the worker stops."""

_log = logging.getLogger(__name__)


class Beside(Protocol):
    """Runs calls in threads, while the thread that asked keeps the group's heartbeat."""

    def __call__(self, calls: Sequence[Callable[[], T]]) -> Sequence[Future[T]]:
        """Their futures, in order, all of them done."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one segment, and where."""

    stage: str
    error: Exception


class Wave:
    """Steps the new segments of a wave.

    A segment that failed in company, that was begun alone before, or that stands where a worker died, is left
    unanswered by its wave and comes again in one of its own.
    """

    def __init__(
        self, *, pipeline: Pipeline, models: Models, attempts: Attempts, beside: Beside, clock: Clock, metrics: Metrics
    ) -> None:
        self._pipeline = pipeline
        self._models = models
        self._attempts = attempts
        self._beside = beside
        self._clock = clock
        self._metrics = metrics

    def step(self, fresh: Sequence[Fresh[Arrival]]) -> Mapping[Position, Stepped]:
        """What answers these segments, by position; the suspects wait for a wave of their own.

        Raises `Unavailable`: all of them may be stepped again.
        """
        company = [one for one in fresh if not self._attempts.alone(one)]
        if company or not fresh:
            return self._go(company, attempts=None)
        alone = fresh[0]
        if self._attempts.spent(alone):
            error = WorkerDied(f"the worker died each of the {alone.attempts} times it began this segment alone")
            return {alone.position: self._reject(alone, Failure("step", error), attempts=alone.attempts)}
        return self._go([alone], attempts=self._attempts.begin(alone))

    def _go(self, fresh: Sequence[Fresh[Arrival]], *, attempts: int | None) -> Mapping[Position, Stepped]:
        self._metrics.count("waves" if attempts is None else "waves_alone")
        self._metrics.count("wave_segments", len(fresh))
        failures: dict[Position, Failure] = {}
        prepared = self._prepare(fresh, failures)
        outcomes = self._infer(prepared, failures)
        answers: dict[Position, Stepped] = {}
        for one in fresh:
            position = one.position
            if position not in failures:
                try:
                    answers[position] = self._pipeline.finish(prepared[position], outcomes.get(position))
                except Exception as error:
                    failures[position] = Failure("finish", error)
            if position in failures:
                verdict = self._settle(one, failures[position], attempts=attempts, alone=len(fresh) == 1)
                if verdict is not None:
                    answers[position] = verdict
        return answers

    def _prepare(
        self, fresh: Sequence[Fresh[Arrival]], failures: dict[Position, Failure]
    ) -> Mapping[Position, Prepared]:
        began_s = self._clock.monotonic_s()
        prepared: dict[Position, Prepared] = {}
        calls = [partial(self._pipeline.prepare, one.member, one.record) for one in fresh]
        for one, future in zip(fresh, self._beside(calls), strict=True):
            try:
                prepared[one.position] = future.result()
            except Exception as error:
                failures[one.position] = Failure("prepare", error)
        self._metrics.observe("prepare", self._clock.monotonic_s() - began_s)
        return prepared

    def _infer(
        self, prepared: Mapping[Position, Prepared], failures: dict[Position, Failure]
    ) -> Mapping[Position, StepOutcome]:
        asked = {position: one.request for position, one in prepared.items() if one.request is not None}
        if not asked:
            return {}
        began_s = self._clock.monotonic_s()
        (future,) = self._beside([partial(self._models.infer, list(asked.values()))])
        try:
            outcomes = dict(zip(asked, future.result(), strict=True))
        except Unavailable:
            raise
        except Exception as error:
            # The call does not say whose fault it is: each of them will be asked alone.
            failures.update(dict.fromkeys(asked, Failure("infer", error)))
            return {}
        self._metrics.observe("model_call", self._clock.monotonic_s() - began_s)
        return outcomes

    def _settle(self, one: Fresh[Arrival], failure: Failure, *, attempts: int | None, alone: bool) -> Stepped | None:
        """A dead letter, or nothing: the segment will be tried again."""
        error = failure.error
        if isinstance(error, OF_THE_WORKER):
            raise error
        if isinstance(error, Unavailable):
            if alone:
                raise error
            return None
        if isinstance(error, BadInput):
            return self._reject(one, failure, attempts=attempts or 1)
        self._metrics.count("failures")
        _log.warning("segment %s failed in %s", one.position, failure.stage, exc_info=error)
        if attempts is None:
            self._attempts.suspect(one.position)
            return None
        if attempts < self._attempts.most:
            self._attempts.failed(one.position)
            return None
        return self._reject(one, failure, attempts=attempts)

    def _reject(self, one: Fresh[Arrival], failure: Failure, *, attempts: int) -> Stepped:
        return self._pipeline.reject(
            one.member, one.record, error=failure.error, stage=failure.stage, attempts=attempts
        )
