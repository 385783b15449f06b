"""How far the labels of the last turns are from those that are expected."""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Final, Literal

from actors.metrics.increments import Increments
from engine.metrics import Reading
from schemas.labels import EMOTIONS

_LABELS: Final = "labels:"


class LabelDrift:
    """The total variation distance of two distributions of labels: 0 the same, 1 nothing in common.

    That is the share of turns that would have to get another label. It stays finite where a label never came, as the
    population stability index does not. What is expected is what the configuration says or, without that, the first
    `turns` turns with a label since the start. What a checkpoint's card says is not taken: its corpora are acted, and
    a stream of another kind would drift from its first turn.

    expected: share of each label; labels that are not named have none. turns: how many of the last are looked at.
    """

    def __init__(self, *, expected: Mapping[str, float], turns: int) -> None:
        self.reference: Literal["configured", "first"] = "configured" if expected else "first"
        self._turns = turns
        self._expected = Counter({label: share for label, share in expected.items() if share > 0})
        self._first: Counter[str] = Counter()
        self._increments = Increments(wanted=lambda name: name.startswith(_LABELS))
        self._window: deque[Counter[str]] = deque()

    def update(self, readings: Mapping[str, Reading]) -> None:
        """Take the figures of every worker."""
        new = self._increments.take(readings)
        if new:
            self._take(Counter({name.removeprefix(_LABELS): n for name, n in new.items()}))

    @property
    def value(self) -> float | None:
        """The distance; None until there are enough turns to tell: a reference, and a tenth of a window after it."""
        last = sum(self._window, Counter())
        reference = self._expected or self._first
        if last.total() < self._turns / 10 or (not self._expected and self._first.total() < self._turns):
            return None
        mine, theirs = last.total(), sum(reference.values())
        return 0.5 * sum(abs(last[label] / mine - reference[label] / theirs) for label in EMOTIONS)

    def _take(self, new: "Counter[str]") -> None:
        if not self._expected and self._first.total() < self._turns:
            self._first += new
            return
        self._window.append(new)
        held = sum(one.total() for one in self._window)
        while held - self._window[0].total() >= self._turns:
            held -= self._window.popleft().total()
