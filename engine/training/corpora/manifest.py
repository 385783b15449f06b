"""Any corpus by its manifest, a CSV with an utterance a line: the voice and the speaking face of each."""

import csv
import hashlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadMedia, ConfigurationError
from engine.faces.base import FaceLocator
from engine.media.decode import decode_span
from engine.perceive import SpeakingFace
from engine.signals import Media, Span
from engine.training.corpora.base import NO_FACES, Dialogue, FaceSet, Sex, Turn, Voice
from engine.training.corpora.clip_faces import picture
from engine.training.corpora.tables import read_text
from schemas.labels import EMOTIONS

_REQUIRED = ("dialogue_id", "utterance_id", "speaker", "media", "start_s", "end_s", "emotion")
_RATINGS = ("valence", "arousal")
_OPTIONAL = ("face", *_RATINGS, "sex", "language")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest names."""

    dialogues: tuple[Dialogue, ...]
    voices: tuple[Voice, ...]
    faces: FaceSet
    faceless: Mapping[str, str]
    """Of each utterance with a picture but no face that could be read, the reason."""

    @property
    def digest(self) -> bytes:
        """A name for all that was heard and seen: another file behind the same path gives another."""
        seen = hashlib.blake2b(digest_size=16)
        for voice in self.voices:
            seen.update(f"{voice.name}\0{len(voice.audio)}\0".encode())
            seen.update(voice.audio.tobytes())
        seen.update(self.faces.images.tobytes())
        return seen.digest()


def read(path: Path, *, locator: FaceLocator, speaking_face: SpeakingFace) -> Manifest:
    """Hear and see every line that has an emotion, and a medium or a still of the face.

    A still stands for the face where it is named, else the film is looked into as the engine does. A line of which
    nothing is heard or seen is left out. Raises `ConfigurationError` that names the line that is wrong.
    """
    dialogues: dict[str, list[Turn]] = {}
    voices: list[Voice] = []
    pictures: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    faceless: dict[str, str] = {}
    for where, row in _rows(path):
        name = f"{row['dialogue_id']}/{row['utterance_id']}"
        label = EMOTIONS.index(row["emotion"])
        valence, arousal = (_rating(row, rating, where) for rating in _RATINGS)
        sex, language = _sex(row, where), row["language"] or None
        media, still = _media(path, row, where), _still(path, row, where)
        heard = None if media is None else media.audio
        if heard is not None:
            voices.append(
                Voice(
                    name=name,
                    speaker=row["speaker"],
                    label=label,
                    audio=heard,
                    valence=valence,
                    arousal=arousal,
                    sex=sex,
                    language=language,
                )
            )
        face = None
        seen = still if still is not None else media
        if seen is not None and seen.frames is not None:
            found = speaking_face(tuple(locator.locate(seen)), seen.audio, Span(0.0, seen.duration_s))
            if isinstance(found, str):
                faceless[name] = found
            else:
                face = len(pictures)
                pictures.append(picture(found))
                labels.append(label)
        if heard is not None or face is not None:
            voice = None if heard is None else name
            turn = Turn(row["speaker"], label, voice, face, valence, arousal, sex, language)
            dialogues.setdefault(row["dialogue_id"], []).append(turn)
    if not dialogues:
        raise ConfigurationError(f"{path} names no utterance that has an emotion and can be heard or seen")
    faces = FaceSet(np.stack(pictures), np.array(labels, dtype=np.int64)) if pictures else NO_FACES
    return Manifest(tuple(map(tuple, dialogues.values())), tuple(voices), faces, faceless)


def _rows(path: Path) -> list[tuple[str, dict[str, str]]]:
    """The lines with an emotion, and where each stands."""
    reader = csv.DictReader(io.StringIO(read_text(path)), skipinitialspace=True)
    missing = [name for name in _REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise ConfigurationError(f"{path}: the manifest has no column {', '.join(missing)}")
    rows: list[tuple[str, dict[str, str]]] = []
    for raw in reader:
        row = {name: (raw.get(name) or "").strip() for name in (*_REQUIRED, *_OPTIONAL)}
        row["emotion"] = row["emotion"].lower()
        if row["emotion"] and row["emotion"] not in EMOTIONS:
            raise ConfigurationError(
                f"{path}, line {reader.line_num}: {row['emotion']!r} is none of {', '.join(EMOTIONS)}"
            )
        if row["emotion"]:
            rows.append((f"{path}, line {reader.line_num}", row))
    named: set[tuple[str, str]] = set()
    for where, row in rows:
        name = (row["dialogue_id"], row["utterance_id"])
        if name in named:
            raise ConfigurationError(f"{where}: utterance {name[1]!r} of {name[0]!r} was named before")
        named.add(name)
    return rows


def _media(path: Path, row: Mapping[str, str], where: str) -> Media | None:
    if not row["media"]:
        return None
    start_s, end_s = (_seconds(row[name], where) for name in ("start_s", "end_s"))
    return _decoded(path.parent / row["media"], where, start_s=start_s, end_s=end_s)


def _seconds(text: str, where: str) -> float | None:
    try:
        seconds = float(text) if text else None
    except ValueError:
        seconds = math.nan
    if seconds is not None and not 0 <= seconds < math.inf:
        raise ConfigurationError(f"{where}: start_s and end_s are seconds of the medium, or empty; one is {text!r}")
    return seconds


def _still(path: Path, row: Mapping[str, str], where: str) -> Media | None:
    return _decoded(path.parent / row["face"], where) if row["face"] else None


def _decoded(file: Path, where: str, *, start_s: float | None = None, end_s: float | None = None) -> Media:
    if not file.is_file():
        raise ConfigurationError(f"{where}: the medium {file} is no file")
    try:
        return decode_span(file, start_s=start_s, end_s=end_s)
    except BadMedia as error:
        raise ConfigurationError(f"{where}: {file.name}: {error}") from error


def _sex(row: Mapping[str, str], where: str) -> Sex | None:
    found: Sex | None = next((sex for sex in get_args(Sex) if sex == row["sex"].lower()), None)
    if row["sex"] and found is None:
        raise ConfigurationError(
            f"{where}: sex {row['sex']!r} is none of {', '.join(get_args(Sex))}; or leave it empty"
        )
    return found


def _rating(row: Mapping[str, str], name: str, where: str) -> float | None:
    if not row[name]:
        return None
    try:
        rating = float(row[name])
    except ValueError:
        rating = math.nan
    if not -1 <= rating <= 1:
        raise ConfigurationError(f"{where}: {name} {row[name]!r} is no number in [-1, 1]")
    return rating
