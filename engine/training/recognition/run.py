"""One training run: a recipe and FER2013 in, a folder with the encoder, its figures and its card out."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from engine.calibration import probabilities
from engine.features.crops import framed, standardised
from engine.features.dan import DanEncoder
from engine.features.efficientface import EfficientFaceEncoder
from engine.training.corpora.base import FaceSet
from engine.training.corpora.fer2013 import CARD, Fer2013
from engine.training.fitting.keeping import keep, kept, read_rows, write_rows
from engine.training.measured.table import Line
from engine.training.recognition import card, unseen
from engine.training.recognition import recipe as recipes
from engine.training.recognition.data import split
from engine.training.recognition.loop import Fitting, RecognitionEncoder
from engine.training.recognition.losses import Loss
from engine.training.recognition.recipe import FaceRecipe
from engine.training.scoring.scores import Scores, score
from schemas.labels import EMOTIONS

LOG, STATE, CONFIG, WEIGHTS = "epochs.csv", "state.pt", "config.json", "model.safetensors"
_BATCH = 256


@dataclass(frozen=True, slots=True)
class Report:
    """How a run is told about: steps as they go, and a line an epoch."""

    step: Callable[[int, int, float], None]
    """Steps done, steps in all, the last loss."""
    line: Callable[[str], None]


def train(
    recipe_path: Path,
    out: Path,
    *,
    data: Path,
    report: Report,
    stop: Callable[[], bool],
    test: Path | None = None,
) -> bool:
    """Make the face encoder of a recipe in `out`; whether it is finished, or `stop` said so before.

    What was done lies in `out` after every epoch and when it stops: the same call goes on from there, to the same
    weights that it would have made in one go. PublicTest is never read. test: a manifest whose faces nothing else
    looks at, measured at the end for the card.
    Raises `ConfigurationError` for a recipe that is wrong, data that are not there, or a folder of another recipe.
    """
    recipe = recipes.load(recipe_path)
    never_seen = None if test is None else unseen.read(test)
    out.mkdir(parents=True, exist_ok=True)
    parts = split(Fer2013(data / recipe.data.fer2013).training, dev_share=recipe.data.dev_share, seed=recipe.seed)
    fitting = start(recipe, parts.train)
    state = out / f"{recipe.digest()}-{STATE}"
    before = kept(state)
    if before is not None:
        fitting.restore(before)
    rows: list[dict[str, Any]] = [*read_rows(out / LOG)[: fitting.epoch]]
    while not fitting.finished:
        began_s = time.monotonic()
        epoch = fitting.run_epoch(stop=stop, report=report.step)
        if epoch is not None:
            scores = measure(fitting.averaged, parts.dev, half=recipe.training.half)
            rows.append(
                asdict(epoch)
                | {
                    "dev_accuracy": round(scores.accuracy, 4),
                    "dev_macro_f1": round(scores.macro_f1, 4),
                    "seconds": round(time.monotonic() - began_s, 1),
                }
            )
            write_rows(out / LOG, rows)
            report.line(
                f"epoch {epoch.number}/{recipe.training.epochs}  loss {epoch.loss:.3f}  dev {scores.accuracy:.4f}"
            )
        keep(state, fitting.state())
        if epoch is None:
            return False
    dev = measure(fitting.averaged, parts.dev)
    measured = None
    if never_seen is not None:
        answers = logits(fitting.averaged, never_seen.faces.images)
        measured = never_seen.worth(probabilities(answers, temperature=1.0))
    save(fitting.averaged, recipe, out, train_pictures=len(parts.train.labels), dev=dev, test=measured)
    return True


def start(recipe: FaceRecipe, faces: FaceSet) -> Fitting:
    """A fresh encoder about to learn these faces."""
    torch.manual_seed(recipe.seed)
    encoder = build(recipe)
    loss = Loss(
        classes=len(EMOTIONS),
        features=encoder.network.features,
        label_smoothing=recipe.training.label_smoothing,
        affinity=recipe.losses.affinity,
        partition=recipe.losses.partition,
    )
    return Fitting(encoder, loss, faces, recipe=recipe)


def build(recipe: FaceRecipe) -> RecognitionEncoder:
    """The recipe's encoder, not yet trained."""
    numbers = recipe.face_encoder.model_dump(exclude={"name"})
    return DanEncoder(**numbers) if recipe.face_encoder.name == "dan" else EfficientFaceEncoder(**numbers)


@torch.no_grad()
def logits(encoder: RecognitionEncoder, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The network's answers to grey pictures `[N, S, S]`, as they are served: `[N, 7]`."""
    answers = []
    for part in torch.split(torch.from_numpy(images), _BATCH):
        pictures = standardised(framed(part.float()[:, None] / 255, side=encoder.side, crop=encoder.crop)[:, 0])
        answers.append(encoder.classify(pictures.contiguous(memory_format=torch.channels_last)).float())
    return torch.cat(answers).double().numpy()


def measure(encoder: RecognitionEncoder, faces: FaceSet, *, half: bool = False) -> Scores:
    """Scores on labelled grey pictures; `half`: under torch's autocast to bfloat16."""
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        return score(faces.labels, probabilities(logits(encoder, faces.images), temperature=1.0))


def save(
    encoder: RecognitionEncoder,
    recipe: FaceRecipe,
    out: Path,
    *,
    train_pictures: int,
    dev: Scores,
    test: Line | None = None,
) -> None:
    """Write the encoder's tensors, what it is, its card and its licence; `test` is of faces that nothing has seen."""
    tensors = {name: tensor.contiguous() for name, tensor in encoder.state_dict().items()}
    save_file(tensors, out / WEIGHTS)
    config: dict[str, Any] = {
        "face_encoder": recipe.face_encoder.model_dump(),
        "width": encoder.width,
        "labels": list(EMOTIONS),
        "recipe": recipe.model_dump(),
        "data": asdict(CARD),
        "train_pictures": train_pictures,
        "dev": asdict(dev),
    }
    if test is not None:
        config["test"] = test.as_json()
    (out / CONFIG).write_text(json.dumps(config, indent=2) + "\n")
    card.write(out, config, parameters=sum(parameter.numel() for parameter in encoder.parameters()))
