"""What a checkpoint's turns looked like in training: `drift.json` beside its weights, of which no id depends on it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.drift.bins import Bins
from engine.errors import CheckpointError
from schemas.labels import Emotion

FILE: Final = "drift.json"
Modality = Literal["audio", "video"]


@dataclass(frozen=True, slots=True)
class Reference:
    """The distributions that live turns are held against."""

    model_id: str
    """Of the checkpoint whose encoders made the tokens."""
    source: str
    """What turns they are, in a sentence."""
    labels: Mapping[Emotion, int]
    """How many of the training's turns have each label."""
    features: Mapping[Modality, Bins]
    """Of every modality that the checkpoint reads."""

    def write(self, folder: Path) -> Path:
        """Lay the file beside a checkpoint's others."""
        features = {
            name: {field: array.tolist() for field, array in asdict(bins).items()}
            for name, bins in self.features.items()
        }
        said = {"model_id": self.model_id, "source": self.source, "labels": dict(self.labels), "features": features}
        path = folder / FILE
        path.write_text(json.dumps(said) + "\n")
        return path


def read(folder: Path, *, model_id: str) -> Reference | None:
    """The reference of a checkpoint, if there is one. Raises `CheckpointError`: it is damaged, or of another one."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        found = _File.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise CheckpointError(f"{path} is damaged: make it again or take it away: {error}") from error
    if found.model_id != model_id:
        raise CheckpointError(f"{path} is of checkpoint {found.model_id}, not of {model_id}: make it again")
    return Reference(
        model_id=found.model_id,
        source=found.source,
        labels=found.labels,
        features={name: bins.arrays() for name, bins in found.features.items()},
    )


_Row = Annotated[tuple[Annotated[float, Field(allow_inf_nan=False)], ...], Field(min_length=1)]
_Rows = Annotated[tuple[_Row, ...], Field(min_length=1)]


class _Bins(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    centre: _Row
    directions: _Rows
    edges: _Rows
    counts: _Rows

    @model_validator(mode="after")
    def _fits(self) -> Self:
        measures = len(self.directions) + 1
        if {len(row) for row in self.directions} != {len(self.centre)}:
            raise ValueError("directions and centre are not of one width")
        if (len(self.edges), len(self.counts)) != (measures, measures):
            raise ValueError("there is one measure more than there are directions")
        if len({len(row) + 1 for row in self.edges} | {len(row) for row in self.counts}) != 1:
            raise ValueError("every measure has as many bins, and one edge fewer")
        return self

    def arrays(self) -> Bins:
        return Bins(*(np.array(rows) for rows in (self.centre, self.directions, self.edges, self.counts)))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    model_id: str
    source: str
    labels: Mapping[Emotion, Annotated[int, Field(ge=0)]]
    features: Mapping[Modality, _Bins]
