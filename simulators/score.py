"""Events against what the corpus knows: who was answered, how, and how often rightly."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.events import EmotionEvent
from schemas.labels import EMOTIONS, Emotion
from simulators.timeline import Sent

LABELLED_SHARE = 0.9
"""Share of the allowed turns that has to get a label for a demonstration to count."""
BOTH_SHARE = 0.8
"""Share of a meeting's turns that has to be seen and heard."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One utterance and the events that fell into its time."""

    sent: Sent
    events: tuple[EmotionEvent, ...]

    @property
    def main(self) -> EmotionEvent | None:
        """The event that covers most of the utterance."""
        return max(self.events, key=lambda event: _overlap_s(event, self.sent), default=None)

    @property
    def withheld(self) -> bool:
        """Whether policy kept it from being inferred."""
        return any(event.abstained == "withheld" for event in self.events)

    @property
    def label(self) -> Emotion | None:
        """What the utterance was called, if it was called anything."""
        return self.main.label if self.main is not None else None

    @property
    def both(self) -> bool:
        """Whether voice and face both reached the model."""
        return self.main is not None and self.main.modalities.audio and self.main.modalities.video


@dataclass(frozen=True, slots=True)
class Share:
    """Some of many."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """Between 0 and 1; 1 where there was nothing to count."""
        return self.count / self.of if self.of else 1.0

    def __str__(self) -> str:
        return f"{self.count} of {self.of} ({self.value:.0%})"


@dataclass(frozen=True, slots=True)
class Score:
    """The figures of one replay."""

    answered: Share
    withheld: Share
    labelled: Share
    """Of the turns that were not withheld."""
    both: Share
    """Of the turns that were not withheld."""
    correct: Share
    """Of the turns with a label on both sides."""
    by_label: Mapping[Emotion, Share]
    """By the corpus' label."""


def match(sent: Sequence[Sent], events: Iterable[EmotionEvent]) -> tuple[Answer, ...]:
    """Give each event, in its last revision, to the utterance of its dialogue with which it shares most time."""
    last: dict[tuple[str, int | None, float], EmotionEvent] = {}
    for event in events:
        key = (event.dialogue_id, event.turn, 0.0 if event.turn is not None else event.start_s)
        if key not in last or event.revision >= last[key].revision:
            last[key] = event
    found: dict[tuple[str, str], list[EmotionEvent]] = {(each.dialogue_id, each.utterance_id): [] for each in sent}
    by_dialogue: dict[str, list[Sent]] = {}
    for each in sent:
        by_dialogue.setdefault(each.dialogue_id, []).append(each)
    for event in last.values():
        candidates = by_dialogue.get(event.dialogue_id, [])
        best = max(candidates, key=lambda each: (_overlap_s(event, each), each.speaker == event.speaker), default=None)
        if best is not None and _overlap_s(event, best) > 0:
            found[best.dialogue_id, best.utterance_id].append(event)
    return tuple(Answer(each, tuple(found[each.dialogue_id, each.utterance_id])) for each in sent)


def score(answers: Sequence[Answer]) -> Score:
    """Count."""
    allowed = [answer for answer in answers if not answer.withheld]
    judged = [answer for answer in allowed if answer.label is not None and answer.sent.emotion is not None]
    by_label: dict[Emotion, Share] = {}
    for emotion in EMOTIONS:
        true = [answer for answer in judged if answer.sent.emotion == emotion]
        if true:
            by_label[emotion] = Share(sum(answer.label == emotion for answer in true), len(true))
    return Score(
        answered=Share(sum(bool(answer.events) for answer in answers), len(answers)),
        withheld=Share(sum(answer.withheld for answer in answers), len(answers)),
        labelled=Share(sum(answer.label is not None for answer in allowed), len(allowed)),
        both=Share(sum(answer.both for answer in allowed), len(allowed)),
        correct=Share(sum(answer.label == answer.sent.emotion for answer in judged), len(judged)),
        by_label=by_label,
    )


def shortfalls(answers: Sequence[Answer], *, denied: frozenset[str], both_in: frozenset[str]) -> tuple[str, ...]:
    """What a demonstration promised and did not keep; empty when all is well.

    denied: roles that must be withheld, and nobody else; both_in: dialogues that have voices and faces.
    """
    problems = [
        f"{answer.sent.dialogue_id} {answer.sent.utterance_id} was not answered"
        for answer in answers
        if not answer.events
    ]
    for answer in answers:
        if answer.events and answer.withheld != (answer.sent.role in denied):
            verb = "was withheld" if answer.withheld else "was not withheld"
            problems.append(f"{answer.sent.dialogue_id} {answer.sent.utterance_id} ({answer.sent.role}) {verb}")
    permitted = [answer for answer in answers if answer.sent.role not in denied]
    labelled = Share(sum(answer.label is not None for answer in permitted), len(permitted))
    if labelled.value < LABELLED_SHARE:
        problems.append(f"only {labelled} of the allowed turns got a label; {LABELLED_SHARE:.0%} were promised")
    seen = [answer for answer in permitted if answer.sent.dialogue_id in both_in]
    both = Share(sum(answer.both for answer in seen), len(seen))
    if both.value < BOTH_SHARE:
        problems.append(f"only {both} of the meeting's turns were both heard and seen; {BOTH_SHARE:.0%} were promised")
    return tuple(problems)


def _overlap_s(event: EmotionEvent, sent: Sent) -> float:
    return min(event.end_s, sent.end_s) - max(event.start_s, sent.start_s)
