"""Any corpus by its manifest: a CSV that names the utterances, one a line; voices only, faces are not read here."""

import csv
import math
from pathlib import Path

from engine.errors import ConfigurationError
from engine.media.decode import decode_span
from engine.training.corpora.base import Dialogue, Turn, Voice, existing
from schemas.labels import EMOTIONS

_REQUIRED = ("dialogue_id", "utterance_id", "speaker", "media", "start_s", "end_s", "emotion")


def read(path: Path) -> tuple[list[Dialogue], list[Voice]]:
    """The labelled turns of each dialogue in order, and the voices they name.

    Lines without an emotion or a medium are left out. Raises `ConfigurationError` that names the line that is wrong.
    """
    dialogues: dict[str, list[Turn]] = {}
    voices: list[Voice] = []
    with existing(path, "the manifest").open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in _REQUIRED if name not in (reader.fieldnames or ())]
        if missing:
            raise ConfigurationError(f"{path}: the manifest has no column {', '.join(missing)}")
        for row in reader:
            if not row["emotion"] or not row["media"]:
                continue
            voice = _voice(row, path, line=reader.line_num)
            voices.append(voice)
            dialogues.setdefault(row["dialogue_id"], []).append(voice.turn())
    return [tuple(turns) for turns in dialogues.values()], voices


def _voice(row: dict[str, str], path: Path, *, line: int) -> Voice:
    if row["emotion"] not in EMOTIONS:
        raise ConfigurationError(f"{path}, line {line}: {row['emotion']!r} is none of {', '.join(EMOTIONS)}")
    file = existing(path.parent / row["media"], f"{path.name}, line {line}: the medium")
    try:
        start_s, end_s = (float(row[name]) if row[name] else None for name in ("start_s", "end_s"))
    except ValueError as error:
        raise ConfigurationError(f"{path}, line {line}: start_s and end_s are seconds, or empty") from error
    audio = decode_span(file, start_s=start_s, end_s=end_s).audio
    if audio is None:
        raise ConfigurationError(f"{path}, line {line}: {file.name} has no sound")
    return Voice(
        name=f"{row['dialogue_id']}/{row['utterance_id']}",
        speaker=row["speaker"],
        label=EMOTIONS.index(row["emotion"]),
        audio=audio,
        valence=_rating(row, "valence", path, line=line),
        arousal=_rating(row, "arousal", path, line=line),
    )


def _rating(row: dict[str, str], name: str, path: Path, *, line: int) -> float | None:
    if not row.get(name):
        return None
    try:
        rating = float(row[name])
    except ValueError:
        rating = math.nan
    if not -1 <= rating <= 1:
        raise ConfigurationError(f"{path}, line {line}: {name} {row[name]!r} is no number in [-1, 1]")
    return rating
