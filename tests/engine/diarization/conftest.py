"""Sounds for the diarization tests: one made by formula, and real voices where the shared data is there."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.build import build_segment_detector
from engine.diarization.clustering import ClusteringSettings
from engine.diarization.pyannote import PyannotePipeline
from engine.diarization.registry import RegistrySettings
from engine.diarization.resemblyzer import load_resemblyzer
from engine.diarization.separator import VoiceSeparator
from engine.diarization.windows import WindowEmbedder

DATA = Path(__file__).parents[4] / "shared" / "data"
Sound = NDArray[np.float32]


def voicelike(duration_s: float, pitch_hz: float = 120.0) -> Sound:
    """The rhythm and the harmonics of a voice, by formula."""
    t = np.arange(round(16_000 * duration_s)) / 16_000
    phase = 2 * np.pi * pitch_hz * (t + 0.004 * np.sin(2 * np.pi * 3 * t))
    formant_hz = 700 + 300 * np.sin(2 * np.pi * 2.5 * t)
    sound = sum(
        np.exp(-(((k * pitch_hz - formant_hz) / 250) ** 2)) * np.sin(k * phase) + 0.3 * np.sin(k * phase) / k**2
        for k in range(1, 25)
    )
    syllables = np.clip(np.sin(2 * np.pi * 2 * t), 0, 1)
    return (0.2 * syllables * sound).astype(np.float32)


def decode(source: io.BytesIO) -> Sound:
    with av.open(source) as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    samples = np.concatenate(frames)
    return samples.astype(np.float32) / np.iinfo(samples.dtype).max if samples.dtype.kind == "i" else samples


@pytest.fixture(scope="session")
def by_formula() -> Callable[..., Sound]:
    return voicelike


@pytest.fixture(scope="session")
def emodb() -> dict[str, list[Sound]]:
    """The neutral utterances of each of EmoDB's speakers that the shared data holds."""
    path = DATA / "emodb_16k.tar"
    if not path.exists():
        pytest.skip("the EmoDB recordings are not in ../shared/data")
    voices: dict[str, list[Sound]] = {}
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            name = Path(member.name).name
            if name.endswith(".flac") and name[5] == "N":
                stream = archive.extractfile(member)
                assert stream is not None
                voices.setdefault(name[:2], []).append(decode(io.BytesIO(stream.read())))
    return voices


@pytest.fixture(scope="session")
def embedded() -> PyannotePipeline:
    return PyannotePipeline.embedded()


@pytest.fixture(scope="session")
def separator() -> VoiceSeparator:
    return VoiceSeparator(
        detect=build_segment_detector().detect,
        embedder=WindowEmbedder(encoder=load_resemblyzer()),
        clustering=ClusteringSettings(),
        registry=RegistrySettings(),
    )
