"""A crash at any point of a dialogue whose turns are said again leaves the log of a quiet run: each turn again once."""

import pytest
import torch

from engine import snapshot
from engine.decision import decision, looking_again
from engine.features.builders import audio_encoder, video_encoder
from engine.fusion.builders import fusion
from engine.models import LocalModels
from engine.parts import Parts
from engine.state.codec import decode_record
from engine.summary import summary_of
from schemas.events import DialogueEvent, EmotionEvent
from schemas.topics import DIALOGUES, ENDED_TYPE, STATES, TURNS
from tests.engine import spoken
from tests.laws.spoken_world import SpokenWorld
from tests.laws.world import Points

AHEAD = 2
TALK = (
    spoken.incoming(1, (10, 0.3), speaker="ann", role="customer"),
    spoken.incoming(2, (80, 0.4), speaker="bob", role="customer"),
    spoken.incoming(3, (10, 0.3), speaker="ann", role="customer"),
    spoken.incoming(4, (40, 0.3), speaker="eve", role="agent"),
    spoken.incoming(5, (80, 0.3), speaker="bob", role="customer"),
    spoken.incoming(6, kind=ENDED_TYPE, value=b""),
)


def untrained(seed: int) -> LocalModels:
    """Models whose answers mean nothing and are always the same, the second look's unlike the first's."""
    torch.manual_seed(seed)
    mel = {"n_mels": 8, "n_fft": 512, "win_length": 400, "hop_length": 160, "top_db": 60.0, "channels": [4], "width": 8}
    voice, face = audio_encoder(mel), video_encoder({"channels": [4, 4, 4, 4], "depths": [1, 1, 1, 1], "width": 8})
    fused = fusion("avafn", audio_width=8, video_width=8, width=8, classes=7)
    parts = Parts(
        voice=voice,
        face=face,
        fusion=fused,
        decision=looking_again(decision({"width": 8}), turns_ahead=AHEAD),
        temperature=0.02,
        abstain_below=0.0,
        revised_temperature=0.02,
    )
    for module in parts.modules.values():
        module.eval()
    return LocalModels(model_id="m1", parts=parts, explain=False, device=torch.device("cpu"))


class World(SpokenWorld):
    """The conversation of these tests."""

    def __init__(self, models: LocalModels) -> None:
        super().__init__(models, TALK, spoken.build)

    def said(self) -> list[EmotionEvent]:
        return [EmotionEvent.model_validate_json(value) for _, value in self.log(TURNS)]

    def turns(self) -> list[tuple[int | None, int]]:
        return [(event.turn, event.revision) for event in self.said()]


@pytest.fixture(scope="module")
def models() -> LocalModels:
    return untrained(seed=1)


def test_a_quiet_run_says_each_turn_but_the_last_again_once(models: LocalModels) -> None:
    world = World(models)
    assert world.work(Points())
    assert world.turns() == [(0, 0), (1, 0), (2, 0), (0, 1), (3, 0), (4, 0), (1, 1), (2, 1)]
    (record,) = world.store.load(["d"]).records.values()
    assert (record.status, record.recent, record.state) == ("ended", (), b"")
    # On the way, the state was never longer than the next turns are many, and held nobody who is denied.
    for kept in (decode_record(one.value or b"") for one in world.broker.records(STATES)):
        assert len(kept.recent) <= AHEAD
        assert not [name for name in snapshot.decode(kept.state) if "eve" in name]


def test_the_end_tells_what_was_said_last(models: LocalModels) -> None:
    """Turns are looked at again while the statistics already grow."""
    world = World(models)
    assert world.work(Points())
    last = {event.turn: event for event in sorted(world.said(), key=lambda event: event.revision)}
    *_, ended = [DialogueEvent.model_validate_json(value) for _, value in world.log(DIALOGUES)]
    assert set(ended.speakers) == {"ann", "bob", "eve"}
    for name, told in ended.speakers.items():
        turns = sorted((event for event in last.values() if event.speaker == name), key=lambda event: event.turn or 0)
        assert told == summary_of(turns)


@pytest.mark.parametrize("on_their_way", [0, 2])
def test_a_crash_at_every_point_leaves_the_quiet_log(models: LocalModels, on_their_way: int) -> None:
    quiet, counted = World(models), Points()
    assert quiet.work(counted)
    assert {
        f"{when} {effect}" for when in ("before", "after") for effect in ("infer", "commit", "publish", "flush")
    } <= {*counted.names}
    for fatal in range(counted.passed):
        world = World(models)
        assert not world.work(Points(fatal), on_their_way=on_their_way)
        assert world.work(Points())
        assert world.log() == quiet.log(), f"after a crash {counted.names[fatal]} ({fatal})"


def test_who_takes_over_computing_otherwise_puts_no_second_content_under_an_id(models: LocalModels) -> None:
    counted = Points()
    assert World(models).work(counted)
    for fatal in range(counted.passed):
        world = World(models)
        assert not world.work(Points(fatal), on_their_way=2)
        world.models = untrained(seed=2)
        assert world.work(Points())
        again = [turn for turn, revision in world.turns() if revision]
        assert sorted(again) == sorted(set(again)), "a turn was said again twice"
