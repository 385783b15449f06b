import signal

import numpy as np
import pytest

from actors.cli import main
from engine.training import train as training

RECIPE = """
name = "small"
seed = 0
[data]
fer2013 = "fer2013.npz"
dev_share = 0.2
[face_encoder]
name = "efficientface"
side = 24
crop = 16
grey = true
mirrored = false
stem_stride = 2
[training]
augmentation = 0.5
batch = 8
weight_decay = 1e-2
label_smoothing = 0.1
average = 0.9
half = false
[[training.cycles]]
side = 24
crop = 16
epochs = 2
warm_up = 0.3
learning_rate = 1e-3
[losses]
affinity = 0.0
partition = 0.0
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 255, (30, 48, 48), dtype=np.uint8), np.arange(30) % 7
    names = np.array(["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"])
    (tmp_path / "data").mkdir()
    np.savez(
        tmp_path / "data" / "fer2013.npz",
        label_names=names,
        train_image=images,
        train_label=labels,
        valid_image=images[:7],
        valid_label=labels[:7],
    )
    (tmp_path / "small.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return ["train", "small.toml", "--data", "data"]


def test_a_face_encoder_is_trained_and_lies_under_runs(command, tmp_path, capsys):
    assert main(command) == 0
    assert "README.md" in capsys.readouterr().out
    assert (tmp_path / "runs" / "small" / "model.safetensors").is_file()


def test_control_c_loses_nothing(command, tmp_path, monkeypatch, capsys):
    steps = []
    plain = training.in_terminal

    def interrupted():
        bar, progress = plain()

        def report(stage, done, *rest):
            steps.append(done)
            if done == 4:
                signal.raise_signal(signal.SIGINT)
            progress(stage, done, *rest)

        return bar, report

    monkeypatch.setattr(training, "in_terminal", interrupted)
    before = signal.getsignal(signal.SIGINT)
    assert main(command) == 130
    assert "same command" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before
    assert main(command) == 0
    assert steps == list(range(1, 7))
    assert (tmp_path / "runs" / "small" / "config.json").is_file()
