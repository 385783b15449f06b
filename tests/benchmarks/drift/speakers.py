"""How far a few speakers are from all of the training by themselves: what an index has to be above to mean something.

env OMP_NUM_THREADS=1 .venv/bin/python tests/benchmarks/drift/speakers.py
"""

import json
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from engine import artifact, parts
from engine.drift.bins import tally
from engine.drift.reference import read
from engine.drift.stability import stability_index
from engine.training.corpora import ravdess, scripted

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
OUT = Path(__file__).parent / "results" / "speakers.json"
DRAWS, TURNS = 20, 1000


def main() -> None:
    """Draw actors of the training, and of those held out, and turns of theirs in MELD's order of labels."""
    torch.set_num_threads(1)
    found = artifact.read(artifact.find("default"))
    voice, reference = parts.load(found).voice, read(found.folder, model_id=found.model_id)
    if reference is None:
        raise SystemExit(f"default has no reference: python -m engine.training.written.reference default --data {DATA}")
    bins, rng, rows = reference.features["audio"], np.random.default_rng(0), []
    for kind, among in (("of the training", ("train",)), ("held out", ("dev", "test"))):
        actors = list(chain.from_iterable(scripted.ACTORS[part] for part in among))
        places, speakers = {}, {}
        for one in ravdess.read(DATA / "ravdess_speech_16k.tar", actors=actors):
            mask = torch.ones(1, len(one.audio), dtype=torch.bool)
            with torch.inference_mode():
                tokens, _ = voice.extract(torch.from_numpy(one.audio)[None], mask)
            places[one.name] = bins.place(tokens.mean(1).double().numpy())[0]
            speakers[one.name] = one.speaker
        dialogues = chain.from_iterable(scripted.read(DATA / "scripted" / f"scripted_{part}.csv") for part in among)
        heard = [turn.voice for one in dialogues for turn in one if turn.voice is not None]
        for size in (size for size in (1, 2, 3, 6, 10, 14) if size <= len(actors)):
            indices = []
            for _ in range(DRAWS):
                chosen = set(rng.choice(sorted(set(speakers.values())), size, replace=False))
                theirs = [name for name in heard if speakers[name] in chosen]
                drawn = np.array([places[name] for name in rng.choice(theirs, TURNS)])
                indices.append(stability_index(bins.counts, tally(drawn, bins.counts.shape[1])))
            rows.append(
                {
                    "actors": f"{size} {kind}",
                    "median": round(float(np.median(indices)), 3),
                    "most": round(max(indices), 3),
                }
            )
            print(rows[-1], flush=True)
    said = {"model_id": found.model_id, "draws": DRAWS, "turns": TURNS, "rows": rows}
    OUT.write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    main()
