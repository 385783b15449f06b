import pytest

from engine.build import build_vad
from engine.config import Config, read_config
from engine.errors import ConfigurationError
from engine.vad.silero import SileroDetector
from engine.vad.webrtc import WebrtcDetector


@pytest.mark.parametrize(("name", "kind"), [("silero", SileroDetector), ("webrtc", WebrtcDetector)])
def test_the_detector_is_a_setting(tmp_path, name, kind):
    file = tmp_path / "turntone.toml"
    file.write_text(f'[vad]\ndetector = "{name}"\n')
    assert isinstance(build_vad(read_config(file)), kind)


def test_silero_is_the_default():
    assert isinstance(build_vad(Config()), SileroDetector)


def test_another_detector_is_refused(tmp_path):
    file = tmp_path / "turntone.toml"
    file.write_text('[vad]\ndetector = "other"\n')
    with pytest.raises(ConfigurationError, match=r"setting vad\.detector"):
        read_config(file)
