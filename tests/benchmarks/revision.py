"""What a second look is worth: backward cells over a checkpoint's frozen parts, measured on the dev part for several K.

python -m tests.benchmarks.revision --data ../shared/data --json tests/benchmarks/results/revision.json
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine import artifact, parts
from engine.calibration import fit_temperature
from engine.decision import DialogueStates, looking_again
from engine.parts import Parts
from engine.training.corpora import acted, emodb, fer2013, ravdess, scripted
from engine.training.corpora.base import Dialogue, FaceSet, Voice
from engine.training.fitting.fit import Following
from engine.training.learned.revision import cells, look_twice, told, train_revision
from engine.training.material import tokens
from engine.training.material.batches import Assembler, only
from engine.training.recipe import FOLDER, Recipe, RevisionTraining, load
from engine.training.scoring.intervals import gain, interval, weighted_f1

EPOCHS = 8
SCRIPTED, RAVDESS, EMODB, FER = "scripted", "ravdess_speech_16k.tar", "emodb_16k.tar", "fer2013.npz"


def schedule(ahead: int, epochs: int) -> RevisionTraining:
    """As long as the dialogue states' own stage learns in about half of its epochs; chosen before any result."""
    return RevisionTraining(
        turns=ahead,
        dropout=0.3,
        epochs=epochs,
        batch=32,
        learning_rate=1e-3,
        weight_decay=1e-3,
        label_smoothing=0.05,
        patience=None,
    )


def filled(
    loaded: Parts, dialogues: Sequence[Dialogue], voices: Sequence[Voice], faces: FaceSet, versions: int
) -> Assembler:
    """The tokens of these dialogues by the checkpoint's encoders."""
    bank = tokens.fill(
        voice_encoder=loaded.voice,
        face_encoder=loaded.face,
        voices=voices,
        faces=faces,
        face_indices=[turn.face for one in dialogues for turn in one if turn.face is not None],
        versions=versions,
        seed=0,
    )
    return Assembler(bank=bank, audio_width=loaded.voice.width, video_width=loaded.face.width)


def learned(loaded: Parts, recipe: Recipe, data: Path) -> tuple[list[Dialogue], Assembler]:
    """What the recipe's dialogue stages learn from."""
    chosen, who = recipe.dialogue_training, recipe.speakers
    scenes = scripted.read(data / SCRIPTED / "scripted_train.csv")
    german = emodb.read_training(data / EMODB, speakers=who.emodb_train)
    voices = [*ravdess.read(data / RAVDESS, actors=who.ravdess_train), *german]
    faces = fer2013.Fer2013(data / FER).source("train")
    calls = acted.dialogues(german, turns=chosen.acted_turns, copies=chosen.acted_copies, seed=recipe.seed)
    return [*scenes, *calls], filled(loaded, scenes, voices, faces, chosen.versions)


def held_out(loaded: Parts, recipe: Recipe, data: Path) -> tuple[dict[str, list[Dialogue]], Assembler]:
    """The dev part, as it is and with something missing."""
    table = data / SCRIPTED / "scripted_dev.csv"
    clean = scripted.read(table)
    conditions = {
        "clean": clean,
        "voices alone": [tuple(only(turn, voice=True) for turn in one) for one in clean],
        "faces alone": [tuple(only(turn, voice=False) for turn in one) for one in clean],
        "video40": scripted.read(table, face_column="video40"),
        "video40 and voice30": scripted.read(table, face_column="video40", voice_column="voice30"),
    }
    voices = ravdess.read(data / RAVDESS, actors=recipe.speakers.ravdess_dev)
    faces = fer2013.Fer2013(data / FER).source("dev")
    return conditions, filled(loaded, clean, voices, faces, 1)


def without_later(states: DialogueStates) -> DialogueStates:
    """The same cells over windows that end with the turn itself: what of a gain owes nothing to later turns."""
    short = deepcopy(cells(states))
    short.turns_ahead = 0
    return replace(states, revision=short)


