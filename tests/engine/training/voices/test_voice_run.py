import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from actors.cli import main
from engine.errors import ConfigurationError
from engine.training.voices import answers
from engine.training.voices.conditions import CONDITIONS
from engine.training.voices.recipe import load
from engine.training.voices.run import ANSWERS, EPOCHS, WEIGHTS, run
from engine.training.voices.train import train

SILENT = lambda *_: None  # noqa: E731


class Killed(Exception):
    pass


def test_a_recipe_becomes_a_folder_of_figures_by_speakers_that_were_held_out(whole):
    assert [done for _, done, *_ in whole.steps] == list(range(1, whole.steps[-1][2] + 1))
    assert "speaker-independent, 3 folds" in whole.text
    assert "Without fold 2, which the protocol `choosing` looks at" in whole.text
    said = json.loads((whole.out / "results.json").read_text())
    rows = {(row["corpus"], row["condition"]): row for row in said["rows"]}
    assert set(rows) == {(corpus, condition) for corpus in ("ravdess", "emodb") for condition in CONDITIONS}
    assert {row["voices"] for row in said["rows"] if row["corpus"] == "ravdess"} == {40}
    assert {row["voices"] for row in said["without_speakers_chosen_on"] if row["corpus"] == "ravdess"} == {24}
    for row in said["rows"]:
        assert 0 <= row["accuracy"]["low"] <= row["accuracy"]["value"] <= row["accuracy"]["high"] <= 1
        assert len(row["alone"]) == 2
        assert sum(map(sum, row["confusion"])) == row["voices"]
    with (whole.out / "metrics.csv").open(newline="") as lines:
        assert {line["protocol"] for line in csv.DictReader(lines)} == {"speaker-independent, 3 folds"}
    for name in ("curves.png", "confusion-ravdess.png", "confusion-emodb.png"):
        assert (whole.out / name).read_bytes().startswith(b"\x89PNG")


def test_no_voice_is_asked_by_who_learned_its_speaker(whole):
    steps = []
    made = run(load(whole.recipe), whole.out, data=whole.data, progress=lambda *_: steps.append(1))
    assert not steps  # it was read, not made again
    clean = [one for one in made.members[0] if one.condition == "clean"]
    assert len({(one.corpus, one.voice) for one in clean}) == len(clean) == 40 + 18
    for parts in made.split.folds:
        for part in parts:
            assert not {v.speaker for v in part.train} & {v.speaker for v in part.test}
    for one in made.members[0]:
        assert one.chances.sum() == pytest.approx(1, abs=1e-3)
        assert len(one.chances) == {"ravdess": 8, "emodb": 6}[one.corpus]


@pytest.mark.parametrize("step", [5, 11])
def test_a_training_that_was_killed_goes_on_to_the_same_weights(whole, tmp_path, step):
    recipe, steps = load(whole.recipe), []

    def die(done, *_):
        steps.append(done)
        if done == step:
            raise Killed

    with pytest.raises(Killed):
        run(recipe, tmp_path, data=whole.data, progress=die)
    torch.manual_seed(99)
    run(recipe, tmp_path, data=whole.data, progress=lambda done, *_: steps.append(done))
    assert 0 < len(steps) - steps[-1] < 5  # of the epoch that was cut
    units = sorted(whole.out.glob(f"*/*/{WEIGHTS}"))
    assert len(units) == 6
    for unit in units:
        again = tmp_path / unit.relative_to(whole.out)
        one, other = load_file(unit), load_file(again)
        assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
        assert unit.with_name(ANSWERS).read_text() == again.with_name(ANSWERS).read_text()
        assert unit.with_name(EPOCHS).read_text() == again.with_name(EPOCHS).read_text()


def test_another_recipe_in_the_same_folder_begins_anew(small_recipe, small_corpora, tmp_path):
    text = small_recipe.read_text().replace("members = 2", "members = 1").replace("epochs = 3", "epochs = 1")
    counts = []
    for mixup in ("0.3", "0.1", "0.1"):
        small_recipe.write_text(text.replace("mixup = 0.3", f"mixup = {mixup}"))
        steps = []
        train(load(small_recipe), tmp_path / "out", data=small_corpora.folder, progress=lambda *_: steps.append(1))  # noqa: B023
        counts.append(len(steps))
    assert counts[0] == counts[1] > 0
    assert counts[2] == 0


