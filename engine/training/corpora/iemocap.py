"""IEMOCAP: five sessions of two actors each, in scripted scenes and improvised ones, rated turn by turn."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

from engine.errors import ConfigurationError
from engine.training.corpora.base import Card, Sex, existing
from engine.training.corpora.recordings import Recording
from schemas.labels import EMOTIONS, Emotion

CARD = Card(
    name="IEMOCAP",
    source="Busso et al., Language Resources and Evaluation 42 2008",
    licence="USC release form, on request; not to be passed on",
    use="research only",
    traps="two speakers a session: hold out whole sessions; acted; turns of other emotions (frustration) and those on"
    " which the raters do not agree are left out, so a dialogue has gaps; excitement counts as joy unless said"
    " otherwise; turns overlap; some ratings lie above the scale's 5 and are cut to it",
)

SESSIONS = range(1, 6)

Classes = Literal["four", "seven"]
"""`four` are the papers' anger, joy, sadness and neutral; `seven` are all that MELD names too."""
Excited = Literal["joy", "left out"]

_FOUR: Mapping[str, Emotion] = {"neu": "neutral", "hap": "joy", "sad": "sadness", "ang": "anger"}
_SEVEN: Mapping[str, Emotion] = {**_FOUR, "sur": "surprise", "fea": "fear", "dis": "disgust"}
_LINE = re.compile(r"\[([\d.]+) - ([\d.]+)\]\t(\S+)\t(\w{3})\t\[([\d.]+), ([\d.]+), [\d.]+\]")
"""Start and end in seconds, the turn's name, its emotion, valence, activation and dominance."""
_SEXES: Mapping[str, Sex] = {"F": "female", "M": "male"}


def read(
    folder: Path,
    *,
    sessions: Collection[int] = SESSIONS,
    classes: Classes = "seven",
    excited: Excited = "joy",
) -> dict[str, tuple[Recording, ...]]:
    """The dialogues of some sessions by name, each turn by turn in order of time, with valence and arousal.

    folder: what the archive unpacks to, with `Session1` to `Session5`. Raises `ConfigurationError`.
    """
    labels = _FOUR if classes == "four" else _SEVEN
    if excited == "joy":
        labels = {**labels, "exc": "joy"}
    dialogues: dict[str, tuple[Recording, ...]] = {}
    for session in sorted(sessions):
        place = existing(folder / f"Session{session}", "IEMOCAP")
        for table in sorted(existing(place / "dialog" / "EmoEvaluation", "IEMOCAP").glob("Ses*.txt")):
            if turns := _turns(table, place / "sentences" / "wav" / table.stem, labels):
                dialogues[table.stem] = turns
    return dialogues


def _turns(table: Path, folder: Path, labels: Mapping[str, Emotion]) -> tuple[Recording, ...]:
    turns = []
    lines = [match for line in table.read_text(encoding="utf-8").splitlines() if (match := _LINE.match(line))]
    if not lines:
        raise ConfigurationError(f"{table} has no line of the form [START - END] TURN EMOTION [V, A, D]")
    for line in sorted(lines, key=lambda match: (float(match[1]), float(match[2]))):
        name, emotion = line[3], line[4]
        if emotion not in labels:
            continue
        letter = name.rpartition("_")[2][0]
        turns.append(
            Recording(
                name=f"{name}.wav",
                speaker=name[:5] + letter,
                label=EMOTIONS.index(labels[emotion]),
                path=existing(folder / f"{name}.wav", "a turn of IEMOCAP"),
                valence=_rating(line[5]),
                arousal=_rating(line[6]),
                sex=_SEXES[letter],
                language=CARD.language,
            )
        )
    return tuple(turns)


def _rating(text: str) -> float:
    """From 1..5 to [-1, 1]."""
    return min(1.0, max(-1.0, (float(text) - 3) / 2))
