"""EmoDB: ten German actors, ten sentences, seven emotions, one of which (boredom) is none of ours."""

import tarfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from engine.errors import ConfigurationError
from engine.training.corpora.base import Card, Voice, decode_voice, existing
from schemas.labels import EMOTIONS, Emotion

CARD = Card(
    name="EmoDB",
    source="Burkhardt et al., Interspeech 2005",
    licence="CC0 1.0",
    use="any",
    traps="acted, German, normalised loudness; no surprise; boredom is left out; speakers 12 and 14 speak in a sample",
    language="German",
)

FEMALE = frozenset({8, 9, 13, 14, 16})
"""Speakers; the other five are men."""

BUNDLED_SPEAKERS = frozenset({12, 14})
"""The voices of the bundled sample call: no training set may hold them."""

LABELS: dict[str, Emotion] = {
    "W": "anger",
    "E": "disgust",
    "A": "fear",
    "F": "joy",
    "T": "sadness",
    "N": "neutral",
}
"""The sixth letter of a file's name; boredom (L) is none of MELD's seven."""


def read_training(path: Path, *, speakers: Collection[int]) -> list[Voice]:
    """The recordings of some speakers; a `ConfigurationError` where one belongs to the bundled call."""
    kept_out = BUNDLED_SPEAKERS & set(speakers)
    if kept_out:
        raise ConfigurationError(f"EmoDB speakers {sorted(kept_out)} are the bundled sample call: not for training")
    return read(path, speakers=speakers)


def read(path: Path, *, speakers: Collection[int]) -> list[Voice]:
    """The recordings of some speakers without boredom, from a tar of files with their original names."""
    voices = []
    with tarfile.open(existing(path, "EmoDB")) as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            content = archive.extractfile(member)
            if content is None or name.suffix != ".flac" or name.stem[5] not in LABELS:
                continue
            if int(name.stem[:2]) in speakers:
                label = EMOTIONS.index(LABELS[name.stem[5]])
                voices.append(
                    Voice(
                        name=name.name,
                        speaker=name.stem[:2],
                        label=label,
                        audio=decode_voice(content.read()),
                        sex="female" if int(name.stem[:2]) in FEMALE else "male",
                        language=CARD.language,
                    )
                )
    return sorted(voices, key=lambda voice: voice.name)
