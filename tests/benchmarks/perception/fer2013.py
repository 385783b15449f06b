"""Trained face encoders on FER2013's PublicTest, which is read here and nowhere before; what they are and cost.

    python -m tests.benchmarks.perception.fer2013 RUN_FOLDER ... [--data ../shared/data]

A run folder is what `turntone train dan` and `turntone train efficientface` made. Pictures go through the encoder as
they are served: as the mean over a picture and its mirror image where the recipe says so, and for comparison without.
Beside PublicTest as it is stands the part of it that is no near-duplicate of a picture in Training. Whether half
precision changes the accuracy is seen on the dev part of Training.
Costs are processor milliseconds a crop, one thread, the least of a few runs; a difference is the largest of all
tokens, in spreads of a token.
"""

import argparse
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from engine.calibration import probabilities
from engine.features.trained import load
from engine.training.corpora.base import FaceSet
from engine.training.corpora.fer2013 import Fer2013
from engine.training.recognition.data import repeated, split
from engine.training.recognition.run import LOG, logits
from engine.training.scoring.scores import score

RESULTS = Path(__file__).parent / "results"
TABLE = RESULTS / "fer2013.json"
BATCHES = (1, 64)
RUNS = 5
PUBLISHED = {
    "dan": {"RAF-DB": 0.8970, "AffectNet-7": 0.6569, "AffectNet-8": 0.6209, "parameters": 19.72e6},
    "efficientface": {
        "RAF-DB": 0.8836,
        "AffectNet-7": 0.6370,
        "AffectNet-8": 0.5989,
        "parameters": 1.28e6,
        "multiplications at 224": 154.18e6,
    },
    "single networks on FER2013": "0.73 to 0.76 (PrivateTest)",
}


def public_test(encoder: Any, fer: Fer2013) -> dict[str, Any]:
    """Scores on all of PublicTest as served, on what Training does not repeat, and from a single look."""
    faces = fer.public_test
    new = ~repeated(faces.images, fer.training.images)
    answers = logits(encoder, faces.images)
    served, encoder.mirrored = encoder.mirrored, False
    single = logits(encoder, faces.images)
    encoder.mirrored = served
    whole, clean, once = (
        score(faces.labels[chosen], probabilities(found[chosen], temperature=1.0))
        for found, chosen in ((answers, slice(None)), (answers, new), (single, slice(None)))
    )
    return {
        "PublicTest": asdict(whole),
        "PublicTest without near-duplicates of Training": asdict(clean),
        "PublicTest, one look without the mirror image": asdict(once),
    }


def halved(encoder: Any, faces: FaceSet) -> dict[str, float]:
    """Accuracy as trained, and with weights that were kept in half precision."""
    exact = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    before = logits(encoder, faces.images)
    encoder.load_state_dict({n: t.half().float() if t.is_floating_point() else t for n, t in exact.items()})
    after = logits(encoder, faces.images)
    encoder.load_state_dict(exact)
    accuracies = [float((answers.argmax(axis=1) == faces.labels).mean()) for answers in (before, after)]
    return {"accuracy float32": accuracies[0], "accuracy float16 weights": accuracies[1]}


@torch.inference_mode()
def costs(encoder: Any) -> dict[str, Any]:
    """Parameters, multiplications and processor time."""
    row: dict[str, Any] = {"parameters": sum(p.numel() for p in encoder.network.parameters())}
    with FlopCounterMode(display=False) as counter:
        encoder.network(torch.rand(1, 3, encoder.crop, encoder.crop))
    row[f"multiplications at {encoder.crop}"] = counter.get_total_flops() / 2
    variants: dict[str, Callable[..., Any]] = {
        "float32": encoder.extract,
        "bfloat16": torch.autocast("cpu", torch.bfloat16)(encoder.extract),
        "compiled": torch.compile(encoder.extract),
    }
    for size in BATCHES:
        crops = torch.rand(1, size, 3, 64, 64, generator=torch.Generator().manual_seed(1))
        mask = torch.ones(1, size, dtype=torch.bool)
        exact = encoder.extract(crops, mask)[0]
        for variant, extract in variants.items():
            began = time.perf_counter()
            got = extract(crops, mask)[0]
            if variant == "compiled":
                row[f"compiled, batch {size}, first call, s"] = time.perf_counter() - began
            row[f"{variant}, batch {size}, ms"] = milliseconds(extract, crops, mask) / size
            row[f"{variant}, batch {size}, difference"] = float((got.float() - exact).abs().max() / exact.std())
    return row


def milliseconds(extract: Callable[..., Any], crops: Tensor, mask: Tensor) -> float:
    """The least processor time of a few runs."""
    times = []
    for _ in range(RUNS):
        began = time.process_time()
        extract(crops, mask)
        times.append(time.process_time() - began)
    return min(times) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    fer = Fer2013(arguments.data / "fer2013.npz")
    table: dict[str, Any] = json.loads(TABLE.read_text()) if TABLE.is_file() else {"published": PUBLISHED}
    for folder in arguments.runs:
        encoder: Any = load(folder)
        config = json.loads((folder / "config.json").read_text())
        recipe = config["recipe"]
        name = recipe["name"]
        parts = split(fer.training, dev_share=recipe["data"]["dev_share"], seed=recipe["seed"])
        table[name] = {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "dev part of Training": config["dev"],
            **public_test(encoder, fer),
            "dev part, weights in half precision": halved(encoder, parts.dev),
            "costs": {key: float(f"{value:.4g}") for key, value in costs(encoder).items()},
            "recipe": recipe,
        }
        RESULTS.mkdir(exist_ok=True)
        TABLE.write_text(json.dumps(table, indent=2) + "\n")
        shutil.copyfile(folder / LOG, RESULTS / f"fer2013_{name}.csv")
        accuracy = table[name]["PublicTest"]["accuracy"]
        print(f"{name}: PublicTest {accuracy:.4f}, dev {config['dev']['accuracy']:.4f}", flush=True)
        print(json.dumps(table[name]["costs"], indent=2), flush=True)


if __name__ == "__main__":
    main()
