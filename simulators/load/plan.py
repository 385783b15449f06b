"""Everything that will happen under a load, known beforehand: the same numbers and the same seed plan the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from random import Random
from typing import Final, Literal

from engine.errors import ConfigurationError
from simulators.load.arrivals import arrivals
from simulators.load.conversation import Spoken, broken_off, converse, hung_up, length_s
from simulators.load.faults import Fault, FaultRates, draw_faults
from simulators.load.manners import Manners

Ending = Literal["finished", "hung up", "cut short"]

MEAN_AWAY_S: Final = 2.0
"""How long a line that broke off is away, in the mean; the time is exponential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSettings:
    """How much comes, and what it is like. Raises `ConfigurationError` for what cannot be."""

    seed: int = 0
    seconds: float = 60.0
    """After this nobody calls, and who still talks is cut short."""
    per_minute: float = 20.0
    """Calls, in the mean."""
    scenes: float = 0.5
    """Share of the calls that talk as in a scene; the others talk as in the real call."""
    length: float = 1.0
    """So many times as many utterances as a scene has."""
    churn: float = 0.0
    """Share of the calls that are hung up before their end."""
    reconnects: float = 0.0
    """Share of the calls whose line breaks off once and is taken up again."""
    faults: FaultRates = field(default_factory=FaultRates)

    def __post_init__(self) -> None:
        for name, share in (("scenes", self.scenes), ("churn", self.churn), ("reconnects", self.reconnects)):
            if not 0 <= share <= 1:
                raise ConfigurationError(f"{name} is a share of all calls, 0 to 1, not {share:g}")
        for name, number in (("seconds", self.seconds), ("calls a minute", self.per_minute), ("length", self.length)):
            if not 0 < number < float("inf"):
                raise ConfigurationError(f"{name} has to be above 0, not {number:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, in seconds of its own but for when it begins."""

    number: int
    begin_s: float
    """In the load."""
    length_s: float
    """Until it is over."""
    manner: str
    ending: Ending
    away: tuple[float, float] | None
    """When the line broke off and when it was taken up again, where it did."""
    said: tuple[Spoken, ...]
    """In the order in which the utterances end."""
    faults: tuple[Fault | None, ...]
    """One for each utterance."""


def plan(settings: LoadSettings, manners: Manners) -> Iterator[Call]:
    """The calls in the order in which they begin.

    What is drawn for one purpose has numbers of its own: more churn hangs up more calls, and changes no other word.
    """
    coming = arrivals(_rng(settings.seed, "arrivals"), per_minute=settings.per_minute, seconds=settings.seconds)
    for number, begin_s in enumerate(coming):
        yield _call(settings, manners, number, round(begin_s, 3))


def until(calls: Sequence[Call], at_s: float) -> tuple[Call, ...]:
    """What had come of the calls at a moment of the load, when whoever still talked was cut short."""
    return tuple(
        call
        if call.begin_s + call.length_s <= at_s
        else replace(call, length_s=at_s - call.begin_s, ending="cut short")
        for call in calls
        if call.begin_s < at_s
    )


def digest(calls: Sequence[Call]) -> str:
    """A name for a plan; two plans that are alike have the same."""
    return blake2b(repr(calls).encode(), digest_size=4).hexdigest()


def _call(settings: LoadSettings, manners: Manners, number: int, begin_s: float) -> Call:
    def rng(purpose: str) -> Random:
        return _rng(settings.seed, f"{number} {purpose}")

    talk = rng("talk")
    manner = manners.by_name["scene" if talk.random() < settings.scenes else "call"]
    said = converse(talk, manner, utterances=max(1, round(manners.utterances.draw(talk) * settings.length)))
    whole_s, line, away = length_s(said), rng("line"), None
    breaks, cut_s, away_s = line.random(), whole_s * line.random(), line.expovariate(1 / MEAN_AWAY_S)
    if breaks < settings.reconnects:
        away = (round(cut_s, 3), round(cut_s + away_s, 3))
        said = broken_off(said, cut_s=away[0], back_s=away[1])
    churn = rng("churn")
    ending: Ending = "finished"
    leaves, at_s, left_s = churn.random(), whole_s * churn.random(), settings.seconds - begin_s
    over_s = whole_s
    if leaves < settings.churn:
        ending, over_s = "hung up", at_s
    if left_s < over_s:
        ending, over_s = "cut short", left_s
    said = tuple(sorted(hung_up(said, over_s), key=lambda one: (one.end_s, one.speaker)))
    return Call(
        number=number,
        begin_s=begin_s,
        length_s=round(over_s, 3),
        manner=manner.name,
        ending=ending,
        away=away if away is not None and away[0] < over_s else None,
        said=said,
        faults=draw_faults(rng("faults"), settings.faults, [one.connection for one in said]),
    )


def _rng(seed: int, purpose: str) -> Random:
    return Random(f"{seed} {purpose}")  # noqa: S311 - it has to be the same again
