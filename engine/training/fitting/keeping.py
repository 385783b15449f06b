"""What an interrupted training goes on from: its whole state in one file, and its epochs as a table."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch


def keep(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state of tensors, numbers and names; the file appears whole or not at all."""
    beside = path.with_name(f"{path.name}.part")
    torch.save(dict(state), beside)
    beside.replace(path)


def kept(path: Path) -> dict[str, Any] | None:
    """What `keep` wrote; None: nothing yet."""
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """A CSV with a column for every key of any row, in the order in which they first occur; whole or not at all."""
    names = dict.fromkeys(name for row in rows for name in row)
    beside = path.with_name(f"{path.name}.part")
    with beside.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, fieldnames=list(names))
        writer.writeheader()
        writer.writerows(rows)
    beside.replace(path)


def read_rows(path: Path) -> list[dict[str, str]]:
    """What `write_rows` wrote; no rows where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))
