"""The abstention line by a share of turns or by a share of errors, from the recipe to the card."""

import pytest

from engine import artifact
from engine.errors import ConfigurationError
from engine.training import recipe
from engine.training.own import recipe as own
from engine.training.train import train

RISK = 0.9


@pytest.fixture(scope="module")
def at_risk(shared_corpora, tmp_path_factory):
    """The small recipe by risk, a checkpoint of it, and the same with other words for what chooses."""
    folder = tmp_path_factory.mktemp("risk")

    def said(text):
        path = folder / "risky.toml"
        path.write_text(shared_corpora.recipe.read_text().replace("coverage = 0.95", text))
        return path

    def make(text, steps):
        chosen = recipe.load(said(text))
        return train(chosen, folder / "out", data=shared_corpora.folder, progress=lambda *one: steps.append(one))

    return make(f"risk = {RISK}", []), make, said


def test_a_recipe_may_say_how_many_labels_may_be_wrong(at_risk):
    read = artifact.read(at_risk[0])
    calibration = read.config["calibration"]
    assert calibration["risk"] == RISK
    assert "coverage" not in calibration
    dev = {name: row for name, row in read.config["metrics"].items() if "answered" in row and row.get("part") == "dev"}
    assert len(dev) == 4
    for row in dev.values():
        assert 0 <= row["answered"] <= 1
        assert row["risk"] is None or row["risk"] <= RISK
    assert any(row["answered"] for row in dev.values())


def test_the_card_says_what_chose_and_what_it_gave(at_risk):
    out = at_risk[0]
    card = (out / "README.md").read_text()
    assert "the lowest at which at most 90 % of the labels given" in " ".join(card.split())
    metrics = artifact.read(out).config["metrics"]
    for name in ("scripted dev", "scripted test"):
        (row, *_) = [line for line in card.splitlines() if line.startswith(f"| {name} |") and "of" not in line]
        told = [cell.strip() for cell in row.split("|")]
        wrong = metrics[name]["risk"]
        assert f"{metrics[name]['answered']:.3f}" in told
        assert wrong is None or f"{wrong:.3f}" in told


def test_the_card_has_a_table_for_each_question(at_risk):
    card = (at_risk[0] / "README.md").read_text()
    parts = {text.partition("\n")[0]: text for text in card.split("\n## ")}
    assert list(parts)[2:7] == ["Figures", "By sex and language", "Recall by class", "With and without history",
                                "What chose"]  # fmt: skip
    assert "| RAVDESS actors 18-20 | English, women and men | 16 |" in parts["Figures"]
    assert "| EmoDB speaker 14 | German, women | 6 |" in parts["Figures"]
    assert "| FER2013 test part |  | 21 |" in parts["Figures"]
    assert "dev" not in parts["Figures"].partition("|")[2]
    assert "| RAVDESS actors 18-20 | women | 8 |" in parts["By sex and language"]
    assert "| RAVDESS actors 18-20 | men | 8 |" in parts["By sex and language"]
    assert "| scripted test | 0." in parts["With and without history"]
    assert "RAVDESS" not in parts["With and without history"]
    assert "| scripted dev, voices alone | 24 |" in parts["What chose"]
    for line in parts["Figures"].splitlines():
        if line.startswith(("| RAVDESS", "| scripted")):
            # Weighted F1, UAR and ECE, each with its interval.
            assert line.count("[") == 3


def test_where_errors_cannot_be_kept_so_few_that_is_an_error_and_no_stage_is_lost(at_risk):
    steps = []
    with pytest.raises(ConfigurationError, match=r"risk = 1e-06: no confidence keeps .* scripted dev [01]\.\d{3}"):
        at_risk[1]("risk = 1e-6", steps)
    assert steps == []


@pytest.mark.parametrize("text", ["", "coverage = 0.9\nrisk = 0.2"])
def test_one_of_both_chooses(at_risk, text):
    with pytest.raises(ConfigurationError, match=r"either coverage, the share of turns .* or risk"):
        recipe.load(at_risk[2](text))


@pytest.mark.parametrize("text", ["risk = 0.0", "risk = 1.0", "coverage = 1.5", "coverage = 0"])
def test_a_share_is_a_share(at_risk, text):
    with pytest.raises(ConfigurationError, match=text.partition(" ")[0]):
        recipe.load(at_risk[2](text))


def test_a_corpus_of_ones_own_may_be_tuned_so(tmp_path):
    path = tmp_path / "own.toml"
    text = (recipe.FOLDER / "own.toml").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("coverage")]
    path.write_text(text.replace(line, "risk = 0.2"))
    assert own.load(path).calibration.risk == 0.2
