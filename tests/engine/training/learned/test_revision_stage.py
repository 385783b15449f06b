"""The stage of the backward cells: what it changes, and that what it measures is what a stream says again."""

import numpy as np
import pytest
import torch

from engine import artifact, parts
from engine.calibration import probabilities
from engine.decision import decision, looking_again
from engine.errors import ConfigurationError
from engine.fusion.builders import fusion
from engine.models import load_models
from engine.signals import StepRequest, Utterance
from engine.training.corpora import ravdess, scripted
from engine.training.corpora.base import NO_FACES, Turn
from engine.training.fitting.fit import Following
from engine.training.learned.revision import TwoLooks, look_twice, told, train_revision
from engine.training.material import tokens
from engine.training.material.batches import Assembler, only
from engine.training.material.tokens import TokenBank
from engine.training.measured.evaluate import evaluate
from engine.training.recipe import DialogueTraining, RevisionTraining, load
from engine.training.train import train

AHEAD = 2
SECTION = f"""[revision]
turns = {AHEAD}
epochs = 1
batch = 2
learning_rate = 1e-2
weight_decay = 1e-3
label_smoothing = 0.0
dropout = 0.1
[calibration]
"""

CHANCES = DialogueTraining(
    epochs=1,
    batch=1,
    learning_rate=1.0,
    weight_decay=0.0,
    label_smoothing=0.0,
    patience=None,
    versions=1,
    acted_turns=1,
    acted_copies=1,
    token_noise=0.0,
    audio_missing=0.0,
    video_missing=0.0,
    one_modality=0.0,
    participant_missing=0.0,
)
"""Everything as it is."""


@pytest.fixture(scope="module")
def made(shared_corpora, tmp_path_factory):
    """A checkpoint that looks again, the same without, and the steps of the second's training after the first's."""
    folder = tmp_path_factory.mktemp("runs")
    recipe = folder / "again.toml"
    recipe.write_text(shared_corpora.recipe.read_text().replace("[calibration]\n", SECTION))
    steps = []

    def make(path, name):
        return train(
            load(path),
            folder / name,
            data=shared_corpora.folder,
            progress=lambda stage, *_: steps.append(stage),
            stages=folder / "stages",
        )

    plain = make(shared_corpora.recipe, "plain")
    before = set(steps)
    steps.clear()
    return make(recipe, "again"), plain, before, set(steps), recipe


def test_nothing_is_learned_but_the_backward_cells(made):
    again, plain, before, after, _ = made
    assert before == {"voice", "face", "dialogues"}
    assert after == {"revision"}
    ours, theirs = artifact.read(again), artifact.read(plain)
    assert {name for name in ours.tensors if name not in theirs.tensors} == {
        f"revision.{name}" for name in ours.part("revision")
    }
    for name, tensor in theirs.tensors.items():
        assert torch.equal(ours.tensors[name], tensor)
    assert ours.config["revision"] == {"turns_ahead": AHEAD, "dropout": 0.1}
    temperature = ours.config["calibration"].pop("revised_temperature")
    assert temperature > 0
    assert ours.config["calibration"] == theirs.config["calibration"]
    assert "revision" not in theirs.config
    assert ours.model_id != theirs.model_id


def test_a_turn_is_said_again_in_a_stream_as_it_was_measured(made, shared_corpora):
    read = artifact.read(made[0])
    loaded = parts.load(read)
    table = shared_corpora.folder / "scripted" / "scripted_dev.csv"
    dialogue = tuple(only(turn, voice=True) for turn in scripted.read(table)[0])
    voices = ravdess.read(shared_corpora.folder / "ravdess_speech_16k.tar", actors=[15])
    bank = tokens.fill(
        voice_encoder=loaded.voice,
        face_encoder=loaded.face,
        voices=voices,
        faces=NO_FACES,
        face_indices=[],
        versions=1,
        seed=0,
    )
    looks = look_twice(loaded.fusion, loaded.decision, [dialogue], Assembler(bank=bank, audio_width=8, video_width=8))
    assert looks.later.tolist() == [True] * 7 + [False]
    expected = probabilities(looks.second, temperature=loaded.revised_temperature)
    audio = {voice.name: voice.audio for voice in voices}
    turns = [Utterance(turn.speaker, audio[turn.voice], None, place) for place, turn in enumerate(dialogue)]

    models, tensors, revised = load_models(read, explain=True, device="cpu"), {}, []
    for some in (turns[:3], turns[3:4], turns[4:], []):
        (outcome,) = models.infer([StepRequest(tensors, tuple(some), ended=not some)])
        tensors = outcome.tensors
        revised += outcome.revised
    assert [one.number for one in revised] == list(range(7))
    np.testing.assert_allclose(np.stack([one.distribution for one in revised]), expected[:7], atol=1e-4)
    assert all(one.abstained is None or one.confidence < loaded.abstain_below for one in revised)
    (still,) = load_models(read, explain=False, device="cpu", revise=False).infer([StepRequest({}, tuple(turns))])
    assert still.revised == ()


