"""Turns as the rules see them: a speaker, a label, how sure, how pleasant."""

from schemas.events import EmotionEvent, Modalities, PolicyDecision, StateNote
from schemas.labels import CIRCUMPLEX, EMOTIONS


def turn(number, label, *, p=0.7, speaker="ann", role="customer", **changes):
    """A turn that gives its label `p`, and the rest the others evenly; no label: nothing was inferred."""
    distribution = {emotion: p if emotion == label else (1 - p) / 6 for emotion in EMOTIONS}
    valence = sum(share * CIRCUMPLEX[emotion][0] for emotion, share in distribution.items())
    fields = {
        "event_id": f"t{number}",
        "dialogue_id": "d",
        "turn": number,
        "speaker": speaker,
        "role": role,
        "start_s": 10.0 * number,
        "end_s": 10.0 * number + 4.0,
        "label": label,
        "distribution": distribution if label else None,
        "valence": valence if label else None,
        "arousal": 0.5 if label else None,
        "abstained": None if label else "withheld",
        "modalities": Modalities(audio=True, video=False),
        "model_id": "m1",
        "policy": PolicyDecision(allowed=label is not None, rule="so"),
        "state": StateNote(status="continued"),
    }
    return EmotionEvent.model_validate(fields | changes)
