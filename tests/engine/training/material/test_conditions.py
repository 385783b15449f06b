import numpy as np
import pytest

from engine.errors import ConfigurationError
from engine.training.material import conditions
from engine.training.measured.evaluate import evaluate
from tests.engine.training.corpora import archives


def turns(dialogues):
    return [turn for one in dialogues for turn in one]


def test_babble_is_another_recording_of_the_same_turn(small_corpora):
    found = conditions.material("scripted", small_corpora.folder)
    voices = {voice.name: voice for voice in found.voices}
    plain = turns(found.conditions["scripted test, video40"])
    noisy = turns(found.conditions["scripted test, babble and video40"])
    for before, after in zip(plain, noisy, strict=True):
        assert (before.speaker, before.label, before.face) == (after.speaker, after.label, after.face)
        clear, under = voices[before.voice], voices[after.voice]
        assert clear.label == under.label
        assert not np.allclose(clear.audio, under.audio)
    assert {turn.voice for some in found.conditions.values() for turn in turns(some)} - {None} <= set(voices)


def test_women_and_men_are_measured_apart(tmp_path):
    archives.crema_d(tmp_path / "crema-d")
    (row,) = evaluate("default", "crema-d", data=tmp_path)
    # Of one of the four the corpus does not say who speaks.
    assert {one.name: one.scores.turns for one in row.lines} == {
        "CREMA-D": 4,
        "CREMA-D, women": 1,
        "CREMA-D, men": 2,
        "CREMA-D, utterance only": 4,
    }
    said = [one.as_json() for one in row.lines]
    assert [(one.get("of"), one.get("voices"), one.get("language"), one.get("form")) for one in said] == [
        (None, "women and men", "English", None),
        ("CREMA-D", "women", None, None),
        ("CREMA-D", "men", None, None),
        ("CREMA-D", None, None, "utterance only"),
    ]


def test_iemocap_by_its_two_sets_of_emotions(tmp_path):
    archives.iemocap(tmp_path / "iemocap")
    found = conditions.material("iemocap", tmp_path)
    assert {name: len(turns(some)) for name, some in found.conditions.items()} == {
        "IEMOCAP, seven emotions": 4,
        "IEMOCAP, four emotions": 3,
    }
    assert {voice.name for voice in found.voices} == {
        turn.voice for turn in turns(found.conditions["IEMOCAP, seven emotions"])
    }


def test_meld_clips_without_a_picture_are_voices_alone(tmp_path):
    archives.meld(tmp_path / "meld", "test")
    found = conditions.material("meld", tmp_path)
    assert list(found.conditions) == ["MELD test", "MELD test, voices alone"]
    assert [turn.face for turn in turns(found.conditions["MELD test"])] == [None] * 3
    assert len(found.faces.images) == 0


def test_an_unknown_corpus_is_told_the_known_ones(tmp_path):
    with pytest.raises(ConfigurationError, match=r"scripted, .*, crema-d, iemocap, meld, or a manifest"):
        conditions.material("enterface", tmp_path)


def test_every_dialogue_table_has_a_row_of_one_party_withheld(small_corpora):
    rows = list(evaluate("default", "scripted", data=small_corpora.folder))
    assert [row.lines[-1].name for row in rows] == [f"{row.name}, one party withheld" for row in rows]
    for row in rows:
        # Two parties: each turn is once among those left.
        assert row.withheld.scores.turns == row.causal.scores.turns
        gap = row.withheld.scores.weighted_f1 - row.causal.scores.weighted_f1
        assert row.withheld.against_everybody.value == pytest.approx(gap)
    alone = next(evaluate("default", "ravdess", data=small_corpora.folder))
    assert (alone.withheld, alone.single_turn, alone.causal.gain) == (None, None, None)


def test_a_brought_corpus_goes_through_a_checkpoint(tmp_path):
    archives.iemocap(tmp_path / "iemocap")
    seven, four = evaluate("default", "iemocap", data=tmp_path)
    assert (seven.causal.scores.turns, four.causal.scores.turns) == (4, 3)
    assert seven.withheld is not None


@pytest.mark.parametrize("corpus", ["crema-d", "iemocap"])
def test_a_corpus_without_anything_to_measure_is_told(tmp_path, corpus):
    for place in ("crema-d/AudioWAV", *(f"iemocap/Session{n}/dialog/EmoEvaluation" for n in range(1, 6))):
        (tmp_path / place).mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=f"corpus {corpus} has no turn to measure under"):
        list(evaluate("default", corpus, data=tmp_path))
