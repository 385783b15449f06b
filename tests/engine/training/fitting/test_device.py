import pytest
import torch

from actors.cli import main
from engine.errors import ConfigurationError
from engine.training.fitting.device import device

WITHOUT = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


def test_the_processor_can_always_be_asked_for():
    assert device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "mps", ""])
def test_what_is_no_device_is_named(name):
    with pytest.raises(ConfigurationError, match="say cpu, cuda, or cuda:1"):
        device(name)


@WITHOUT
def test_where_there_is_no_gpu_the_processor_is_taken_and_a_gpu_refused():
    assert device(None) == torch.device("cpu")
    with pytest.raises(ConfigurationError, match="there are 0 GPUs here"):
        device("cuda")


@WITHOUT
def test_the_command_line_says_what_to_do_without_a_gpu(small_corpora, tmp_path, capsys):
    command = ["train", str(small_corpora.recipe), "--data", str(small_corpora.folder), "--out", str(tmp_path / "o")]
    assert main([*command, "--device", "cuda:1"]) == 1
    assert "cpu always works" in capsys.readouterr().err
    assert not (tmp_path / "o" / "stages").exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_whole_training_runs_on_a_gpu(small_corpora, tmp_path):
    command = ["train", str(small_corpora.recipe), "--data", str(small_corpora.folder), "--out", str(tmp_path / "o")]
    assert main([*command, "--device", "cuda"]) == 0
    assert (tmp_path / "o" / "model.safetensors").is_file()
