"""Scripted dialogues: MELD's turns, speakers and labels, spoken by RAVDESS's actors, looking like FER2013's faces."""

import csv
from pathlib import Path

from engine.training.corpora import ravdess
from engine.training.corpora.base import Card, Dialogue, Turn, existing
from schemas.labels import EMOTIONS

CARD = Card(
    name="MELD tables (scripted dialogues)",
    source="Poria et al., ACL 2019; composed with RAVDESS and FER2013",
    licence="GPL-3.0 (tables); the media as their corpora",
    use="research only",
    traps="only the label ties voice and face together; half of the turns are neutral; recordings repeat; the test"
    " has three actors",
)

ACTORS = {"train": range(1, 15), "dev": range(15, 18), "test": range(18, 21)}
"""RAVDESS actors by split; the faces are FER2013's parts of the same names."""


def read(path: Path, *, voice_column: str | None = None, face_column: str | None = None) -> list[Dialogue]:
    """The dialogues of one split's table, in order.

    Where a column is named (`video40`, `voice30`), a turn has that modality only where the column says 1.
    """
    dialogues: dict[str, list[Turn]] = {}
    with existing(path, "the scripted corpus").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            turn = Turn(
                speaker=row["speaker"],
                label=EMOTIONS.index(row["emotion"]),
                voice=row["ravdess_file"] if voice_column is None or row[voice_column] == "1" else None,
                face=int(row["fer_index"]) if face_column is None or row[face_column] == "1" else None,
                sex=ravdess.sex_of(int(row["actor"])),
                language=CARD.language,
            )
            dialogues.setdefault(row["dialogue_id"], []).append(turn)
    return [tuple(turns) for turns in dialogues.values()]
