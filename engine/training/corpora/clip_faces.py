"""Faces of clips: in each, the face that speaks, as one grey picture."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from engine.faces.base import FaceLocator
from engine.features.face import SIDE
from engine.perceive import SpeakingFace
from engine.signals import FaceTrack, Span
from engine.training.corpora.base import FaceSet
from engine.training.corpora.recordings import Recording

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class ClipFaces:
    """The faces that were found, and why none was."""

    faces: FaceSet
    indices: Mapping[str, int]
    """Of each recording that has a face, its index among them."""
    missing: Mapping[str, str]
    """Of each that has none, the reason."""


def clip_faces(recordings: Iterable[Recording], *, locator: FaceLocator, speaking_face: SpeakingFace) -> ClipFaces:
    """Look into every clip, as the engine looks into a segment; of the speaker's crops, the one in the middle.

    Raises `BadMedia` that names the clip that is none.
    """
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    indices: dict[str, int] = {}
    missing: dict[str, str] = {}
    for recording in recordings:
        media = recording.media()
        found = speaking_face(tuple(locator.locate(media)), media.audio, Span(0.0, media.duration_s))
        if isinstance(found, str):
            missing[recording.name] = found
            continue
        indices[recording.name] = len(images)
        images.append(picture(found))
        labels.append(recording.label)
    pictures = np.stack(images) if images else np.zeros((0, SIDE, SIDE), dtype=np.uint8)
    return ClipFaces(FaceSet(images=pictures, labels=np.array(labels, dtype=np.int64)), indices, missing)


def picture(track: FaceTrack) -> NDArray[np.uint8]:
    """The aligned crop in the middle of a track as the pictures of a face corpus are: grey, `[SIDE, SIDE]`."""
    crop = track.crops[len(track.crops) // 2]
    grey = torch.from_numpy((crop.astype(np.float32) @ np.array(_LUMA, dtype=np.float32))[None, None])
    small = F.interpolate(grey, size=(SIDE, SIDE), mode="bilinear", antialias=True)[0, 0]
    return np.asarray(small.round().clamp(0, 255).numpy().astype(np.uint8))
