from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Event

import pytest

from actors.crew import Crew
from actors.progress import Step, unseen
from actors.worker import DialogueWorker, Loop
from engine.clock import ManualClock
from engine.config import Config
from engine.errors import CheckpointError, LostOwnership
from engine.metrics import Metrics, Reading

CONFIG = Config()


class Dies(Exception):
    pass


class Work:
    """A loop that serves until it is told to stop, or made to fail."""

    def __init__(self, metrics: Metrics) -> None:
        self.failure: list[BaseException] = []
        self.wake = Event()
        self.metrics = metrics

    def run(self, stop: Event) -> None:
        self.metrics.count("runs")
        while not stop.is_set():
            self.wake.wait(0.01)
            if self.failure:
                raise self.failure[0]


class InThreads:
    """A plain worker, its calls in threads as an actor's are."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.slots: list[str] = []
        self.closed: list[str] = []
        self.dismissed = False
        self._threads = ThreadPoolExecutor()
        self.worker = DialogueWorker(prepare=self._prepare)

    def _prepare(self, metrics: Metrics):
        self.work = Work(metrics)

        @contextmanager
        def opened(slot: str, config: Config) -> Iterator[Loop]:
            self.slots.append(slot)
            yield self.work
            self.closed.append(slot)

        return opened

    def warm(self) -> Future[int]:
        return self._threads.submit(lambda: self.number)

    def serve(self, slot: str, config: Config) -> Future[None]:
        self.ended = self._threads.submit(self.worker.serve, slot, config)
        return self.ended

    def drain(self) -> None:
        self.worker.drain()

    def reading(self) -> Future[Reading]:
        return self._threads.submit(self.worker.reading)

    def dismiss(self) -> None:
        self.dismissed = True
        self.worker.drain()
        self._threads.shutdown(wait=False)


class Office:
    def __init__(self) -> None:
        self.hired: list[InThreads] = []

    def __call__(self) -> InThreads:
        self.hired.append(InThreads(len(self.hired)))
        return self.hired[-1]


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    yield office
    for hand in office.hired:
        hand.dismiss()


def crew_of(office: Office, *, clock: ManualClock | None = None, progress=unseen) -> Crew:
    crew = Crew(hire=office, slots=["a", "b"], standby=True, clock=clock or ManualClock(), progress=progress)
    crew.hire()
    crew.begin(CONFIG, warm_s=10.0)
    return crew


def test_every_slot_is_filled_and_one_more_is_kept_warm(office):
    crew = crew_of(office)
    assert len(office.hired) == 3
    assert crew.pids() == {"a": 0, "b": 1}
    crew.drain(timeout_s=10.0)
    assert office.hired[0].closed == ["a"]
    assert office.hired[1].closed == ["b"]
    assert office.hired[2].slots == []
    assert all(hand.dismissed for hand in office.hired)


def test_the_warm_one_takes_the_slot_of_one_that_ended_and_another_is_hired(office):
    steps: list[Step] = []
    crew = crew_of(office, progress=steps.append)
    office.hired[0].work.failure.append(LostOwnership("fenced"))
    while not any(step.status == "restarted" for step in steps):
        crew.look_after(timeout_s=5.0)
    assert crew.pids() == {"a": 2, "b": 1}
    assert office.hired[0].dismissed
    assert len(office.hired) == 4
    assert next(step for step in steps if step.status == "restarted").note == "fenced"
    crew.drain(timeout_s=10.0)
    assert office.hired[2].slots == ["a"]


def test_who_dies_as_soon_as_it_starts_is_not_started_in_a_circle(office):
    clock = ManualClock()
    restarts: list[Step] = []
    crew = crew_of(office, clock=clock, progress=lambda step: restarts.append(step) if step.took_s == 0.0 else None)
    restarts.clear()
    for death in range(3):
        hand = next(hand for hand in office.hired if hand.number == crew.pids()["a"])
        hand.work.failure.append(Dies())
        while len([step for step in restarts if step.status == "restarted"]) == death:
            crew.look_after(timeout_s=5.0)
        if death > 0:
            assert "a" not in crew.pids()
            clock.advance(2.0 ** (death - 1))
            crew.look_after(timeout_s=0.0)
        assert "a" in crew.pids()
    crew.drain(timeout_s=10.0)


def test_what_only_a_person_can_put_right_is_raised(office):
    crew = crew_of(office)
    office.hired[1].work.failure.append(CheckpointError("no such folder"))
    ended = office.hired[1].ended
    wait([ended], timeout=30.0)
    with pytest.raises(CheckpointError, match="no such folder"):
        crew.look_after(timeout_s=0.0)


def test_figures_of_all_workers_add_up(office):
    crew = crew_of(office)
    for hand in office.hired[:2]:
        while not hand.worker.reading().counts:
            hand.work.wake.wait(0.01)
    assert crew.reading().counts == {"runs": 2}
    crew.drain(timeout_s=10.0)


def test_a_crew_grows_by_the_warm_one_and_shrinks_by_its_last(office):
    steps: list[Step] = []
    crew = Crew(hire=office, slots=["worker-0"], standby=True, clock=ManualClock(), progress=steps.append)
    crew.hire()
    crew.begin(CONFIG, warm_s=10.0)
    crew.want(3)
    crew.look_after(timeout_s=0.0)
    assert crew.pids() == {"worker-0": 0, "worker-1": 1, "worker-2": 2}
    crew.want(1)
    while len(crew.pids()) > 1:
        crew.look_after(timeout_s=5.0)
    assert crew.pids() == {"worker-0": 0}
    assert office.hired[1].closed == ["worker-1"]
    assert office.hired[2].closed == ["worker-2"]
    assert not [step for step in steps if step.status == "restarted"]
    crew.want(2)
    crew.look_after(timeout_s=0.0)
    assert set(crew.pids()) == {"worker-0", "worker-1"}
    crew.drain(timeout_s=10.0)
