"""A rule: what has to be true of one speaker's turns for an alert, and the rules that have a name of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.events import AlertEvidence, Severity
from schemas.labels import Emotion

MOST_WITHIN: Final = 20
"""Turns a rule can look back at the most: so many are kept of a speaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Conditions on one turn, and on a window of the speaker's last answered turns that ends with it.

    It fires at a turn that fulfils the conditions on a turn, when at least `turns` of the last `within` do, and the
    conditions on the window hold. A condition that is not given holds.
    """

    name: str
    severity: Severity = "warning"
    roles: Sequence[str] = ()
    """Whose turns it looks at; none: everybody's."""
    labels: Sequence[Emotion] = ()
    """A turn's label is one of these."""
    emotions: Sequence[Emotion] = ()
    probability: float = 0.0
    """A turn gives `emotions` at least this, all together."""
    valence_slope: float | None = None
    """Change of valence a turn over a full window, by least squares: at most this if negative, else at least this."""
    valence_low: float | None = None
    """At least one turn of the window has at most this valence."""
    turns: int = 1
    within: int = 1
    """`turns` of so many; the same number means in a row."""
    cooldown: int = 10
    """Answered turns of the speaker after it fired at which it cannot fire again."""

    def watches(self, role: str | None) -> bool:
        """Whether it looks at the turns of this role."""
        return not self.roles or role in self.roles

    def fulfilled(self, turn: AlertEvidence) -> bool:
        """Whether the conditions on one turn hold."""
        if self.labels and turn.label not in self.labels:
            return False
        return sum(turn.distribution.get(emotion, 0.0) for emotion in self.emotions) >= self.probability

    def evidence(self, heard: Sequence[AlertEvidence]) -> Sequence[AlertEvidence]:
        """The turns it fires on, of those of a speaker up to now; empty where it does not fire."""
        window = heard[-self.within :]
        matching = [turn for turn in window if self.fulfilled(turn)]
        if len(matching) < self.turns or not window or matching[-1] is not window[-1]:
            return ()
        if self.valence_slope is None and self.valence_low is None:
            return matching
        return window if self._window_holds(window) else ()

    def _window_holds(self, window: Sequence[AlertEvidence]) -> bool:
        valences = [turn.valence for turn in window if turn.valence is not None]
        if len(valences) < len(window):
            return False
        if self.valence_low is not None and min(valences) > self.valence_low:
            return False
        if self.valence_slope is None:
            return True
        if len(window) < self.within:
            return False
        found = slope(valences)
        return found <= self.valence_slope if self.valence_slope < 0 else found >= self.valence_slope


def slope(values: Sequence[float]) -> float:
    """Change a step by least squares over equal steps; of at least two values."""
    middle = (len(values) - 1) / 2
    products = sum((place - middle) * value for place, value in enumerate(values))
    return products / sum((place - middle) ** 2 for place in range(len(values)))


PRESETS: Final[Mapping[str, Rule]] = {
    rule.name: rule
    for rule in (
        Rule(
            name="rising-anger",
            roles=("customer",),
            emotions=("anger", "disgust"),
            probability=0.4,
            valence_slope=-0.1,
            turns=2,
            within=3,
        ),
        Rule(
            name="distress",
            severity="critical",
            emotions=("sadness", "fear"),
            probability=0.5,
            turns=3,
            within=4,
        ),
        Rule(
            name="recovery",
            severity="info",
            labels=("neutral", "joy"),
            valence_slope=0.1,
            valence_low=-0.25,
            turns=2,
            within=4,
        ),
    )
}
"""Rules by name; README.md says what each is for."""
