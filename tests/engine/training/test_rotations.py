"""Rotations: the same numbers spoken by others, one table over all."""

import tarfile

import pytest

from engine.errors import ConfigurationError
from engine.training.corpora import ravdess
from engine.training.recipe import load
from engine.training.rotations import run as running
from engine.training.rotations.data import RAVDESS, heard_as, place_of, rotated
from engine.training.rotations.report import as_markdown


def quiet(*_):
    """Nobody looks."""


def test_every_actor_has_one_place_and_women_stay_women():
    for by in running.BY:
        places = [place_of(actor, by=by) for actor in range(1, 21)]
        assert sorted(places) == list(range(1, 21))
        assert [heard_as(place, by=by) for place in places] == list(range(1, 21))
        assert all(ravdess.sex_of(place) == ravdess.sex_of(heard_as(place, by=by)) for place in places)


def test_nobody_is_tested_twice():
    tested = [heard_as(place, by=by) for by in running.BY for place in (18, 19, 20)]
    assert len(set(tested)) == len(tested)


def test_the_same_voice_is_read_under_another_number(small_corpora, tmp_path):
    made = rotated(small_corpora.folder, tmp_path / "rotated", by=4)
    old = {voice.name[:-7]: voice for voice in ravdess.read(small_corpora.folder / RAVDESS, actors=[19])}
    new = {voice.name[:-7]: voice for voice in ravdess.read(made / RAVDESS, actors=[3])}
    assert new.keys() == old.keys() != set()
    assert all((new[name].audio == old[name].audio).all() for name in old)
    assert {voice.speaker for voice in new.values()} == {"03"}
    assert (made / "scripted").resolve() == (small_corpora.folder / "scripted").resolve()


def test_a_rotated_folder_that_is_there_stays(small_corpora, tmp_path):
    made = rotated(small_corpora.folder, tmp_path / "rotated", by=4)
    first = (made / RAVDESS).stat().st_mtime_ns
    assert (rotated(small_corpora.folder, made, by=4) / RAVDESS).stat().st_mtime_ns == first
    with tarfile.open(made / RAVDESS) as archive:
        assert {name.split("/")[0] for name in archive.getnames()} == {f"Actor_{n:02d}" for n in (2, 3, 5, 6, 19)}


def test_a_folder_without_recordings_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="RAVDESS"):
        rotated(tmp_path, tmp_path / "out", by=2)


def test_a_whole_turn_gives_the_same_test_and_learns_no_face_again(small_corpora, tmp_path, monkeypatch):
    # Twenty places up everybody is where they were.
    monkeypatch.setattr(running, "BY", (0, 20))
    stages = []
    recipe = load(small_corpora.recipe)
    here, around = running.run(
        recipe, tmp_path / "out", data=small_corpora.folder, progress=lambda stage, *_: stages.append(stage)
    )
    assert {stage for stage in stages if stage.startswith("20 up")} == {"20 up, voice", "20 up, dialogues"}
    assert here.lines == around.lines
    assert here.actors == around.actors == (18, 19, 20)
    assert "video40" in as_markdown([here, around])
    stages.clear()
    assert [one.lines for one in running.run(recipe, tmp_path / "out", data=tmp_path, progress=quiet)] == [
        here.lines,
        around.lines,
    ]
