"""What a checkpoint's turns looked like in training, made and laid beside it; no weight and no id changes.

python -m engine.training.written.reference default --data ../shared/data
"""

import argparse
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from engine import artifact, parts
from engine.drift.bins import Bins
from engine.drift.reference import Modality, Reference
from engine.training import recipe
from engine.training.corpora.base import Turn
from engine.training.curriculum import Curriculum
from engine.training.material import tokens
from engine.training.material.conditions import Material
from schemas.labels import EMOTIONS

MOST_TURNS: Final = 4000
"""So many are drawn of the turns with a voice, and of those with a face."""
FEWEST_TURNS: Final = 200
"""Of a modality with fewer nothing can be told."""


def write(folder: Path, learned: Material, *, seed: int) -> Path:
    """Lay the reference of a checkpoint beside it; returns the file.

    learned: the dialogues of its training part. Every turn counts for the labels; those whose tokens are pooled are
    drawn with the seed, and heard and seen as they are, not augmented: a line or a room that was only imitated in
    training is to be told from a studio all the same. Raises `CheckpointError`.
    """
    found = artifact.read(folder)
    loaded = parts.load(found)
    turns = list(chain.from_iterable(chain.from_iterable(learned.conditions.values())))
    rng = np.random.default_rng(seed)
    heard = _drawn([turn for turn in turns if turn.voice is not None], rng)
    seen = _drawn([turn for turn in turns if turn.face is not None and found.sees], rng)
    wanted = {turn.voice for turn in heard}
    bank = tokens.fill(
        voice_encoder=loaded.voice,
        face_encoder=loaded.face,
        voices=(voice for voice in learned.voices if voice.name in wanted),
        faces=learned.faces,
        face_indices=[turn.face for turn in seen if turn.face is not None],
        versions=1,
        seed=seed,
    )
    pooled: dict[Modality, list[NDArray[np.float64]]] = {
        "audio": [bank.voices[turn.voice][0].mean(0).double().numpy() for turn in heard if turn.voice is not None],
        "video": [bank.faces[turn.face][0].mean(0).double().numpy() for turn in seen if turn.face is not None],
    }
    labels = Counter(turn.label for turn in turns)
    return Reference(
        model_id=found.model_id,
        source=f"{len(heard)} turns with a voice and {len(seen)} with a face, drawn with seed {seed} from the"
        f" {len(turns)} turns of {' and '.join(learned.conditions)}; labels of all of these",
        labels={label: labels[index] for index, label in enumerate(EMOTIONS)},
        features={name: Bins.learn(np.array(rows)) for name, rows in pooled.items() if rows},
    ).write(folder)


def _drawn(turns: list[Turn], rng: np.random.Generator) -> list[Turn]:
    """At most `MOST_TURNS` of them, none twice; nothing where there are fewer than `FEWEST_TURNS`."""
    if len(turns) < FEWEST_TURNS:
        return []
    return [turns[index] for index in sorted(rng.permutation(len(turns))[:MOST_TURNS])]


def main() -> None:
    """Make the reference of a checkpoint that has none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="a folder, a hub id, `default` or `open`")
    parser.add_argument("--data", type=Path, required=True, help="folder of the recipe's corpora")
    parser.add_argument(
        "--recipe", help="what it was trained with, as TOML or by name; the checkpoint's name if not said"
    )
    asked = parser.parse_args()
    torch.set_num_threads(1)
    named = asked.recipe or asked.checkpoint
    shipped = recipe.FOLDER / f"{named}.toml"
    chosen = recipe.load(shipped if shipped.is_file() else Path(named))
    print(write(artifact.find(asked.checkpoint), Curriculum(chosen, data=asked.data).learned, seed=chosen.seed))


if __name__ == "__main__":
    main()