def test_a_random_split_says_so_in_every_table(small_recipe, small_corpora, tmp_path):
    text = small_recipe.read_text().replace('"speakers"', '"random"').replace("members = 2", "members = 1")
    small_recipe.write_text(text.replace("epochs = 3", "epochs = 1"))
    text = train(load(small_recipe), tmp_path / "out", data=small_corpora.folder, progress=SILENT)
    headings = [line for line in text.splitlines() if line.startswith(("#", "Recall", "By sex"))]
    assert len(headings) == 5
    assert all("random split, speakers overlap" in line for line in headings)
    assert "chosen" not in text
    assert "speakers overlap" in (tmp_path / "out" / "metrics.csv").read_text()


def test_choosing_holds_one_fold_out_of_the_rest_and_looks_at_it_after_every_epoch(
    small_recipe, small_corpora, tmp_path
):
    text = small_recipe.read_text().replace('"speakers"', '"choosing"').replace("members = 2", "members = 1")
    small_recipe.write_text(text)
    made = run(load(small_recipe), tmp_path, data=small_corpora.folder, progress=SILENT)
    (fold,) = made.split.folds
    first = {"15", "19"}, {"14"}
    for part, never in zip(fold, first, strict=True):
        learned, held = ({voice.speaker for voice in some} for some in (part.train, part.test))
        assert learned
        assert held
        assert not learned & held
        assert learned | held | never == {voice.speaker for voice in part.corpus.voices}
    assert made.split.label.startswith("for choosing")
    (log,) = tmp_path.glob(f"*/*/{EPOCHS}")
    rows = list(csv.DictReader(log.read_text().splitlines()))
    emotions = {corpus.name: np.array(corpus.emotions) for corpus in made.corpora}
    right = []
    for one in made.members[0]:
        if one.condition == "clean":
            counts_as = emotions[one.corpus]
            right.append(np.bincount(counts_as, one.chances, minlength=7).argmax() == counts_as[one.label])
    assert float(rows[-1]["dev_accuracy"]) == pytest.approx(np.mean(right), abs=1e-3)


def test_answers_are_read_as_they_were_written(whole, tmp_path):
    made = run(load(whole.recipe), whole.out, data=whole.data, progress=SILENT)
    answers.write(tmp_path / "again.csv", made.members[0])
    again = answers.read(tmp_path / "again.csv")
    assert [replace(one, chances=None) for one in again] == [replace(one, chances=None) for one in made.members[0]]
    assert all((one.chances == other.chances).all() for one, other in zip(again, made.members[0], strict=True))


def test_a_corpus_that_is_not_there_is_named(small_recipe, tmp_path):
    with pytest.raises(ConfigurationError, match="RAVDESS is not at"):
        train(load(small_recipe), tmp_path / "out", data=tmp_path, progress=SILENT)


def test_the_command_line_prints_the_table_and_takes_another_number_of_folds(
    small_recipe, small_corpora, tmp_path, capsys
):
    text = small_recipe.read_text().replace("members = 2", "members = 1").replace("epochs = 3", "epochs = 1")
    small_recipe.write_text(text)
    command = ["train", str(small_recipe), "--data", str(small_corpora.folder), "--out", str(tmp_path / "out")]
    assert main([*command, "--folds", "2"]) == 0
    said = capsys.readouterr().out
    assert "speaker-independent, 2 folds" in said
    assert (tmp_path / "out" / "README.md").read_text() in said
    assert main([*command, "--fusion", "ca"]) == 1
    assert "--fusion means nothing to" in capsys.readouterr().err
    assert main(["train", "dan", "--data", str(small_corpora.folder), "--folds", "2"]) == 1
    assert "--folds means nothing to dan.toml" in capsys.readouterr().err
    assert main([*command, "--folds", "4"]) == 1
    assert "4 folds of 3 groups" in capsys.readouterr().err
