"""A poisoned segment ends in the dead letters, whatever it breaks; its neighbours never do."""

import json
from threading import Event

import pytest

from engine.errors import BadMedia, DecoderDied, InferenceUnavailable
from engine.pipeline import Arrival
from schemas.topics import DEAD_LETTERS, TURNS
from tests.laws.world import Crash, Points, Worker, World

POISON = "d2.1"


def poisoned(error: BaseException):
    def prepare(arrival: Arrival) -> None:
        if arrival.incoming.value == POISON.encode():
            raise error

    return prepare


def conversation(*, commit_every_s: float = 0.0) -> World:
    world = World(commit_every_s=commit_every_s)
    world.converse(dialogues=5, segments=4)
    return world


def restarted_until_done(world: World, *, most: int = 40, **settings) -> int:
    """How many processes died before everything was done."""
    for deaths in range(most):
        if world.worker(**settings).work():
            return deaths
    raise AssertionError(f"{most} processes died and it is not done")


def only_the_poison_is_dead(world: World) -> dict[str, object]:
    expected = world.expected(dialogues=5, segments=4)
    expected["d2"].remove(POISON)
    assert world.texts() == expected
    assert world.texts(DEAD_LETTERS) == {"d2": [POISON]}
    ((_, content),) = world.log(DEAD_LETTERS)["d2"]
    return json.loads(content)


@pytest.mark.parametrize("commit_every_s", [0.0, 0.35])
@pytest.mark.parametrize("wave_most", [1, 3, 32])
def test_a_segment_that_kills_every_worker(commit_every_s: float, wave_most: int) -> None:
    world = conversation(commit_every_s=commit_every_s)
    deaths = restarted_until_done(world, wave_most=wave_most, on_prepare=poisoned(Crash()), attempts_most=3)
    assert deaths <= 8
    dead = only_the_poison_is_dead(world)
    assert dead["attempts"] == 3
    assert "WorkerDied" in dead["error"]


def test_a_segment_that_crashes_its_decoder() -> None:
    world = conversation()
    worker = world.worker(on_prepare=poisoned(DecoderDied("it hung")), attempts_most=3)
    assert worker.work()
    dead = only_the_poison_is_dead(world)
    assert dead == {"attempts": 3, "error": "DecoderDied: it hung", "stage": "prepare", "text": POISON}
    # What is dead is no suspect any more.
    assert not any(
        world.store._attempts[position][0] for position in world.store._attempts if "begun" not in position.topic
    )


def test_an_error_nobody_foresaw_is_the_segments_own() -> None:
    world = conversation()
    assert world.worker(on_prepare=poisoned(ZeroDivisionError("odd")), attempts_most=2).work()
    assert only_the_poison_is_dead(world)["error"] == "ZeroDivisionError: odd"


def test_bad_input_is_dead_at_once() -> None:
    world = conversation()
    assert world.worker(on_prepare=poisoned(BadMedia("not media"))).work()
    assert only_the_poison_is_dead(world)["attempts"] == 1
    assert world.counts["waves_alone"] == 0


def test_a_failed_call_to_the_models_is_asked_again_one_by_one() -> None:
    world = conversation()

    def infer(wave) -> None:
        if len(wave) > 1:
            raise RuntimeError("cannot batch")

    assert world.worker(on_infer=infer).work()
    assert world.texts() == world.expected(dialogues=5, segments=4)
    assert world.log(DEAD_LETTERS) == {}


def test_a_model_server_that_is_away_condemns_nobody_not_even_alone() -> None:
    world = conversation()
    restarts = [Crash(), Crash(), Crash()]
    away = [0]
    prepared = [b""]

    def prepare(arrival: Arrival) -> None:
        # Three deaths over this segment, so that it runs alone; then the server is away for long.
        prepared[0] = arrival.incoming.value or b""
        if prepared[0] == POISON.encode() and restarts:
            raise restarts.pop()

    def infer(wave) -> None:
        if len(wave) == 1 and prepared[0] == POISON.encode() and away[0] < 12:
            away[0] += 1
            raise InferenceUnavailable("starting")

    assert restarted_until_done(world, on_prepare=prepare, on_infer=infer, attempts_most=2) == 3
    assert away == [12]
    assert world.texts() == world.expected(dialogues=5, segments=4)
    assert world.log(DEAD_LETTERS) == {}
    assert world.counts["retries"] >= 12


def test_what_one_segment_needs_and_is_away_holds_up_that_one_alone() -> None:
    world = conversation()
    answered: list[int] = []

    def prepare(arrival: Arrival) -> None:
        if arrival.incoming.value == POISON.encode() and len(answered) < 5:
            answered.append(len(world.broker.records(TURNS)))
            raise InferenceUnavailable("its media is behind a server that is away")

    assert world.worker(on_prepare=prepare).work()
    # Five dialogues' first segments, with two events each; then the other four of its own wave.
    assert answered == [10, 18, 18, 18, 18]
    assert world.texts() == world.expected(dialogues=5, segments=4)
    assert world.log(DEAD_LETTERS) == {}


def test_rolling_restarts_while_a_server_is_away_make_nobody_a_suspect() -> None:
    world = conversation()
    for _ in range(5):
        stop = Event()

        def infer(wave, stop=stop) -> None:
            stop.set()
            raise InferenceUnavailable("gone")

        world.worker(on_infer=infer).loop.run(stop)
    assert restarted_until_done(world) == 0
    assert world.counts["waves_alone"] == 0


def test_many_kills_condemn_nobody() -> None:
    world = conversation(commit_every_s=0.35)
    for after in [3, 9, 5, 14, 7, 2, 11, 6, 8, 4]:
        worker: Worker = world.worker(points=Points(after), attempts_most=3, wave_most=2)
        while worker.turn():
            if world.done():
                break
    assert restarted_until_done(world) == 0
    assert world.texts() == world.expected(dialogues=5, segments=4)
    assert world.log(DEAD_LETTERS) == {}
