"""What events add to the figures, and that no sentence of the engine is without a word."""

import ast
from pathlib import Path

import pytest

from engine.faces.unread import REASON
from engine.tally import MISSING, OTHER, tally
from schemas.events import EmotionEvent, Modalities, PolicyDecision, StateNote

ENGINE = Path(__file__).parents[2] / "engine"


def event(**changes) -> EmotionEvent:
    return EmotionEvent(
        **{
            "event_id": "e",
            "dialogue_id": "call-1",
            "turn": 0,
            "speaker": "Ann",
            "start_s": 0.0,
            "end_s": 1.0,
            "label": "anger",
            "modalities": Modalities(audio=True, video=True),
            "model_id": "m",
            "policy": PolicyDecision(allowed=True, rule="allowed"),
            "state": StateNote(status="continued"),
            **changes,
        }
    )


def test_a_turn_is_counted_by_its_label():
    assert tally(event()) == ("turns", "labels:anger")


def test_a_turn_without_a_decision_is_counted_by_its_reason_and_by_what_is_missing():
    missing = Modalities(audio=True, video=False, video_missing="several faces, and no mouth goes clearly with it")
    counted = tally(event(label=None, abstained="low_confidence", modalities=missing))
    assert counted == ("turns", "abstained:low_confidence", "missing_video:several_faces")


def test_where_nobody_spoke_there_is_no_turn():
    assert tally(event(turn=None, label=None, abstained="no_speech")) == ("abstained:no_speech",)


def test_a_revision_is_no_second_turn():
    assert tally(event(revision=1)) == ("revisions",)


def test_a_sentence_that_nobody_foresaw_makes_no_new_word():
    missing = Modalities(audio=False, video=True, audio_missing="Ann hung up")
    assert tally(event(modalities=missing))[-1] == f"missing_audio:{OTHER}"


def sentences() -> list[str]:
    """Every text that the stages return as the reason why there is no face."""
    found = [REASON]
    for name in ("faces/speaking.py", "faces/flaws.py"):
        tree = ast.parse((ENGINE / name).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Return) and node.value is not None:
                found += [
                    leaf.value
                    for leaf in ast.walk(node.value)
                    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
                ]
    return found


def test_the_sentences_are_found():
    assert len(sentences()) >= 9


@pytest.mark.parametrize("sentence", sentences())
def test_every_reason_the_engine_gives_has_a_word_of_its_own(sentence: str):
    (word,) = [
        name.partition(":")[2]
        for name in tally(event(modalities=Modalities(audio=True, video=False, video_missing=sentence)))
        if name.startswith("missing_video")
    ]
    assert word in MISSING
    assert word != OTHER