def test_what_only_the_next_turn_tells_is_learned(tmp_path):
    torch.manual_seed(0)
    states = looking_again(decision({"width": 8}), turns_ahead=1)
    model = fusion("avafn", audio_width=4, video_width=4, width=8, classes=7)
    for module in (model, *states.modules.values()):
        module.eval()
    generator = torch.Generator().manual_seed(1)
    voices = {name: [torch.randn(1, 4, generator=generator)] for name in ("joy", "anger")}
    using = Assembler(bank=TokenBank(voices=voices, faces={}), audio_width=4, video_width=4)
    # What a turn is can be heard in the next one alone.
    heard = [torch.randint(0, 2, (4,), generator=generator).tolist() for _ in range(32)]
    dialogues = [
        tuple(Turn(speaker="a", label=(1, 3)[says], voice=("joy", "anger")[now], face=None) for says, now in pairs)
        for pairs in ([(later, now) for now, later in zip(one, [*one[1:], 0], strict=True)] for one in heard)
    ]

    schedule = RevisionTraining(
        turns=1,
        dropout=0.0,
        epochs=100,
        batch=32,
        learning_rate=3e-2,
        weight_decay=0.0,
        label_smoothing=0.0,
        patience=None,
    )
    before = look_twice(model, states, dialogues, using)
    following = Following(lambda *_: None, tmp_path / "state.pt")
    train_revision(model, states, dialogues, using, schedule=schedule, chances=CHANCES, seed=0, following=following)
    after = look_twice(model, states, dialogues, using)
    np.testing.assert_array_equal(after.first, before.first)
    right = (after.second.argmax(axis=1) == after.labels)[after.later].mean()
    assert right > 0.9 > (after.first.argmax(axis=1) == after.labels)[after.later].mean()


def test_the_tables_and_the_card_tell_what_was_said_again(made, shared_corpora):
    again, plain, *_ = made
    lines = {
        line.name: line for row in evaluate(str(again), "scripted", data=shared_corpora.folder) for line in row.lines
    }
    line = lines["scripted test, said again"]
    assert 0 <= line.said_again <= 7 / 8
    assert line.scores.turns == 24
    assert {"gain_of_revision", "said_again"} <= line.as_json().keys()
    assert not [name for name in _names(plain, shared_corpora) if "said again" in name]
    assert f"when the next {AHEAD} are known" in " ".join((again / "README.md").read_text().split())
    assert "looked at again" not in (plain / "README.md").read_text()
    assert "scripted dev, said again" in artifact.read(again).config["metrics"]


def _names(checkpoint, corpora):
    return [line.name for row in evaluate(str(checkpoint), "scripted", data=corpora.folder) for line in row.lines]


def test_single_utterances_are_not_said_again(made, shared_corpora):
    rows = list(evaluate(str(made[0]), "ravdess", data=shared_corpora.folder))
    assert [row.revised for row in rows] == [None]


def test_a_recipe_whose_utterances_decide_alone_cannot_look_again(made, shared_corpora, tmp_path):
    with pytest.raises(ConfigurationError, match="the utterance alone decides"):
        train(load(made[4]).choosing(dialogue="none"), tmp_path, data=shared_corpora.folder, progress=lambda *_: None)
    assert not list(tmp_path.iterdir())


def test_what_is_told_follows_the_rule():
    sure = np.log(np.full((4, 7), 0.05) + 0.65 * np.eye(7)[[1, 1, 1, 1]])
    second = np.log(np.full((4, 7), 0.05) + 0.65 * np.eye(7)[[1, 3, 3, 1]])
    second[3] = np.log(np.full(7, 0.075) + 0.475 * np.eye(7)[1])
    looks = TwoLooks(sure, second, np.array([True, True, False, True]), np.array([1, 3, 3, 1]))
    said = told(looks, temperature=1.0, revised_temperature=1.0, abstain_below=0.3)
    assert said.again.tolist() == [False, True, False, True]
    assert said.last.argmax(axis=1).tolist() == [1, 3, 1, 1]
    np.testing.assert_allclose(said.first, np.exp(sure))
