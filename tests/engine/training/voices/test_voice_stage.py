import pytest
import torch

from engine.errors import ConfigurationError
from engine.features.no_faces import NoFaces
from engine.training.corpora.base import NO_FACES
from engine.training.curriculum import Curriculum
from engine.training.fitting.keeping import read_rows
from engine.training.fitting.stages import Stages
from engine.training.learned.front_ends import FrontEnds
from engine.training.material import tokens
from engine.training.recipe import VoiceAugmentation, load

NUMBERS = {"name": "voice-residual", "n_mels": 16, "n_fft": 512, "win_length": 512, "hop_length": 320}
NUMBERS |= {"top_db": 60.0, "channels": [4, 6], "width": 8}
LOUD = VoiceAugmentation(versions=2, babble=1.0, mixup=0.3)


class Killed(Exception):
    pass


@pytest.fixture
def recipe(small_corpora):
    chosen = load(small_corpora.recipe)
    schedule = chosen.voice_training.model_copy(update={"epochs": 3, "average": 0.5})
    return chosen.model_copy(
        update={"voice": NUMBERS, "voice_training": schedule, "voice_augmentation": LOUD},
    )


def learned(recipe, data, folder, progress=lambda *_: None):
    front = FrontEnds(recipe, stages=Stages(folder), progress=progress)
    return front, front.learn_voice(Curriculum(recipe, data=data))


def test_a_recipe_with_an_augmentation_learns_under_a_head_for_each_corpus(recipe, small_corpora, tmp_path):
    front, found = learned(recipe, small_corpora.folder, tmp_path / "once")
    assert set(found) == {"RAVDESS dev actors", "EmoDB dev speaker"}
    assert sum(scores.turns for scores in found.values()) == 8 + 6
    rows = read_rows(front.epochs["voice"])
    assert len(rows) == 3
    assert "dev_weighted_f1" in rows[0]
    steps = []

    def die(*said):
        steps.append(said)
        if len(steps) == 5:
            raise Killed

    with pytest.raises(Killed):
        learned(recipe, small_corpora.folder, tmp_path / "twice", die)
    again, _ = learned(recipe, small_corpora.folder, tmp_path / "twice")
    torch.testing.assert_close(front.voice.state_dict(), again.voice.state_dict(), rtol=0, atol=0)
    other = recipe.model_copy(update={"voice_augmentation": LOUD.model_copy(update={"mixup": 0.0})})
    assert recipe.digest("voice_augmentation") != other.digest("voice_augmentation")


def test_an_encoder_that_hears_no_log_mel_is_refused(recipe, small_corpora, tmp_path):
    mel = {"n_mels": 16, "n_fft": 512, "win_length": 400, "hop_length": 160}
    other = recipe.model_copy(update={"voice": {"name": "resnet18-mel", "clip_frames": 10, "stem_stride": 2} | mel})
    with pytest.raises(ConfigurationError, match="resnet18-mel"):
        learned(other, small_corpora.folder, tmp_path)


def test_versions_of_tokens_are_made_with_the_augmentation_of_the_voice(recipe, small_corpora, tmp_path):
    front = FrontEnds(recipe, stages=Stages(tmp_path), progress=lambda *_: None)
    voices = Curriculum(recipe, data=small_corpora.folder).voices

    def first(augmentation, versions=2):
        bank = tokens.fill(
            voice_encoder=front.voice,
            face_encoder=NoFaces(),
            voices=voices,
            faces=NO_FACES,
            face_indices=[],
            versions=versions,
            seed=0,
            augmentation=augmentation,
        )
        return bank.voices[voices[0].name]

    loud, quiet = first(LOUD), first(LOUD.model_copy(update={"babble": 0.0}))
    assert torch.equal(loud[0], quiet[0])
    assert torch.equal(loud[0], first(None, versions=1)[0])
    assert loud[1].shape != quiet[1].shape or not torch.equal(loud[1], quiet[1])
