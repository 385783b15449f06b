"""A corpus of one's own upon the checkpoint of voices alone."""

import csv

import numpy as np
import pytest

from engine import artifact
from engine.training.own.recipe import load
from engine.training.own.train import train
from engine.training.recipe import FOLDER
from schemas.labels import EMOTIONS
from simulators.samples import CALL, MEETING


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Of two calls in which a film shows somebody surprised."""
    folder = tmp_path_factory.mktemp("own")
    with (CALL / "manifest.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))[:8]
    said = ["dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion"]
    for place, row in enumerate(rows):
        said.append(f"part{place % 2},{place},{row['speaker']},{CALL / row['media']},,,{row['emotion']}")
    said += [f"part{part},film,Talker,{MEETING / 'bbaf2n.mp4'},,,surprise" for part in (0, 1)]
    (folder / "mine.csv").write_text("\n".join(said) + "\n")
    chosen = load(FOLDER / "own.toml")
    schedule = chosen.dialogue_training.model_copy(update={"epochs": 2, "patience": None, "versions": 2})
    short = chosen.model_copy(update={"dialogue_training": schedule})
    losses = []
    out = train(
        short,
        folder / "mine.csv",
        folder / "out",
        base="open",
        test=None,
        progress=lambda *step: losses.append(step[3]),
    )
    assert np.isfinite(losses).all()
    return out


def test_it_learns_what_the_open_checkpoint_never_said(made):
    read = artifact.read(made)
    assert not read.sees
    assert read.config["unlearned"] == []
    surprise = read.tensors["dialogue.classifier.bias"][EMOTIONS.index("surprise")]
    assert surprise.isfinite()


def test_another_sound_behind_the_same_path_is_learned_anew(tmp_path):
    rows = [f"part{n},{n},A{n},{n}.flac,,,joy" for n in range(2)]
    head = "dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion"
    (tmp_path / "mine.csv").write_text("\n".join([head, *rows]) + "\n")
    chosen = load(FOLDER / "own.toml")
    schedule = chosen.dialogue_training.model_copy(update={"epochs": 1, "patience": None, "versions": 1})
    short = chosen.model_copy(update={"dialogue_training": schedule})

    def steps(*sounds):
        for number, sound in enumerate(sounds):
            (tmp_path / f"{number}.flac").write_bytes((CALL / sound).read_bytes())
        done = []
        source = tmp_path / "mine.csv"
        train(short, source, tmp_path / "out", base="open", test=None, progress=lambda *step: done.append(step))
        return len(done)

    one, other, third = "12a01Fb.flac", "12a02Nb.flac", "12b02Na.flac"
    assert steps(one, other) == 1
    assert steps(one, other) == 0
    assert steps(one, third) == 1


def test_a_film_is_heard_and_not_looked_into(made):
    assert not [name for name in artifact.read(made).config["metrics"] if "faces alone" in name]
    card = (made / "README.md").read_text()
    assert "2 pictures without a face" in card
    assert "None: all that was measured chose something." in card
    assert "Recall by class" not in card
