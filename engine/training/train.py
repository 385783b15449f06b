"""Training: a recipe and the corpora in, a checkpoint folder out, stage by stage."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from engine.artifact import FORMAT
from engine.calibration import fit_temperature, probabilities
from engine.decision import DialogueStates, decision, looking_again
from engine.errors import ConfigurationError
from engine.fusion.affect import WithAffect
from engine.fusion.builders import fusion
from engine.training.corpora.base import Dialogue
from engine.training.curriculum import Curriculum
from engine.training.fitting.device import CPU
from engine.training.fitting.fit import Following, Progress
from engine.training.fitting.keeping import read_rows
from engine.training.fitting.stages import Stages
from engine.training.learned.dialogues import predict, train_dialogues
from engine.training.learned.front_ends import FrontEnds
from engine.training.learned.revision import cells, look_twice, told, train_revision
from engine.training.learned.tuning import DEV, Tuned, tune
from engine.training.learned.unlearned import silence
from engine.training.material.batches import Assembler
from engine.training.material.conditions import Material
from engine.training.material.encoded import encoded
from engine.training.measured.evaluate import evaluate
from engine.training.recipe import Recipe
from engine.training.scoring.affect import FEWEST_TO_LEARN, rated
from engine.training.scoring.scores import Scores, score
from engine.training.written import reference, run_folder
from schemas.labels import EMOTIONS

Metrics = dict[str, dict[str, Any]]

# What of a recipe the fusion and the dialogue states are made of.
_DIALOGUES = (
    *("voice", "voice_training", "voice_augmentation"),
    *("face", "face_training", "face_augmentation"),
    *("fusion", "dialogue", "dialogue_training"),
)


def train(
    chosen: Recipe,
    out: Path,
    *,
    data: Path,
    progress: Progress,
    stages: Path | None = None,
    test: Path | None = None,
    device: torch.device = CPU,
) -> Path:
    """Make the checkpoint of a recipe in `out` from the corpora under `data`; returns `out`.

    The held-out parts are read at the very end, for the card. What live turns are held against lies beside the weights.
    Stages lie in `stages`, `out/stages` if not said: a training that was interrupted goes on with the first one that
    is missing, and in it with the last epoch; trainings that share the folder share the stages that are alike.
    test: a manifest that nothing else looks at, measured at the end beside the held-out parts.
    device: where encoders, fusion and states learn; cells that look back learn on the CPU.
    Raises `ConfigurationError` for a recipe that is wrong or a corpus that is not there.
    """
    if test is not None and not test.is_file():
        raise ConfigurationError(f"{test} is no manifest to test with")
    made = _Training(chosen, out, data=data, stages=Stages(stages or out / "stages"), progress=progress, device=device)
    made.encoders()
    made.dialogues()
    made.revision()
    made.calibrate()
    made.save()
    reference.write(out, made.curriculum.learned, seed=chosen.seed)
    made.test(test)
    return made.save()


def in_terminal() -> tuple[RichProgress, Progress]:
    """A progress bar, to be entered as a context, and the callback that moves it."""
    bar = RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
    )
    tasks: dict[str, Any] = {}

    def report(stage: str, done: int, steps: int, loss: float) -> None:
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=steps, loss=loss)
        bar.update(tasks[stage], completed=done, loss=loss)

    return bar, report


class _Training:
    def __init__(
        self, chosen: Recipe, out: Path, *, data: Path, stages: Stages, progress: Progress, device: torch.device
    ) -> None:
        self.recipe = chosen
        self.out = out
        self.data = data
        self.progress = progress
        self.device = device
        self.stages = stages
        self.front = FrontEnds(chosen, stages=stages, progress=progress, device=device)
        self.config: dict[str, Any] = {
            "format": FORMAT,
            "labels": list(EMOTIONS),
            "encoders": self.front.numbers,
            "fusion": {
                **self.front.widths,
                **chosen.fusion.model_dump(),
                "classes": len(EMOTIONS),
            },
        }
        made = fusion(**self.config["fusion"])
        says_affect, width = isinstance(made, WithAffect), made.width
        self.config["affect"] = {"source": "regression" if says_affect else "circumplex"}
        self.config["dialogue"] = chosen.dialogue.arguments(width=width)
        if chosen.revision is not None:
            self.config["revision"] = chosen.revision.arguments()
            # A dialogue model that nobody can look back over is told before anything is trained.
            looking_again(decision(self.config["dialogue"]), **self.config["revision"])
        self.curriculum = Curriculum(chosen, data=data)
        known = rated(chain.from_iterable(self.curriculum.learned.conditions.values())) if says_affect else 0
        if says_affect and known < FEWEST_TO_LEARN:
            raise ConfigurationError(
                f"recipe {chosen.name}: people rated valence and arousal of {known} turns of its corpora, and to learn"
                f" them takes {FEWEST_TO_LEARN}; leave [fusion] affect out, and events have them from the circumplex"
                " of the categories"
            )
        self.config["unlearned"] = list(self.curriculum.unlearned)
        self.metrics: Metrics = {}
        self.epochs: dict[str, Path] = self.front.epochs

    def encoders(self) -> None:
        """Train the voice's and the face's encoder, those that are not frozen."""
        heard, seen = self.front.learn_voice(self.curriculum), self.front.learn_face(self.curriculum)
        self.metrics |= {f"{name}, voice encoder alone": asdict(scores) | DEV for name, scores in heard.items()}
        self.metrics |= {f"{name}, face encoder alone": asdict(scores) | DEV for name, scores in seen.items()}

    def dialogues(self) -> None:
        """Train the fusion and the dialogue model over the frozen encoders' tokens."""
        chosen = self.recipe
        torch.manual_seed(chosen.seed)
        self.fusion = fusion(**self.config["fusion"])
        self.decision = decision(self.config["dialogue"])

        def both(state: Path) -> None:
            dialogues, assembler = self._material
            dev, using = self._dev
            train_dialogues(
                self.fusion,
                self.decision,
                dialogues,
                assembler,
                schedule=chosen.dialogue_training,
                seed=chosen.seed,
                following=Following(self.progress, state, lambda: self._decided(dev, using), self.device),
            )

        digest = chosen.digest(*_DIALOGUES, weights=self.front.sha256)
        made = {"fusion": self.fusion, **self.decision.modules}
        self.epochs["dialogues"] = self.stages.run("dialogues", digest, made, both)

    def revision(self) -> None:
        """Train the backward cells over the states, which stay as they are, where the recipe says so."""
        chosen = self.recipe
        schedule = chosen.revision
        if schedule is None:
            return
        torch.manual_seed(chosen.seed)
        states = self.decision = looking_again(self.decision, **schedule.arguments())

        def backward(state: Path) -> None:
            dialogues, assembler = self._material
            dev, using = self._dev
            train_revision(
                self.fusion,
                states,
                dialogues,
                assembler,
                schedule=schedule,
                chances=chosen.dialogue_training,
                seed=chosen.seed,
                following=Following(self.progress, state, lambda: self._seen_again(states, dev, using)),
            )

        digest = chosen.digest(*_DIALOGUES, "revision", weights=self.front.sha256)
        self.epochs["revision"] = self.stages.run("revision", digest, {"revision": cells(states)}, backward)

    def calibrate(self) -> None:
        """One temperature over the dev dialogues, after what nobody has learned is silenced."""
        silence(self.fusion, self.decision, self.curriculum.unlearned)
        tuned, using = self.curriculum.tuned, self._tuning
        found = tune(self.fusion, self.decision, tuned.conditions, using, chosen=self.recipe.calibration)
        self.config["calibration"] = found.as_config()
        self.metrics |= found.metrics
        epochs = [{"stage": stage} | row for stage, path in self.epochs.items() for row in read_rows(path)]
        run_folder.draw(self.out, epochs, found)
        if isinstance(self.decision, DialogueStates) and self.decision.revision is not None:
            self._calibrate_again(self.decision, found, tuned, using)

    def _calibrate_again(self, states: DialogueStates, tuned: Tuned, dev: Material, using: Assembler) -> None:
        """The second looks' own temperature, over the same dialogues."""
        found = {name: look_twice(self.fusion, states, some, using) for name, some in dev.conditions.items()}
        logits = np.concatenate([one.second[one.later] for one in found.values()])
        temperature = fit_temperature(logits, np.concatenate([one.labels[one.later] for one in found.values()]))
        self.config["calibration"]["revised_temperature"] = temperature
        for name, looks in found.items():
            said = told(
                looks,
                temperature=tuned.temperature,
                revised_temperature=temperature,
                abstain_below=tuned.abstain_below,
            )
            extra = {"said_again": float(said.again.mean())}
            self.metrics[f"{name}, said again"] = asdict(score(looks.labels, said.last)) | DEV | extra

    def test(self, also: Path | None) -> None:
        """Measure the checkpoint that was written on what no choice has seen."""
        for name, scores in self.front.held_out(self.curriculum).items():
            self.metrics[f"{name}, face encoder alone"] = asdict(scores)
        for name in (*self.recipe.corpora.names, *([] if also is None else [str(also)])):
            for row in evaluate(str(self.out), name, data=self.data):
                self.metrics |= {line.name: line.as_json() for line in row.lines}

    def save(self) -> Path:
        """Write the checkpoint folder."""
        modules = {
            "audio_encoder": self.front.voice,
            "face_encoder": self.front.face,
            "fusion": self.fusion,
            **self.decision.modules,
        }
        config = self.config | {
            "data": [
                *self.curriculum.sources,
                *(asdict(one) | {"part": "weights as they come"} for one in self.front.cards),
            ],
            "metrics": self.metrics,
        }
        run_folder.write(self.out, config, modules)
        return self.out

    @cached_property
    def _material(self) -> tuple[list[Dialogue], Assembler]:
        """What the dialogue stages learn from."""
        learned = self.curriculum.learned
        using = self._assembler(learned, versions=self.recipe.dialogue_training.versions)
        return list(chain.from_iterable(learned.conditions.values())), using

    @cached_property
    def _tuning(self) -> Assembler:
        """Tokens of the dev part."""
        return self._assembler(self.curriculum.tuned, versions=1)

    @property
    def _dev(self) -> tuple[Sequence[Dialogue], Assembler]:
        """The dialogues that are looked at after every epoch."""
        return next(iter(self.curriculum.tuned.conditions.values())), self._tuning

    def _decided(self, dev: Sequence[Dialogue], using: Assembler) -> Scores:
        _, decided, labels = predict(self.fusion, self.decision, dev, using)
        return score(labels, probabilities(decided, temperature=1.0))

    def _seen_again(self, states: DialogueStates, dev: Sequence[Dialogue], using: Assembler) -> Scores:
        looks = look_twice(self.fusion, states, dev, using)
        return score(looks.labels[looks.later], probabilities(looks.second[looks.later], temperature=1.0))

    def _assembler(self, material: Material, *, versions: int) -> Assembler:
        return encoded(
            material,
            voice=self.front.voice,
            face=self.front.face,
            versions=versions,
            seed=self.recipe.seed,
            augmentation=self.recipe.voice_augmentation,
            looks=self.recipe.face_augmentation,
        )
