"""A crash before or after any effect loses nothing, forges nothing, and leaves the log of a quiet run."""

import pytest

from schemas.topics import DEAD_LETTERS
from tests.laws.world import Points, World


def conversation(**settings) -> World:
    world = World(**settings)
    world.converse(dialogues=4, segments=4)
    return world


@pytest.mark.parametrize("commit_every_s", [0.0, 0.35])
@pytest.mark.parametrize("on_their_way", [0, 2])
def test_a_crash_at_every_point_leaves_the_quiet_log(commit_every_s: float, on_their_way: int) -> None:
    settings = {"wave_most": 3, "backlog_most": 6}
    quiet = conversation(commit_every_s=commit_every_s)
    counted = Points()
    assert quiet.worker(points=counted, **settings).work()
    assert {name for name in counted.names} >= {
        f"{when} {effect}"
        for when in ("before", "after")
        for effect in ("poll", "load", "infer", "commit", "publish", "flush")
    }

    for fatal in range(counted.passed):
        world = conversation(commit_every_s=commit_every_s)
        died = not world.worker(points=Points(fatal), on_their_way=on_their_way, **settings).work()
        assert died
        assert world.worker(**settings).work()
        assert world.log() == quiet.log(), f"after a crash {counted.names[fatal]} ({fatal})"
        assert world.log(DEAD_LETTERS) == {}