def rows(
    loaded: Parts, states: DialogueStates, conditions: dict[str, list[Dialogue]], using: Assembler
) -> Iterator[dict[str, Any]]:
    """One condition after the other, after the second look's temperature was fitted on the first three."""
    looks = {name: look_twice(loaded.fusion, states, some, using) for name, some in conditions.items()}
    fitted = list(looks.values())[:3]
    temperature = fit_temperature(
        np.concatenate([one.second[one.later] for one in fitted]),
        np.concatenate([one.labels[one.later] for one in fitted]),
    )
    short = without_later(states)
    for name, one in looks.items():
        said = told(
            one,
            temperature=loaded.temperature,
            revised_temperature=temperature,
            abstain_below=loaded.abstain_below,
        )
        groups = np.repeat(np.arange(len(conditions[name])), [len(dialogue) for dialogue in conditions[name]])
        first, last = (weighted_f1(one.labels, chances.argmax(axis=1)) for chances in (said.first, said.last))
        everywhere = weighted_f1(one.labels, np.where(one.later[:, None], one.second, one.first).argmax(axis=1))
        alone = look_twice(loaded.fusion, short, conditions[name], using)
        itself = weighted_f1(one.labels, np.where(one.later[:, None], alone.second, one.first).argmax(axis=1))
        changed = said.first.argmax(axis=1) != said.last.argmax(axis=1)
        right = said.last.argmax(axis=1) == one.labels
        yield {
            "condition": name,
            "turns": len(one.labels),
            "at_once": asdict(interval(first, groups, seed=0)),
            "in_the_end": asdict(interval(last, groups, seed=0)),
            "gain": asdict(interval(gain(last, first), groups, seed=0)),
            "gain_if_every_second_look_counted": asdict(interval(gain(everywhere, first), groups, seed=0)),
            "gain_of_the_later_turns": asdict(interval(gain(everywhere, itself), groups, seed=0)),
            "said_again": float(said.again.mean()),
            "label_changed": float(changed.mean()),
            "label_changed_for_the_better": float((changed & right).mean()),
            "revised_temperature": temperature,
        }


def _print(stage: str, done: int, steps: int, loss: float) -> None:
    if done % 20 == 0:
        print(f"{stage} {done}/{steps} {loss:.3f}", flush=True)


def main() -> None:
    """Train, measure, write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--json", type=Path, required=True)
    arguments.add_argument("--runs", type=Path, default=Path("runs/revision"), help="where a training goes on from")
    arguments.add_argument("--checkpoint", default="default")
    arguments.add_argument("--turns", type=int, nargs="+", default=[1, 2, 4])
    arguments.add_argument("--epochs", type=int, default=EPOCHS)
    arguments.add_argument("--versions", type=int, help="of every voice and face, the recipe's if not said")
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    began = time.perf_counter()
    read = artifact.read(artifact.find(chosen.checkpoint))
    loaded, recipe = parts.load(read), load(FOLDER / "default.toml")
    if chosen.versions is not None:
        training = recipe.dialogue_training.model_copy(update={"versions": chosen.versions})
        recipe = recipe.model_copy(update={"dialogue_training": training})
    conditions, dev = held_out(loaded, recipe, chosen.data)
    dialogues, assembler = learned(loaded, recipe, chosen.data)
    print(f"tokens after {time.perf_counter() - began:.0f} s", flush=True)
    found: dict[str, Any] = {"model_id": read.model_id, "epochs": chosen.epochs}
    found |= {"versions": recipe.dialogue_training.versions, "turns_ahead": {}}
    for ahead in chosen.turns:
        torch.manual_seed(recipe.seed)
        states = looking_again(loaded.decision, turns_ahead=ahead, dropout=schedule(ahead, 1).dropout)
        train_revision(
            loaded.fusion,
            states,
            dialogues,
            assembler,
            schedule=schedule(ahead, chosen.epochs),
            chances=recipe.dialogue_training,
            seed=recipe.seed,
            following=Following(_print, chosen.runs / f"revision-{ahead}.pt"),
        )
        found["turns_ahead"][ahead] = list(rows(loaded, states, conditions, dev))
        found["seconds"] = round(time.perf_counter() - began)
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")
        for row in found["turns_ahead"][ahead]:
            print(ahead, row["condition"], row["gain"], f"{row['said_again']:.3f}", flush=True)


if __name__ == "__main__":
    main()
