"""The whole engine in one process over a checkpoint that looks again: a bundled call, from media to revised events."""

import json

import pytest
import torch
from safetensors.torch import save

from engine import artifact, snapshot
from engine.build import build_in_process
from engine.clock import SystemClock
from engine.config import read_config
from engine.decision import decision, looking_again
from engine.metrics import Figures
from engine.state.codec import decode_record
from engine.training.fitting.stages import joined
from engine.transport.memory import MemoryPublisher
from schemas.events import DialogueEvent, EmotionEvent
from schemas.topics import DIALOGUES, SEGMENTS, STATES, TURNS
from simulators.folder import open_corpus
from simulators.replay import Replay
from simulators.samples import CALL

AHEAD = 2


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The default checkpoint with backward cells that nobody trained: what they say is of no account here."""
    read = artifact.read(artifact.DEFAULT)
    torch.manual_seed(0)
    states = looking_again(decision(read.config["dialogue"]), turns_ahead=AHEAD)
    weights = save({**read.tensors, **joined({"revision": states.revision})})
    config = {name: value for name, value in read.config.items() if name != "model_id"}
    config["revision"] = {"turns_ahead": AHEAD}
    config["calibration"] = {**config["calibration"], "revised_temperature": 0.05}
    folder = tmp_path_factory.mktemp("revising")
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def play(checkpoint, *, revise=True):
    """The turns of the call, its end, and what was kept of it on the way."""
    config = read_config()
    config = config.model_copy(
        update={
            "model": config.model.model_copy(update={"checkpoint": str(checkpoint)}),
            "dialogue": config.dialogue.model_copy(update={"revise": revise}),
        }
    )
    engine = build_in_process(config, metrics=Figures())
    Replay(
        publisher=MemoryPublisher(broker=engine.broker),
        clock=SystemClock(),
        wait=lambda seconds: None,
        report=lambda sent: None,
        run="law",
        speed=None,
    ).play(open_corpus(CALL))
    end = engine.broker.end((SEGMENTS, 0))
    while engine.broker.committed(engine.group).get((SEGMENTS, 0), 0) < end:
        engine.loop.turn()
    engine.close()
    turns, lives, states = ([r.value for r in engine.broker.records(topic)] for topic in (TURNS, DIALOGUES, STATES))
    return (
        [EmotionEvent.model_validate_json(value) for value in turns],
        DialogueEvent.model_validate_json(lives[-1]),
        [decode_record(value) for value in states],
    )


@pytest.fixture(scope="module")
def revising(checkpoint):
    return play(checkpoint)


def test_turns_that_were_heard_but_for_the_last_are_said_again_once_they_are_due(revising):
    turns, _, _ = revising
    heard = [event.turn for event in turns if event.distribution is not None and not event.revision]
    revised = [event.turn for event in turns if event.revision]
    assert len(heard) == 12
    assert heard[-1] not in revised
    assert len(revised) >= 8
    order = [(event.turn, event.revision) for event in turns]
    for place, turn in enumerate(heard[:-AHEAD]):
        if turn in revised:
            assert order.index((turn, 1)) == order.index((heard[place + AHEAD], 0)) + 1
    assert len({event.event_id for event in turns}) == len(turns)


def test_what_is_said_again_differs_in_its_label_or_by_a_tenth(revising):
    turns, _, _ = revising
    first = {event.turn: event for event in turns if not event.revision}
    for event in (event for event in turns if event.revision):
        before = first[event.turn]
        moved = sum(abs(event.distribution[label] - before.distribution[label]) for label in event.distribution) / 2
        assert event.label != before.label or moved >= 0.1
        assert (event.speaker, event.start_s, event.weights) == (before.speaker, before.start_s, before.weights)


def test_a_withheld_turn_stays_withheld_and_nothing_of_who_said_it_waits(revising):
    turns, _, records = revising
    withheld = {event.turn for event in turns if event.abstained == "withheld"}
    assert len(withheld) == 12
    assert not withheld & {event.turn for event in turns if event.revision}
    for record in records:
        assert not [name for name in snapshot.decode(record.state) if "Agent" in name]
        assert {one.event.speaker for one in record.recent} <= {"Customer"}
        assert len(record.recent) <= AHEAD


def test_the_end_counts_what_was_said_last_and_keeps_nothing(revising):
    turns, end, records = revising
    last = {event.turn: event.label for event in turns if event.label is not None}
    counted = end.speakers["Customer"].labels
    assert counted == {label: list(last.values()).count(label) for label in counted}
    assert sum(counted.values()) == len(last)
    assert (records[-1].state, records[-1].recent) == (b"", ())


def test_the_same_call_is_said_in_the_same_words(checkpoint, revising):
    assert play(checkpoint)[0] == revising[0]


def test_turned_off_the_first_looks_are_the_same_and_stand(checkpoint, revising):
    turns, _, records = play(checkpoint, revise=False)
    assert turns == [event for event in revising[0] if not event.revision]
    assert not any(record.recent for record in records)
