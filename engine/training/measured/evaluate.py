"""Evaluation: a checkpoint over a corpus it has not learned from, and beside it without history and by utterance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import artifact, parts
from engine.calibration import probabilities
from engine.decision import DialogueStates
from engine.parts import Parts
from engine.training.corpora.base import Dialogue, ratings
from engine.training.learned.dialogues import predict, predict_affect
from engine.training.learned.revision import look_twice, told
from engine.training.material.batches import Assembler
from engine.training.material.conditions import material
from engine.training.material.encoded import encoded
from engine.training.measured import whose
from engine.training.measured.table import Line, line
from engine.training.measured.withheld import without_each
from engine.training.scoring.affect import Agreement, agreements


@dataclass(frozen=True, slots=True)
class Row:
    """One condition of a corpus."""

    name: str
    causal: Line
    """As it is served: by whatever decides in this checkpoint."""
    parts: tuple[Line, ...]
    """The same of women and of men, and of every language, where there are voices of several."""
    single_turn: Line | None
    """The same, every turn the first of its dialogue; None: every one is."""
    utterance: Line
    """The fusion's own head."""
    withheld: Line | None
    """Each party in turn kept from the dialogue's states, and the rest measured; None: nobody talks to anybody."""
    revised: Line | None
    """As it is served in the end: turns said again when later ones were known; None: what was said stands, or
    nothing follows any turn."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """The row as lines of a table."""
        given = (self.causal, *self.parts, self.single_turn, self.utterance, self.withheld, self.revised)
        return tuple(one for one in given if one is not None)


def evaluate(checkpoint: str, corpus: str, *, data: Path) -> Iterator[Row]:
    """Score a checkpoint (a folder, a hub id, `default` or `open`) on a corpus, condition by condition.

    corpus: one of `conditions.BY_NAME`, whose held-out parts are read under `data`, or the path of a manifest.
    Raises `CheckpointError` and `ConfigurationError`.
    """
    loaded = parts.load(artifact.read(artifact.find(checkpoint)))
    part = material(corpus, data)
    using = encoded(part, voice=loaded.voice, face=loaded.face)
    for name, some in part.conditions.items():
        yield _row(name, loaded, some, using)


def _row(name: str, loaded: Parts, some: Sequence[Dialogue], using: Assembler) -> Row:
    own, decided, labels = predict(loaded.fusion, loaded.decision, some, using)
    utterance, causal = (probabilities(one, temperature=loaded.temperature) for one in (own, decided))
    groups = _groups(some)
    alone = None
    if any(len(one) > 1 for one in some):
        _, first, _ = predict(loaded.fusion, loaded.decision, [(turn,) for one in some for turn in one], using)
        alone = probabilities(first, temperature=loaded.temperature)
    left, places = without_each(some)
    withheld = None
    if left:
        _, rest, _ = predict(loaded.fusion, loaded.decision, left, using)
        withheld = line(
            f"{name}, one party withheld",
            labels[places],
            probabilities(rest, temperature=loaded.temperature),
            groups[places],
            everybody=causal[places],
            abstain_below=loaded.abstain_below,
            of=name,
        )
    return Row(
        name=name,
        causal=line(
            name,
            labels,
            causal,
            groups,
            without_history=alone,
            affect=_agreements(loaded, some, using, causal, groups),
            abstain_below=loaded.abstain_below,
            voices=whose.voices(some),
            language=whose.language(some),
        ),
        parts=tuple(
            line(
                f"{name}, {voices}",
                labels[chosen],
                causal[chosen],
                _apart(groups[chosen]),
                abstain_below=loaded.abstain_below,
                of=name,
                voices=voices,
            )
            for voices, chosen in whose.by_voices(some)
        ),
        single_turn=None if alone is None else line(f"{name}, single turns", labels, alone, groups, of=name),
        utterance=line(f"{name}, utterance only", labels, utterance, groups, of=name),
        withheld=withheld,
        revised=_revised(name, loaded, some, using),
    )


def _agreements(
    loaded: Parts, some: Sequence[Dialogue], using: Assembler, causal: NDArray[np.float64], groups: NDArray[np.str_]
) -> tuple[Agreement, ...]:
    rated = ratings(some)
    if not np.isfinite(rated).any():
        return ()
    return agreements(rated, causal, groups, regression=predict_affect(loaded.fusion, some, using))


def _revised(name: str, loaded: Parts, some: Sequence[Dialogue], using: Assembler) -> Line | None:
    states = loaded.decision
    if not isinstance(states, DialogueStates) or states.revision is None:
        return None
    looks = look_twice(loaded.fusion, states, some, using)
    if not looks.later.any():
        return None
    said = told(
        looks,
        temperature=loaded.temperature,
        revised_temperature=loaded.revised_temperature,
        abstain_below=loaded.abstain_below,
    )
    return line(f"{name}, said again", looks.labels, said.last, _groups(some), at_once=said.first, of=name)


def _groups(dialogues: Sequence[Dialogue]) -> NDArray[np.str_]:
    """Of every turn, what another draw of the corpus would bring anew: its dialogue, or its speaker.

    Where all utterances stand alone: its speaker if there are several, else itself.
    """
    speakers = np.array([turn.speaker for one in dialogues for turn in one])
    if len(speakers) == len(dialogues):
        return _apart(speakers)
    return np.repeat(np.arange(len(dialogues)), [len(one) for one in dialogues]).astype(str)


def _apart(groups: NDArray[np.str_]) -> NDArray[np.str_]:
    """The same groups, or every turn by itself where they are one."""
    return groups if len(np.unique(groups)) > 1 else np.arange(len(groups)).astype(str)
