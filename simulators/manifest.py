"""The manifest: a CSV that names the utterances of any corpus, one a line."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from engine.errors import ConfigurationError
from engine.training.corpora.tables import read_text
from schemas.labels import EMOTIONS
from simulators.corpus import Corpus, CorpusDialogue, Utterance

REQUIRED = ("dialogue_id", "utterance_id", "speaker", "media", "start_s", "end_s", "emotion")
OPTIONAL = ("face", "valence", "arousal", "role")
_SHOWN_PROBLEMS = 5

Row = Mapping[str, str]


def read_manifest(path: Path) -> Corpus:
    """The dialogues of a manifest, in the order in which they first appear.

    Paths are relative to the manifest. An empty `start_s` and `end_s` mean the whole file; an empty `media` or
    `face` is a missing modality. Raises `ConfigurationError` that names the lines that are wrong.
    """
    rows = _rows(path)
    problems: list[str] = []
    dialogues: dict[str, list[Utterance]] = {}
    seen: set[tuple[str, str]] = set()
    for number, row in rows:
        try:
            utterance = _utterance(row, folder=path.parent)
            dialogue_id = _required(row, "dialogue_id")
            if (dialogue_id, utterance.utterance_id) in seen:
                raise ValueError(f"utterance {utterance.utterance_id!r} of {dialogue_id!r} was named before")
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            continue
        seen.add((dialogue_id, utterance.utterance_id))
        dialogues.setdefault(dialogue_id, []).append(utterance)
    problems += [problem for name, turns in dialogues.items() for problem in _role_changes(name, turns)]
    if problems:
        more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
        raise ConfigurationError(f"{path}: {'; '.join(problems[:_SHOWN_PROBLEMS])}{more}")
    placed = tuple(CorpusDialogue(name, _place(turns)) for name, turns in dialogues.items())
    return Corpus(name=path.parent.name if path.stem == "manifest" else path.stem, dialogues=placed)


def _rows(path: Path) -> list[tuple[int, Row]]:
    reader = csv.DictReader(io.StringIO(read_text(path)), skipinitialspace=True)
    missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise ConfigurationError(f"{path}, line 1: the manifest has no column {', '.join(missing)}")
    rows: list[tuple[int, Row]] = []
    for raw in reader:
        row = {name: (raw.get(name) or "").strip() for name in (*REQUIRED, *OPTIONAL)}
        if any(row.values()):
            rows.append((reader.line_num, row))
    if not rows:
        raise ConfigurationError(f"{path} names no utterance")
    return rows


def _utterance(row: Row, *, folder: Path) -> Utterance:
    start_s, end_s = _number(row, "start_s", low=0.0), _number(row, "end_s", low=0.0)
    if start_s is not None and end_s is not None and end_s <= start_s:
        raise ValueError(f"end_s {end_s} is not after start_s {start_s}")
    emotion = row["emotion"].lower()
    if emotion and emotion not in EMOTIONS:
        raise ValueError(f"emotion {emotion!r} is none of {', '.join(EMOTIONS)}")
    return Utterance(
        utterance_id=_required(row, "utterance_id"),
        speaker=row["speaker"] or None,
        media=_file(row, "media", folder=folder),
        start_s=start_s,
        end_s=end_s,
        emotion=emotion or None,
        face=_file(row, "face", folder=folder),
        valence=_number(row, "valence", low=-1.0, high=1.0),
        arousal=_number(row, "arousal", low=-1.0, high=1.0),
        role=row["role"] or None,
    )


def _required(row: Row, name: str) -> str:
    if not row[name]:
        raise ValueError(f"{name} is empty")
    return row[name]


def _number(row: Row, name: str, *, low: float, high: float = math.inf) -> float | None:
    if not row[name]:
        return None
    try:
        value = float(row[name])
    except ValueError as error:
        raise ValueError(f"{name} {row[name]!r} is not a number") from error
    if not (low <= value <= high and math.isfinite(value)):
        raise ValueError(f"{name} {value} is not between {low:g} and {high:g}")
    return value


def _file(row: Row, name: str, *, folder: Path) -> Path | None:
    if not row[name]:
        return None
    path = folder / row[name]
    if not path.is_file():
        raise ValueError(f"{name} {row[name]!r} is no file")
    return path


def _role_changes(name: str, turns: list[Utterance]) -> list[str]:
    pairs = sorted({(turn.speaker, turn.role or "") for turn in turns if turn.speaker is not None})
    changes = []
    for speaker, roles in groupby(pairs, key=lambda pair: pair[0]):
        found = [role or "none" for _, role in roles]
        if len(found) > 1:
            changes.append(f"speaker {speaker!r} of dialogue {name!r} has several roles: {', '.join(found)}")
    return changes


def _place(turns: list[Utterance]) -> tuple[Utterance, ...]:
    """Times of one recording, or of tracks recorded side by side, are times of the dialogue too."""
    timed = all(turn.start_s is not None and turn.end_s is not None for turn in turns)
    recordings = {turn.media for turn in turns}
    tracks = {(turn.speaker, turn.media) for turn in turns}
    side_by_side = len({speaker for speaker, _ in tracks}) == len(tracks)
    if not timed or None in recordings or not (len(recordings) == 1 or side_by_side):
        return tuple(turns)
    first_s = min(turn.start_s or 0.0 for turn in turns)
    in_order = sorted(turns, key=lambda turn: turn.end_s or 0.0)
    return tuple(replace(turn, begin_s=(turn.start_s or 0.0) - first_s) for turn in in_order)
