"""A rotated data folder: the corpora as they are, but for RAVDESS, whose actors have moved up by some places."""

import tarfile
from pathlib import Path, PurePosixPath

from engine.training.corpora.base import existing

ACTORS = 20
"""In the shared part of RAVDESS."""
RAVDESS = "ravdess_speech_16k.tar"


def place_of(actor: int, *, by: int) -> int:
    """The number, from 1, under which an actor is heard in the rotation `by` places up."""
    return (actor - 1 + by) % ACTORS + 1


def heard_as(place: int, *, by: int) -> int:
    """Who is heard under a number in that rotation."""
    return place_of(place, by=-by)


def rotated(data: Path, out: Path, *, by: int) -> Path:
    """Write a data folder in `out` in which each actor has another's number; all else are links to `data`.

    Whoever reads the folder meets the same parts by the same numbers, spoken by others: no recipe, table or reader
    changes. `by` is even, as even numbers are women's. What is there already stays.
    Raises `ConfigurationError` where RAVDESS is not under `data`.
    """
    source = existing(data / RAVDESS, "RAVDESS")
    out.mkdir(parents=True, exist_ok=True)
    for path in data.resolve().iterdir():
        link = out / path.name
        if path.name != RAVDESS and not link.is_symlink():
            link.symlink_to(path)
    if not (out / RAVDESS).is_file():
        beside = out / f"{RAVDESS}.part"
        _renumber(source, beside, by=by)
        beside.replace(out / RAVDESS)
    return out


def _renumber(source: Path, out: Path, *, by: int) -> None:
    with tarfile.open(source) as given, tarfile.open(out, "w") as made:
        for member in given:
            content = given.extractfile(member)
            name = PurePosixPath(member.name)
            *what, actor = name.stem.split("-")
            if content is None:
                continue
            number = f"{place_of(int(actor), by=by):02d}"
            member.name = f"Actor_{number}/{'-'.join([*what, number])}{name.suffix}"
            made.addfile(member, content)
