"""MELD as a corpus to be replayed: its dialogues placed in time, and what had to be left out."""

from collections.abc import Sequence
from pathlib import Path

from engine.training.corpora.meld import BROKEN, CLIP, SPLITS, Clips, Line, clips, lines, split_of
from simulators.corpus import Corpus, CorpusDialogue, Skipped, Utterance

_LONGEST_GAP_S = 10.0
"""A dialogue's lines can lie far apart in the episode; nobody waits longer than this."""


def is_meld(folder: Path) -> bool:
    """Whether a folder holds MELD's tables, or nothing but clips with MELD's names."""
    if any((folder / f"{split}_sent_emo.csv").is_file() for split in SPLITS):
        return True
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    return bool(files) and all(CLIP.fullmatch(path.name) for path in files)


def read_meld(folder: Path) -> Corpus:
    """The dialogues of every table in the folder whose clips are there; the rest is listed as skipped.

    Clips lie as `engine.training.corpora.meld.clips` says. Without a table, the clips alone make dialogues of unknown
    speakers. Raises `ConfigurationError`.
    """
    splits = [split for split in SPLITS if (folder / f"{split}_sent_emo.csv").is_file()]
    found = clips(folder)
    if not splits:
        return _without_table(folder, {key: path for some in found.values() for key, path in some.items()})
    dialogues: list[CorpusDialogue] = []
    skipped: list[Skipped] = []
    for split in splits:
        there = {**found.get("", {}), **found.get(split, {})}
        for turns in lines(folder / f"{split}_sent_emo.csv").values():
            _place(split, turns, there, dialogues, skipped)
    return Corpus(name=folder.resolve().name, dialogues=tuple(dialogues), skipped=tuple(skipped))


def _without_table(folder: Path, there: Clips) -> Corpus:
    split = split_of(folder.resolve().name)
    dialogues: dict[str, list[Utterance]] = {}
    skipped: list[Skipped] = []
    for (dialogue, utterance), path in sorted(there.items()):
        if reason := BROKEN.get((split, dialogue, utterance)):
            skipped.append(Skipped(f"{split} {path.stem}", reason))
        else:
            dialogues.setdefault(f"dia{dialogue}", []).append(Utterance(utterance_id=f"utt{utterance}", media=path))
    placed = tuple(CorpusDialogue(name, tuple(turns)) for name, turns in dialogues.items())
    return Corpus(name=folder.resolve().name, dialogues=placed, skipped=tuple(skipped))


def _place(
    split: str, turns: Sequence[Line], there: Clips, dialogues: list[CorpusDialogue], skipped: list[Skipped]
) -> None:
    dialogue = turns[0].dialogue
    if not any((dialogue, line.utterance) in there for line in turns):
        skipped.append(Skipped(f"{split} dia{dialogue}", f"none of its {len(turns)} clips is there"))
        return
    placed: list[Utterance] = []
    cursor_s, last_end_s = 0.0, None
    for line in turns:
        gap_s = 0.0 if last_end_s is None else min(max(line.start_s - last_end_s, 0.0), _LONGEST_GAP_S)
        begin_s, last_end_s = cursor_s + gap_s, line.end_s
        cursor_s = begin_s + line.end_s - line.start_s
        reason = BROKEN.get((split, dialogue, line.utterance))
        path = there.get((dialogue, line.utterance))
        if reason is not None or path is None:
            name = f"{split} dia{dialogue}_utt{line.utterance}"
            skipped.append(Skipped(name, reason or "the clip is not there"))
            continue
        placed.append(
            Utterance(
                utterance_id=f"utt{line.utterance}",
                speaker=line.speaker,
                media=path,
                begin_s=begin_s,
                emotion=line.emotion,
            )
        )
    if placed:
        dialogues.append(CorpusDialogue(f"{split}-dia{dialogue}", tuple(placed)))
