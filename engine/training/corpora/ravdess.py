"""RAVDESS speech: 24 North American actors, two sentences, eight emotions in two strengths."""

import tarfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from engine.training.corpora.base import Card, Sex, Voice, decode_voice, existing
from schemas.labels import EMOTIONS, Emotion

CARD = Card(
    name="RAVDESS",
    source="Livingstone and Russo, PLoS ONE 13(5) 2018, doi 10.5281/zenodo.1188976",
    licence="CC BY-NC-SA 4.0",
    use="research only",
    traps="acted, two sentences only; neutral has no strong form, so calm counts as neutral and the classes are uneven",
)

_LABELS: dict[str, Emotion] = {
    "01": "neutral",
    "02": "neutral",
    "03": "joy",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}


def sex_of(actor: int) -> Sex:
    """Even numbers are women."""
    return "male" if actor % 2 else "female"


def read(path: Path, *, actors: Collection[int]) -> list[Voice]:
    """The recordings of some actors, from a tar of files with their original names, in order of their names."""
    voices = []
    with tarfile.open(existing(path, "RAVDESS")) as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            fields = name.stem.split("-")
            content = archive.extractfile(member)
            if content is None or len(fields) != 7 or int(fields[6]) not in actors:
                continue
            label = EMOTIONS.index(_LABELS[fields[2]])
            voices.append(
                Voice(
                    name=name.name,
                    speaker=fields[6],
                    label=label,
                    audio=decode_voice(content.read()),
                    sex=sex_of(int(fields[6])),
                    language=CARD.language,
                )
            )
    return sorted(voices, key=lambda voice: voice.name)
