"""Two commands: the first chooses and never reads the test part, the second reads it once.

python -m engine.training.evidence choose meld-six --data ../shared/data --out FOLDER
python -m engine.training.evidence measure meld-six --data ../shared/data --out FOLDER
"""

import argparse
import time
from pathlib import Path

import torch

from engine.training.evidence.choose import choose, chosen, tried
from engine.training.evidence.measure import measure, say
from engine.training.evidence.recipe import load
from engine.training.evidence.table import as_json, as_markdown
from engine.training.evidence.tasks import TASKS


def main() -> None:
    """Run one of them; `choose` goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("choose", "measure"))
    parser.add_argument("recipe")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    recipe = load(asked.recipe)
    task, path = TASKS[recipe.corpus], asked.out / f"{asked.recipe}-choice.csv"
    train = task.train(asked.data)
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.step == "choose":
        for one in choose(recipe, train, path):
            print(f"fold {one.fold}, {one.setting}: {one.weighted_f1:.4f} ({time.process_time():.0f} s)", flush=True)
        return
    picked = chosen(recipe, tried(path), len(train))
    test = task.test(asked.data)
    print(f"the test part of {recipe.corpus} is read at {time.strftime('%Y-%m-%d %H:%M')}: {task.what}", flush=True)
    said = []
    for fold, (learn, asks) in enumerate(zip(train, test, strict=True)):
        print(f"fold {fold}: {picked[fold]} ({time.process_time():.0f} s)", flush=True)
        said.append(say(learn, asks, recipe.settings[picked[fold]], seeds=recipe.seeds))
    measured = measure(test, said)
    (asked.out / f"{asked.recipe}.json").write_text(as_json(recipe, picked, measured))
    print(as_markdown(measured))


if __name__ == "__main__":
    main()
