"""MELD as it is distributed: tables of utterances, and clips named after dialogue and utterance."""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

from engine.errors import ConfigurationError
from schemas.labels import EMOTIONS
from simulators.corpus import Corpus, CorpusDialogue, Skipped, Utterance
from simulators.manifest import read_text

SPLITS = ("train", "dev", "test")
BROKEN: Mapping[tuple[str, int, int], str] = {
    ("dev", 110, 7): "it is missing from the distribution",
    ("train", 125, 3): "the file is corrupt",
    ("test", 38, 4): "the clip is cut to minutes instead of one utterance",
    ("test", 220, 0): "the clip is cut to minutes instead of one utterance",
    ("train", 309, 0): "the clip is cut to minutes instead of one utterance",
}
"""Clips known to be bad, by split, dialogue and utterance."""

_CLIP = re.compile(r"dia(\d+)_utt(\d+)\.mp4")
_TIME = re.compile(r"(\d+):(\d+):(\d+)[,.](\d+)")
_LONGEST_GAP_S = 10.0
"""A dialogue's lines can lie far apart in the episode; nobody waits longer than this."""

Clips = Mapping[tuple[int, int], Path]


def is_meld(folder: Path) -> bool:
    """Whether a folder holds MELD's tables, or nothing but clips with MELD's names."""
    if any((folder / f"{split}_sent_emo.csv").is_file() for split in SPLITS):
        return True
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    return bool(files) and all(_CLIP.fullmatch(path.name) for path in files)


def read_meld(folder: Path) -> Corpus:
    """The dialogues of every table in the folder whose clips are there; the rest is listed as skipped.

    Clips lie beside the only table, or in folders with the split in their name, as the archives unpack
    (`train_splits`, `dev_splits_complete`, `output_repeated_splits_test`). Without a table, the clips alone make
    dialogues of unknown speakers.
    """
    splits = [split for split in SPLITS if (folder / f"{split}_sent_emo.csv").is_file()]
    clips = _clips(folder)
    if not splits:
        return _without_table(folder, {key: path for found in clips.values() for key, path in found.items()})
    if "" in clips and len(splits) > 1:
        lost = next(iter(clips[""].values()))
        raise ConfigurationError(
            f"{lost} could belong to any of {', '.join(splits)}; put it in a folder with the split in its name, "
            "or beside one table alone"
        )
    dialogues: list[CorpusDialogue] = []
    skipped: list[Skipped] = []
    for split in splits:
        found = {**clips.get("", {}), **clips.get(split, {})}
        _read_split(folder / f"{split}_sent_emo.csv", split, found, dialogues, skipped)
    return Corpus(name=folder.resolve().name, dialogues=tuple(dialogues), skipped=tuple(skipped))


def _clips(folder: Path) -> dict[str, dict[tuple[int, int], Path]]:
    """Clips by split ("" where the path does not say), dialogue and utterance."""
    found: dict[str, dict[tuple[int, int], Path]] = {}
    for path in sorted(folder.rglob("*.mp4")):
        if match := _CLIP.fullmatch(path.name):
            split = _split_of("/".join(path.relative_to(folder).parts[:-1]))
            found.setdefault(split, {})[int(match[1]), int(match[2])] = path
    return found


def _without_table(folder: Path, clips: Clips) -> Corpus:
    split = _split_of(folder.resolve().name)
    dialogues: dict[str, list[Utterance]] = {}
    skipped: list[Skipped] = []
    for (dialogue, utterance), path in sorted(clips.items()):
        if reason := BROKEN.get((split, dialogue, utterance)):
            skipped.append(Skipped(f"{split} {path.stem}", reason))
        else:
            dialogues.setdefault(f"dia{dialogue}", []).append(Utterance(utterance_id=f"utt{utterance}", media=path))
    placed = tuple(CorpusDialogue(name, tuple(turns)) for name, turns in dialogues.items())
    return Corpus(name=folder.resolve().name, dialogues=placed, skipped=tuple(skipped))


def _split_of(name: str) -> str:
    return next((split for split in SPLITS if split in name.lower()), "")


def _read_split(table: Path, split: str, clips: Clips, dialogues: list[CorpusDialogue], skipped: list[Skipped]) -> None:
    rows: dict[int, list[tuple[int, Mapping[str, str]]]] = {}
    reader = csv.DictReader(io.StringIO(read_text(table)))
    for row in reader:
        try:
            rows.setdefault(int(row["Dialogue_ID"]), []).append((int(row["Utterance_ID"]), row))
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"{table}, line {reader.line_num}: no dialogue and utterance id") from error
    for dialogue, lines in sorted(rows.items()):
        lines.sort(key=lambda line: line[0])
        if not any((dialogue, utterance) in clips for utterance, _ in lines):
            skipped.append(Skipped(f"{split} dia{dialogue}", f"none of its {len(lines)} clips is there"))
            continue
        turns: list[Utterance] = []
        cursor_s, last_end_s = 0.0, None
        for utterance, line in lines:
            start_s, end_s = _times(line, table, f"dia{dialogue}_utt{utterance}")
            gap_s = 0.0 if last_end_s is None else min(max(start_s - last_end_s, 0.0), _LONGEST_GAP_S)
            begin_s, last_end_s = cursor_s + gap_s, end_s
            cursor_s = begin_s + end_s - start_s
            reason = BROKEN.get((split, dialogue, utterance))
            path = clips.get((dialogue, utterance))
            if reason is not None or path is None:
                name = f"{split} dia{dialogue}_utt{utterance}"
                skipped.append(Skipped(name, reason or "the clip is not there"))
                continue
            turns.append(_utterance(line, utterance, path, begin_s=begin_s, table=table))
        if turns:
            dialogues.append(CorpusDialogue(f"{split}-dia{dialogue}", tuple(turns)))


def _utterance(row: Mapping[str, str], utterance: int, path: Path, *, begin_s: float, table: Path) -> Utterance:
    emotion = row["Emotion"].strip().lower()
    if emotion not in EMOTIONS:
        raise ConfigurationError(f"{table}: {path.stem} has the unknown emotion {emotion!r}")
    return Utterance(
        utterance_id=f"utt{utterance}",
        speaker=row["Speaker"].strip() or None,
        media=path,
        begin_s=begin_s,
        emotion=emotion,
    )


def _times(row: Mapping[str, str], table: Path, name: str) -> tuple[float, float]:
    """Seconds in the episode. Some lines of the tables end before they start; they count as one second."""
    times = []
    for column in ("StartTime", "EndTime"):
        match = _TIME.fullmatch(row[column].strip())
        if match is None:
            raise ConfigurationError(f"{table}: {name} has the unreadable {column} {row[column]!r}")
        hours, minutes, seconds, fraction = match.groups()
        times.append(int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}"))
    start_s, end_s = times
    return start_s, end_s if end_s > start_s else start_s + 1.0
