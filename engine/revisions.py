"""A second look at turns: which events are kept for it, and which of them are said again."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.answers import decision
from engine.dialogue import recent
from engine.records import recounted, settled
from engine.signals import Revised, Tensors
from schemas.events import EmotionEvent
from schemas.record import DialogueRecord, Recent

LEAST_MOVE = 0.1
"""Probability that has to have gone from some labels to others for a turn to be said again under its old label."""


def moved(before: NDArray[np.floating], after: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether the total variation between distributions `[..., 7]` is at least `LEAST_MOVE`."""
    return np.asarray(np.abs(after - before).sum(axis=-1) / 2 >= LEAST_MOVE)


def remembered(record: DialogueRecord, event: EmotionEvent, *, revision_id: str) -> DialogueRecord:
    """The record with one more event that may be said again."""
    return record.model_copy(update={"recent": (*record.recent, Recent(event=event, revision_id=revision_id))})


def said_again(record: DialogueRecord, revised: Sequence[Revised]) -> tuple[DialogueRecord, tuple[EmotionEvent, ...]]:
    """The record with these turns' labels counted anew, and an event for each whose label or distribution changed.

    What was not remembered, or was erased since, is not said again. An event stays what it was in all but the decision:
    its weights are those of the first look.
    """
    kept = {one.event.turn: one for one in record.recent}
    events = []
    for look in revised:
        if look.number not in kept:
            continue
        before = kept[look.number].event
        update = {**decision(look), "event_id": kept[look.number].revision_id, "revision": 1}
        after = before.model_copy(update=update)
        if after.label != before.label or bool(moved(_row(before), _row(after))):
            record = recounted(record, before, after)
            events.append(after)
    said = {event.turn: event for event in events}
    again = tuple(one.model_copy(update={"event": said.get(one.event.turn, one.event)}) for one in record.recent)
    return record.model_copy(update={"recent": again}), tuple(events)


def waiting(record: DialogueRecord, tensors: Tensors) -> DialogueRecord:
    """The record with none but the events whose turns are still to be looked at again by what these tensors hold.

    The others have been said for the last time.
    """
    numbers = recent.numbers(tensors)
    record = settled(record, [one.event for one in record.recent if one.event.turn not in numbers])
    return record.model_copy(update={"recent": tuple(one for one in record.recent if one.event.turn in numbers)})


def _row(event: EmotionEvent) -> NDArray[np.float64]:
    return np.array(list((event.distribution or {}).values()))
