import io

import pytest
from rich.console import Console

from actors.cli.table import TurnTable, clock_time, label, note, row
from schemas.events import EmotionEvent, Modalities, PolicyDecision, StateNote, Weights


def event(**changes):
    fields = {
        "event_id": "e",
        "dialogue_id": "run-of-a-long-name-call",
        "turn": 12,
        "speaker": "A customer with a long name",
        "role": "customer",
        "start_s": 70.0,
        "end_s": 72.34,
        "label": "surprise",
        "confidence": 0.614,
        "weights": Weights(audio=0.62, video=0.38),
        "modalities": Modalities(audio=True, video=True),
        "model_id": "m",
        "policy": PolicyDecision(allowed=True, role="customer", rule="r"),
        "state": StateNote(status="continued"),
    }
    return EmotionEvent.model_validate({**fields, **changes})


def withheld(role):
    decision = PolicyDecision(allowed=False, role=role, rule="r")
    return event(label=None, confidence=None, weights=None, abstained="withheld", policy=decision, role=role)


def test_a_row_says_who_what_and_why():
    assert row(event()).plain.split() == [
        "1:12.3", "run-of-a-long-n…", "12", "A", "customer…", "customer", "surprise", "0.61", "0.62/0.38",
    ]  # fmt: skip


@pytest.mark.parametrize("one", [event(), withheld("agent"), event(revision=1, overlap=True, late=True, turn=99999)])
def test_rows_and_header_fit_a_hundred_columns(one):
    console = Console(file=io.StringIO(), width=100)
    table = TurnTable(console)
    table.show(one)
    table.show(one)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 100 for line in lines)
    assert lines[0].index("label") == lines[1].index(label(one))


@pytest.mark.parametrize(
    ("role", "shown"), [("agent", "withheld (agent)"), (None, "withheld (unkn…)"), ("employee", "withheld (empl…)")]
)
def test_a_withheld_turn_says_whose(role, shown):
    assert label(withheld(role)) == shown


def test_other_turns_without_a_label_say_why():
    assert label(event(label=None, abstained="no_speech", turn=None)) == "no speech"
    assert label(event(label=None, abstained="low_confidence")) == "low confidence"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"modalities": Modalities(audio=True, video=False)}, "no face"),
        ({"modalities": Modalities(audio=False, video=True)}, "no voice"),
        ({"revision": 2, "overlap": True}, "revised, overlap"),
        ({"state": StateNote(status="restarted", reason="x"), "late": True}, "late, restarted"),
    ],
)
def test_notes(changes, said):
    assert note(event(**changes)) == said


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00.0"), (59.96, "1:00.0"), (3661.25, "61:01.2")])
def test_times(seconds, shown):
    assert clock_time(seconds) == shown
