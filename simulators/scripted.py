"""Scripted dialogues as files: what a table says is spoken and shown, in a folder with a manifest, to be replayed."""

import csv
import wave
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from engine.signals import SAMPLE_RATE_HZ, Waveform
from engine.training.corpora import fer2013, ravdess, scripted
from schemas.labels import EMOTIONS
from simulators.manifest import REQUIRED

_FACE, _PICTURE = 160, 256
"""Pixels: a face that fills its picture is found less often than one with a little around it."""


def write(data: Path, folder: Path) -> Path:
    """Write the test's voices and faces, and the manifest that names them, into `folder`; returns the manifest.

    data: where the corpora lie, under the names that `turntone evaluate --on scripted` reads. Every recording and every
    picture is written once, however often it is used. Raises `ConfigurationError`: one of the corpora is not there.
    """
    dialogues = scripted.read(data / "scripted" / "scripted_test.csv")
    faces = fer2013.Fer2013(data / "fer2013.npz").source("test").images
    for voice in ravdess.read(data / "ravdess_speech_16k.tar", actors=scripted.ACTORS["test"]):
        _write_sound(folder / f"{voice.name}.wav", voice.audio)
    for face in {turn.face for one in dialogues for turn in one if turn.face is not None}:
        _write_picture(folder / f"{face}.png", faces[face])
    path = folder / "scripted.csv"
    with path.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow((*REQUIRED, "face"))
        for number, dialogue in enumerate(dialogues):
            for place, turn in enumerate(dialogue):
                sound = "" if turn.voice is None else f"{turn.voice}.wav"
                picture = "" if turn.face is None else f"{turn.face}.png"
                said = EMOTIONS[turn.label]
                writer.writerow((f"scripted{number}", place, turn.speaker, sound, "", "", said, picture))
    return path


def _write_sound(path: Path, audio: Waveform) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((audio * 32768).round().clip(-32768, 32767).astype("<i2").tobytes())


def _write_picture(path: Path, grey: NDArray[np.uint8]) -> None:
    """A grey face `[S, S]` in the middle of a bigger picture, whose rim goes on as the face's does."""
    large = (
        VideoFrame.from_ndarray(grey, format="gray").reformat(width=_FACE, height=_FACE, format="rgb24").to_ndarray()
    )
    rim = (_PICTURE - _FACE) // 2
    pixels: NDArray[np.uint8] = np.pad(large, ((rim, rim), (rim, rim), (0, 0)), mode="edge").astype(np.uint8)
    frame = VideoFrame.from_ndarray(pixels, format="rgb24")
    coder = av.CodecContext.create("png", "w")
    coder.width, coder.height, coder.pix_fmt = _PICTURE, _PICTURE, "rgb24"
    path.write_bytes(b"".join(bytes(packet) for packet in (*coder.encode(frame), *coder.encode(None))))
