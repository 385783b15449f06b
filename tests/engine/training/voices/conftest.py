from types import SimpleNamespace

import pytest

from engine.training.voices.recipe import load
from engine.training.voices.train import train

RECIPE = """name = "voice"
seed = 0
[corpora]
ravdess = "ravdess_speech_16k.tar"
emodb = "emodb_16k.tar"
[protocol]
name = "speakers"
folds = 3
[voice_encoder]
name = "voice-residual"
n_mels = 16
n_fft = 512
win_length = 512
hop_length = 320
top_db = 60.0
channels = [4, 6, 8]
width = 8
[training]
epochs = 3
batch = 8
learning_rate = 3e-3
weight_decay = 1e-2
label_smoothing = 0.1
dropout = 0.3
crop_s = 0.3
average = 0.9
members = 2
[augmentation]
versions = 3
speed = 0.1
noise = 0.3
babble = 0.3
reverberation = 0.3
telephone = 0.3
time_mask = 0.2
band_mask = 0.1
mixup = 0.3
"""


@pytest.fixture
def small_recipe(tmp_path):
    """A recipe with every option, in seconds."""
    return written(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, shared_corpora):
    """A run of that recipe that nothing cut; nothing in it may be changed."""
    folder = tmp_path_factory.mktemp("voices")
    recipe, steps = written(folder), []
    text = train(load(recipe), folder / "out", data=shared_corpora.folder, progress=lambda *said: steps.append(said))
    return SimpleNamespace(recipe=recipe, out=folder / "out", steps=steps, text=text, data=shared_corpora.folder)


def written(folder):
    path = folder / "voice.toml"
    path.write_text(RECIPE)
    return path
