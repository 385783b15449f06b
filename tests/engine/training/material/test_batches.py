import pytest
import torch

from engine.training.corpora import acted
from engine.training.corpora.base import Turn, Voice
from engine.training.material.batches import Assembler, only, without_modalities, without_one
from engine.training.material.tokens import TokenBank
from engine.training.recipe import DialogueTraining


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def chances(**changes):
    numbers = {
        "epochs": 1, "batch": 1, "learning_rate": 1e-3, "weight_decay": 0.0, "label_smoothing": 0.0, "versions": 2,
        "acted_turns": 4, "acted_copies": 1, "token_noise": 0.0, "audio_missing": 0.0, "video_missing": 0.0,
        "one_modality": 0.0, "participant_missing": 0.0,
    }  # fmt: skip
    return DialogueTraining(**(numbers | changes))


DIALOGUE = tuple(Turn(speaker="ABBAC"[n], label=n, voice=f"v{n}", face=n) for n in range(5))


@pytest.fixture
def assembler():
    voices = {f"v{n}": [torch.full((n + 1, 3), 10.0 * n + k) for k in range(2)] for n in range(5)}
    faces = {n: torch.stack([torch.full((4, 2), 100.0 * n + k) for k in range(2)]) for n in range(5)}
    return Assembler(bank=TokenBank(voices=voices, faces=faces), audio_width=3, video_width=2)


def test_a_plain_batch_has_every_turn_with_its_own_tokens(assembler):
    short = (only(DIALOGUE[2], voice=True), only(DIALOGUE[3], voice=False))
    batch = assembler.plain([DIALOGUE, short])
    assert batch.lengths.tolist() == [5, 2]
    assert batch.labels.tolist() == [0, 1, 2, 3, 4, 2, 3]
    assert batch.speakers[0].tolist() == [0, 1, 1, 0, 2]
    assert batch.speakers[1, :2].tolist() == [0, 1]
    assert batch.real.sum(dim=1).tolist() == [5, 2]
    assert batch.audio_mask.sum(dim=1).tolist() == [1, 2, 3, 4, 5, 3, 0]
    assert batch.video_mask.sum(dim=1).tolist() == [4, 4, 4, 4, 4, 0, 4]
    assert batch.audio[5, 0].tolist() == [20.0] * 3
    assert not batch.announced.any()


def test_a_participant_left_out_is_gone_and_the_rest_stay_in_order():
    speakers = set()
    for seed in range(20):
        left = without_one(DIALOGUE, 1.0, generator(seed))
        (missing,) = {"A", "B", "C"} - {turn.speaker for turn in left}
        speakers.add(missing)
        assert left == tuple(turn for turn in DIALOGUE if turn.speaker != missing)
    assert speakers == {"A", "B", "C"}
    assert without_one(DIALOGUE[1:3], 1.0, generator()) == DIALOGUE[1:3]
    assert without_one(DIALOGUE, 0.0, generator()) == DIALOGUE


def test_a_turn_may_be_there_with_neither_modality():
    count = 0
    for seed in range(40):
        left = without_modalities(DIALOGUE, chances(neither=0.5), generator(seed))
        assert [(turn.speaker, turn.label) for turn in left] == [(turn.speaker, turn.label) for turn in DIALOGUE]
        for before, turn in zip(DIALOGUE, left, strict=True):
            assert (turn.voice, turn.face) in ((before.voice, before.face), (None, None))
            count += turn.voice is None
    assert 60 < count < 140


def test_a_batch_with_neither_modality_has_no_token_and_every_label(assembler):
    batch = assembler.varied([DIALOGUE], chances(neither=1.0), generator())
    assert not batch.audio_mask.any()
    assert not batch.video_mask.any()
    assert batch.labels.tolist() == [0, 1, 2, 3, 4]


def test_every_turn_keeps_a_modality():
    kinds = set()
    for seed in range(40):
        drawn = chances(audio_missing=0.4, video_missing=0.4, one_modality=0.5)
        turns = without_modalities(DIALOGUE, drawn, generator(seed))
        kinds |= {(turn.voice is None, turn.face is None) for turn in turns}
    assert kinds == {(False, False), (True, False), (False, True)}


def test_varied_batches_draw_versions_and_leave_plain_ones_alone(assembler):
    seen = {float(assembler.varied([DIALOGUE], chances(), generator(seed)).audio[1, 0, 0]) for seed in range(20)}
    assert seen == {10.0, 11.0}
    assert float(assembler.plain([DIALOGUE]).audio[1, 0, 0]) == 10.0


def test_acted_calls_hold_every_recording_as_often_as_asked():
    voices = [
        Voice(name=f"{speaker}{n}", speaker=speaker, label=n % 7, audio=torch.zeros(1).numpy())
        for speaker, count in (("03", 9), ("08", 4), ("09", 5))
        for n in range(count)
    ]
    calls = acted.dialogues(voices, turns=6, copies=3, seed=1)
    named = [turn.voice for call in calls for turn in call]
    assert sorted(named) == sorted([voice.name for voice in voices] * 3)
    assert max(map(len, calls)) == 6
    assert max(len({turn.speaker for turn in call}) for call in calls) == 2
    assert calls == acted.dialogues(voices, turns=6, copies=3, seed=1)
