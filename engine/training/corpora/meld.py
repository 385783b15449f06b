"""MELD as it is distributed: tables of utterances, and clips named after dialogue and utterance."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from engine.errors import ConfigurationError
from engine.training.corpora.base import Card, existing
from engine.training.corpora.recordings import Recording
from engine.training.corpora.tables import read_text
from schemas.labels import EMOTIONS, Emotion

CARD = Card(
    name="MELD",
    source="Poria et al., ACL 2019",
    licence="GPL-3.0 (tables); the clips are television footage",
    use="research only",
    traps="laughter and music under the voices; the sound is 5.1 and is mixed down; times come from an aligner: clips"
    " last longer than their line says (dia110 by .3 and .6 s), some hold another utterance; five clips are missing,"
    " corrupt or cut to minutes and left out; several people in view; six main characters speak most turns of every"
    " split, so no split is new voices; every second turn is neutral",
)

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
BROKEN: Mapping[tuple[str, int, int], str] = {
    ("dev", 110, 7): "it is missing from the distribution",
    ("train", 125, 3): "the file is corrupt",
    ("test", 38, 4): "the clip is cut to minutes instead of one utterance",
    ("test", 220, 0): "the clip is cut to minutes instead of one utterance",
    ("train", 309, 0): "the clip is cut to minutes instead of one utterance",
}
"""Clips known to be bad, by split, dialogue and utterance."""

CLIP = re.compile(r"dia(\d+)_utt(\d+)\.mp4")
_TIMES = ("StartTime", "EndTime")
_TIME = re.compile(r"(\d+):(\d+):(\d+)[,.](\d+)")

Clips = Mapping[tuple[int, int], Path]


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance of a table."""

    dialogue: int
    utterance: int
    speaker: str | None
    emotion: Emotion
    start_s: float
    """Seconds in the episode."""
    end_s: float


def read(folder: Path, split: Split) -> dict[str, tuple[Recording, ...]]:
    """The dialogues of one split by name, in order, as far as their clips are there.

    folder: what `clips` takes. Raises `ConfigurationError`: no table, or no clip of its.
    """
    found = clips(folder)
    there = {**found.get("", {}), **found.get(split, {})}
    dialogues: dict[str, tuple[Recording, ...]] = {}
    for number, turns in lines(existing(folder / f"{split}_sent_emo.csv", "MELD")).items():
        kept = [line for line in turns if (split, number, line.utterance) not in BROKEN]
        recordings = tuple(
            Recording(
                name=f"{split}/{there[number, line.utterance].name}",
                speaker=line.speaker or "",
                label=EMOTIONS.index(line.emotion),
                path=there[number, line.utterance],
                language=CARD.language,
            )
            for line in kept
            if (number, line.utterance) in there
        )
        if recordings:
            dialogues[f"{split}-dia{number}"] = recordings
    if not dialogues:
        raise ConfigurationError(
            f"{folder}: none of the clips that {split}_sent_emo.csv names (dia0_utt0.mp4) is there"
        )
    return dialogues


def clips(folder: Path) -> dict[str, dict[tuple[int, int], Path]]:
    """Clips by split ("" where the path does not say), dialogue and utterance.

    They lie beside the only table, or in folders with the split in their name, as the archives unpack
    (`train_splits`, `dev_splits_complete`, `output_repeated_splits_test`). Raises `ConfigurationError`: clips beside
    several tables.
    """
    found: dict[str, dict[tuple[int, int], Path]] = {}
    for path in sorted(folder.rglob("*.mp4")):
        if match := CLIP.fullmatch(path.name):
            split = split_of("/".join(path.relative_to(folder).parts[:-1]))
            found.setdefault(split, {})[int(match[1]), int(match[2])] = path
    tables = [split for split in SPLITS if (folder / f"{split}_sent_emo.csv").is_file()]
    if "" in found and len(tables) > 1:
        lost = next(iter(found[""].values()))
        raise ConfigurationError(
            f"{lost} could belong to any of {', '.join(tables)}; put it in a folder with the split in its name, "
            "or beside one table alone"
        )
    return found


def split_of(name: str) -> str:
    """The split a path names, or ""."""
    return next((split for split in SPLITS if split in name.lower()), "")


def lines(table: Path) -> dict[int, list[Line]]:
    """The utterances of a table by dialogue, both in order. Raises `ConfigurationError` that names the line."""
    dialogues: dict[int, list[Line]] = {}
    reader = csv.DictReader(io.StringIO(read_text(table)))
    for row in reader:
        try:
            dialogue, utterance = int(row["Dialogue_ID"]), int(row["Utterance_ID"])
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"{table}, line {reader.line_num}: no dialogue and utterance id") from error
        dialogues.setdefault(dialogue, []).append(_line(row, table, dialogue, utterance))
    return {dialogue: sorted(turns, key=lambda turn: turn.utterance) for dialogue, turns in sorted(dialogues.items())}


def _line(row: Mapping[str, str], table: Path, dialogue: int, utterance: int) -> Line:
    name = f"dia{dialogue}_utt{utterance}"
    emotion = row["Emotion"].strip().lower()
    if emotion not in EMOTIONS:
        raise ConfigurationError(f"{table}: {name} has the unknown emotion {emotion!r}")
    start_s, end_s = (_seconds(row[column], f"{table}: {name} has the unreadable {column}") for column in _TIMES)
    return Line(
        dialogue=dialogue,
        utterance=utterance,
        speaker=row["Speaker"].strip() or None,
        emotion=emotion,
        start_s=start_s,
        # Some lines of the tables end before they start; they count as one second.
        end_s=end_s if end_s > start_s else start_s + 1.0,
    )


def _seconds(text: str, complaint: str) -> float:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(f"{complaint} {text!r}")
    hours, minutes, seconds, fraction = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")
