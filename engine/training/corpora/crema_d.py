"""CREMA-D: 91 actors of many backgrounds, twelve sentences, six emotions."""

import csv
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from engine.errors import ConfigurationError
from engine.training.corpora.base import Card, Sex, existing
from engine.training.corpora.recordings import Recording
from schemas.labels import EMOTIONS, Emotion

CARD = Card(
    name="CREMA-D",
    source="Cao et al., IEEE Transactions on Affective Computing 5(4) 2014",
    licence="ODbL 1.0",
    use="any",
    traps="acted; the label is what the actor meant, which listeners hear from the voice in 41 % of the clips; no"
    " surprise; one sentence alone has levels, the others are marked XX; four damaged recordings are left out; the same"
    " twelve sentences in every fold; cloned without git-lfs the files are pointers without sound",
)

LABELS: Mapping[str, Emotion] = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "joy",
    "NEU": "neutral",
    "SAD": "sadness",
}
BROKEN: Mapping[str, str] = {
    "1064_IEO_DIS_MD": "a minute of several emotions",
    "1064_TIE_SAD_XX": "without duration",
    "1076_MTI_NEU_XX": "without sound",
    "1076_MTI_SAD_XX": "without sound",
}
"""Recordings that are known to be bad, and why."""

_NAME = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_[A-Z]{1,2}")
"""Actor, sentence, emotion, level (LO, MD, HI, XX; in one name X)."""
_SEXES: Mapping[str, Sex] = {"female": "female", "male": "male"}


def read(folder: Path, *, actors: Collection[int] | None = None) -> list[Recording]:
    """The recordings of some actors, or of all, in order of their names.

    They lie in `folder/AudioWAV`; `folder/VideoDemographics.csv` says the actors' sex, where it is there.
    Raises `ConfigurationError`: the folder or a name is none of CREMA-D's.
    """
    sexes = _sexes(folder / "VideoDemographics.csv")
    recordings = []
    for path in sorted(existing(folder / "AudioWAV", "CREMA-D").glob("*.wav")):
        fields = _NAME.fullmatch(path.stem)
        if fields is None or fields[3] not in LABELS:
            raise ConfigurationError(f"{path}: CREMA-D's names are ACTOR_SENTENCE_EMOTION_LEVEL.wav")
        if path.stem in BROKEN or (actors is not None and int(fields[1]) not in actors):
            continue
        recordings.append(
            Recording(
                name=path.name,
                speaker=fields[1],
                label=EMOTIONS.index(LABELS[fields[3]]),
                path=path,
                sex=sexes.get(fields[1]),
                language=CARD.language,
            )
        )
    return recordings


def _sexes(table: Path) -> Mapping[str, Sex]:
    if not table.is_file():
        return {}
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        return {row["ActorID"]: _SEXES[row["Sex"].lower()] for row in rows if row["Sex"].lower() in _SEXES}
