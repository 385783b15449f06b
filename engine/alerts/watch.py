"""One turn through the rules: the alert state and an event in, the next state and what fired out."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.alerts.rule import Rule, slope
from engine.alerts.state import AlertState, Watched
from schemas.events import AlertEvidence, EmotionEvent


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule, and the turns it fired on."""

    rule: Rule
    speaker: str
    role: str | None
    evidence: tuple[AlertEvidence, ...]
    """In order; the last is the turn it fired at."""

    @property
    def valence_slope(self) -> float | None:
        """As the rule saw it, where it looks at it."""
        if self.rule.valence_slope is None:
            return None
        return slope([turn.valence for turn in self.evidence if turn.valence is not None])


def watch(rules: Sequence[Rule], state: AlertState, event: EmotionEvent) -> tuple[AlertState, tuple[Fired, ...]]:
    """The state after one turn, and the rules that fire at it, in their order.

    Only an answered turn counts, as it was first said and in its order: one that was withheld, abstained from, said
    again or comes late is as if it were not there, neither continuing a row nor breaking it. Nothing is kept of who
    is watched by no rule.
    """
    watching = [rule for rule in rules if rule.watches(event.role)]
    now = _evidence(event)
    if not watching or now is None or event.speaker is None:
        return state, ()
    before = state.speakers.get(event.speaker, Watched())
    heard = (*before.heard, now)[-max(rule.within for rule in watching) :]
    resting = {name: turns - 1 for name, turns in before.resting.items() if turns > 1}
    fired = []
    for rule in watching:
        evidence = () if before.resting.get(rule.name) else tuple(rule.evidence(heard))
        if evidence:
            fired.append(Fired(rule, event.speaker, event.role, evidence))
            if rule.cooldown:
                resting[rule.name] = rule.cooldown
    return state.with_speaker(event.speaker, Watched(heard=heard, resting=resting)), tuple(fired)


def _evidence(event: EmotionEvent) -> AlertEvidence | None:
    if event.turn is None or event.label is None or event.distribution is None or event.late or event.revision:
        return None
    return AlertEvidence(
        turn=event.turn,
        start_s=event.start_s,
        end_s=event.end_s,
        label=event.label,
        distribution=event.distribution,
        valence=event.valence,
    )
