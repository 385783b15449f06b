"""A folder of media: each sub-folder is a dialogue, its files the utterances in the order of their names."""

import re
from collections.abc import Sequence
from pathlib import Path

from engine.errors import ConfigurationError
from simulators.corpus import Corpus, CorpusDialogue, Utterance
from simulators.cuts import quiet_stretches
from simulators.manifest import read_manifest
from simulators.meld import is_meld, read_meld

MEDIA_SUFFIXES = frozenset(
    {".mp4", ".m4a", ".m4v", ".mov", ".mpg", ".mpeg", ".avi", ".webm", ".mkv", ".wav", ".flac", ".ogg", ".opus", ".mp3"}
)


def open_corpus(source: Path) -> Corpus:
    """Whatever `source` is: a manifest, a MELD folder, a folder of media, or one file of media.

    Raises `ConfigurationError` when it is none of them.
    """
    if source.is_file():
        if source.suffix.lower() == ".csv":
            return read_manifest(source)
        if source.suffix.lower() in MEDIA_SUFFIXES:
            return Corpus(source.stem, (CorpusDialogue(source.stem, utterances_of([source])),))
        raise ConfigurationError(f"{source} is neither a manifest (.csv) nor media ({_suffixes()})")
    if not source.is_dir():
        raise ConfigurationError(f"{source} does not exist; name a MELD folder, a manifest or a folder of media")
    if (source / "manifest.csv").is_file():
        return read_manifest(source / "manifest.csv")
    return read_meld(source) if is_meld(source) else read_folder(source)


def read_folder(folder: Path) -> Corpus:
    """Files in the folder itself are one dialogue with its name; every sub-folder with media is another."""
    dialogues = []
    for place in [folder, *sorted((path for path in folder.iterdir() if path.is_dir()), key=_natural)]:
        files = [path for path in place.iterdir() if path.suffix.lower() in MEDIA_SUFFIXES and path.is_file()]
        if files:
            dialogues.append(CorpusDialogue(place.resolve().name, utterances_of(sorted(files, key=_natural))))
    if not dialogues:
        raise ConfigurationError(f"{folder} holds no media ({_suffixes()}) and no manifest.csv")
    return Corpus(name=folder.resolve().name, dialogues=tuple(dialogues))


def utterances_of(files: Sequence[Path]) -> tuple[Utterance, ...]:
    """Files as utterances in the order given; a long recording is cut at its quietest moments."""
    return tuple(utterance for path in files for utterance in _pieces(path, alone=len(files) == 1))


def _pieces(path: Path, *, alone: bool) -> list[Utterance]:
    stretches = quiet_stretches(path)
    if len(stretches) < 2:
        return [Utterance(utterance_id=path.name, media=path)]
    return [
        Utterance(
            utterance_id=f"{path.name}#{number}",
            media=path,
            start_s=stretch.start_s,
            end_s=stretch.end_s,
            begin_s=stretch.start_s if alone else None,
        )
        for number, stretch in enumerate(stretches, start=1)
    ]


def _natural(path: Path) -> list[tuple[int, str]]:
    """`2.wav` before `10.wav`."""
    return [(int(part), "") if part.isdigit() else (-1, part.lower()) for part in re.split(r"(\d+)", path.name)]


def _suffixes() -> str:
    return ", ".join(sorted(suffix.removeprefix(".") for suffix in MEDIA_SUFFIXES))
