"""A table of results: what was measured under which condition, as text, as JSON, and as a file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.training.scoring.affect import Agreement
from engine.training.scoring.intervals import Interval, calibration_error, gain, interval, uar, weighted_f1
from engine.training.scoring.scores import Abstained, Scores, abstained, score
from engine.training.scoring.scores import weighted_f1 as plain_weighted_f1

_HEAD = ("turns", "w-F1", "95 %", "m-F1", "acc", "UAR", "ECE", "95 %", "AURC", "majority")
_NOTE = (
    "w-F1: weighted F1; intervals by dialogue (by speaker where utterances stand alone); AURC: mean error rate\n"
    "over every share of turns answered, the surest first; majority: of always saying the class that occurs most."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One condition."""

    name: str
    scores: Scores
    interval: Interval
    """Of the weighted F1, dialogues (or speakers) drawn with replacement."""
    uar: Interval
    """Of the UAR, likewise."""
    ece: Interval
    """Of the calibration error, likewise; a draw repeats turns, so its bins are noisier: it lies high."""
    majority: float
    """The weighted F1 of always saying the class that occurs most."""
    gain: Interval | None = None
    """Of the weighted F1, above the same turns without their history."""
    against_everybody: Interval | None = None
    """Of the weighted F1, above the same turns where nobody is withheld: below 0 is what withholding costs."""
    revision: Interval | None = None
    """Of the weighted F1, above the same turns as they were said at once."""
    said_again: float | None = None
    """Share of turns that were said again."""
    affect: tuple[Agreement, ...] = ()
    """Of valence and of arousal, where people rated them."""
    abstained: Abstained | None = None
    """What the abstention line makes of it; None: not looked at."""
    of: str | None = None
    """The condition that this is a part or another form of; None: it stands for itself."""
    voices: str | None = None
    """Whose its voices are: women's, men's, of a part perhaps all that speak a language."""
    language: str | None = None
    """What its voices speak; None: the corpus does not say."""

    @property
    def form(self) -> str | None:
        """How a condition is decided where that is not as it is served: in single turns, say."""
        return None if self.of is None or self.voices is not None else self.name.removeprefix(f"{self.of}, ")

    def as_json(self) -> dict[str, Any]:
        """For programs: every figure by its name."""
        about = {"of": self.of, "form": self.form, "voices": self.voices, "language": self.language}
        said: dict[str, Any] = {"condition": self.name, **asdict(self.scores)}
        said |= {name: value for name, value in about.items() if value is not None}
        for metric, drawn in (("weighted_f1", self.interval), ("uar", self.uar), ("ece", self.ece)):
            ends = drawn.as_json()
            said |= {f"{metric}_low": ends["low"], f"{metric}_high": ends["high"]}
        said |= {"majority_weighted_f1": self.majority}
        if self.abstained is not None:
            said |= asdict(self.abstained)
        if self.against_everybody is not None:
            said["gain_of_withholding"] = self.against_everybody.as_json()
        if self.revision is not None:
            said |= {"gain_of_revision": self.revision.as_json(), "said_again": self.said_again}
        for agreement in self.affect:
            said |= agreement.as_json()
        return said if self.gain is None else said | {"gain_of_history": self.gain.as_json()}


def line(
    name: str,
    labels: NDArray[np.int64],
    chances: NDArray[np.float64],
    dialogues: NDArray[np.str_] | NDArray[np.int64],
    *,
    without_history: NDArray[np.float64] | None = None,
    everybody: NDArray[np.float64] | None = None,
    at_once: NDArray[np.float64] | None = None,
    affect: tuple[Agreement, ...] = (),
    abstain_below: float | None = None,
    of: str | None = None,
    voices: str | None = None,
    language: str | None = None,
) -> Line:
    """What probabilities `[N, 7]` are worth against labels `[N]`, of turns of these dialogues (or speakers) `[N]`.

    without_history `[N, 7]`: the same turns, each the first of its dialogue; everybody `[N, 7]`: the same turns where
    nobody is withheld; at_once `[N, 7]`: the same turns before some of them were said again; affect: what their valence
    and arousal are worth; abstain_below: the confidence below which no label is given; of, voices, language: as in
    `Line`.
    """
    metric = weighted_f1(labels, chances.argmax(axis=1))
    most = np.full_like(labels, np.bincount(labels).argmax())

    def above(other: NDArray[np.float64] | None) -> Interval | None:
        if other is None:
            return None
        return interval(gain(metric, weighted_f1(labels, other.argmax(axis=1))), dialogues, seed=0)

    return Line(
        name=name,
        scores=score(labels, chances),
        interval=interval(metric, dialogues, seed=0),
        uar=interval(uar(labels, chances.argmax(axis=1)), dialogues, seed=0),
        ece=interval(calibration_error(chances, labels), dialogues, seed=0),
        majority=plain_weighted_f1(labels, most),
        gain=above(without_history),
        against_everybody=above(everybody),
        revision=above(at_once),
        said_again=None if at_once is None else float((chances != at_once).any(axis=1).mean()),
        affect=affect,
        abstained=None if abstain_below is None else abstained(labels, chances, below=abstain_below),
        of=of,
        voices=voices,
        language=language,
    )


def as_text(lines: Sequence[Line]) -> str:
    """The table for a reader."""
    longest = max((len(one.name) for one in lines), default=0)
    rows = [f"{'':{longest}} " + " ".join(f"{name:>{_wide(name)}}" for name in _HEAD)]
    for one in lines:
        scores = one.scores
        figures = (
            f"{scores.turns:6}",
            f"{scores.weighted_f1:6.3f}",
            _ends(one.interval),
            f"{scores.macro_f1:6.3f}",
            f"{scores.accuracy:6.3f}",
            f"{scores.uar:6.3f}",
            f"{scores.ece:6.3f}",
            _ends(one.ece),
            f"{scores.aurc:6.3f}",
            f"{one.majority:8.3f}",
        )
        rows.append(f"{one.name:{longest}} " + " ".join(figures))
    told = [f"{one.name}: history adds {one.gain} of weighted F1" for one in lines if one.gain is not None]
    told += [
        f"{one.name}: {one.against_everybody} of weighted F1 beside the same turns with everybody heard"
        for one in lines
        if one.against_everybody is not None
    ]
    told += [
        f"{one.name}: {one.said_again:.1%} of turns; {one.revision} of weighted F1 beside what was said at once"
        for one in lines
        if one.revision is not None
    ]
    told += [f"{one.name}: {agreement}" for one in lines for agreement in one.affect]
    return "\n".join([*rows, "", _NOTE, *told]) + "\n"


def write(path: Path, lines: Sequence[Line]) -> None:
    """Save the table: as JSON where the file's name says so, else as text."""
    if path.suffix == ".json":
        path.write_text(json.dumps([one.as_json() for one in lines], indent=2) + "\n")
    else:
        path.write_text(as_text(lines))


def _ends(drawn: Interval) -> str:
    ends = f"{drawn.low:.3f} to {drawn.high:.3f}" if drawn.known else "-"
    return f"{ends:>{_wide('95 %')}}"


def _wide(name: str) -> int:
    return {"95 %": 15, "majority": 8}.get(name, 6)
