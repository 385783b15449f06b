"""Training: a recipe and the corpora in, a checkpoint folder out, stage by stage."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from safetensors.torch import save

from engine.artifact import FORMAT, identify
from engine.calibration import abstention_threshold, fit_temperature, probabilities
from engine.decision import DialogueStates, decision, looking_again
from engine.fusion.builders import fusion
from engine.training import card, tokens
from engine.training.batches import Assembler, only
from engine.training.conditions import HELD_OUT
from engine.training.corpora import acted, emodb, fer2013, ravdess, scripted
from engine.training.corpora.base import Dialogue, FaceSet, Voice
from engine.training.dialogues import predict, train_dialogues
from engine.training.evaluate import evaluate
from engine.training.fit import Following, Progress
from engine.training.front_ends import FrontEnds
from engine.training.keeping import read_rows, write_rows
from engine.training.recipe import Recipe
from engine.training.revision import cells, look_twice, told, train_revision
from engine.training.scores import Scores, score
from engine.training.stages import Stages, joined
from schemas.labels import EMOTIONS

Metrics = dict[str, dict[str, Any]]

# What of a recipe the fusion and the dialogue states are made of.
_DIALOGUES = ("voice", "voice_training", "face", "face_training", "fusion", "dialogue", "dialogue_training")


def train(chosen: Recipe, out: Path, *, data: Path, progress: Progress, stages: Path | None = None) -> Path:
    """Make the checkpoint of a recipe in `out` from the corpora under `data`; returns `out`.

    The held-out parts are read at the very end, for the card.
    Stages lie in `stages`, `out/stages` if not said: a training that was interrupted goes on with the first one that
    is missing, and trainings that share the folder share the stages that are alike.
    Raises `ConfigurationError` for a recipe that is wrong or a corpus that is not there.
    """
    made = _Training(chosen, out, data=data, stages=Stages(stages or out / "stages"), progress=progress)
    made.encoders()
    made.dialogues()
    made.revision()
    made.calibrate()
    made.save()
    made.test()
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
    def __init__(self, chosen: Recipe, out: Path, *, data: Path, stages: Stages, progress: Progress) -> None:
        self.recipe = chosen
        self.out = out
        self.data = data
        self.progress = progress
        self.stages = stages
        self.front = FrontEnds(chosen, stages=stages, progress=progress)
        self.config: dict[str, Any] = {
            "format": FORMAT,
            "labels": list(EMOTIONS),
            "encoders": self.front.numbers,
            "fusion": {
                "audio_width": self.front.voice.width,
                "video_width": self.front.face.width,
                **chosen.fusion.model_dump(),
                "classes": len(EMOTIONS),
            },
            "affect": {"source": "circumplex"},
        }
        width = fusion(**self.config["fusion"]).width
        self.config["dialogue"] = chosen.dialogue.arguments(width=width)
        if chosen.revision is not None:
            self.config["revision"] = chosen.revision.arguments()
            # A dialogue model that nobody can look back over is told before anything is trained.
            looking_again(decision(self.config["dialogue"]), **self.config["revision"])
        corpora = chosen.corpora
        self.ravdess, self.emodb = data / corpora.ravdess, data / corpora.emodb
        self.scripted = data / corpora.scripted
        self.fer = fer2013.Fer2013(data / corpora.fer2013)
        self.voices = ravdess.read(self.ravdess, actors=chosen.speakers.ravdess_train)
        self.german = emodb.read_training(self.emodb, speakers=chosen.speakers.emodb_train)
        self.dev_voices = ravdess.read(self.ravdess, actors=chosen.speakers.ravdess_dev)
        self.dev_german = emodb.read_training(self.emodb, speakers=chosen.speakers.emodb_dev)
        self.metrics: Metrics = {}
        self.epochs: dict[str, Path] = self.front.epochs

    def encoders(self) -> None:
        """Train the voice's and the face's encoder, those that are not frozen."""
        head = self.front.learn_voice([*self.voices, *self.german], [*self.dev_voices, *self.dev_german])
        if head is not None:
            self.metrics["RAVDESS dev actors, voice encoder alone"] = asdict(self.front.hear(head, self.dev_voices))
            self.metrics["EmoDB dev speaker, voice encoder alone"] = asdict(self.front.hear(head, self.dev_german))
        head = self.front.learn_face(self.fer)
        if head is not None:
            self.metrics["FER2013 dev part, face encoder alone"] = asdict(self.front.see(head, self.fer.faces("dev")))

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
                following=Following(self.progress, state, lambda: self._decided(dev, using)),
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
        """One temperature over the dev dialogues as they are, with voices alone and with faces alone."""
        dev, bank = self._dev
        german_bank = self._assembler(self._bank([], self.dev_german, self.fer.source("dev"), 1))
        parts: list[tuple[str, Sequence[Dialogue], Assembler]] = [
            ("scripted dev", dev, bank),
            ("scripted dev, voices alone", [tuple(only(t, voice=True) for t in d) for d in dev], bank),
            ("scripted dev, faces alone", [tuple(only(t, voice=False) for t in d) for d in dev], bank),
            ("EmoDB dev speaker, acted call", self._calls(self.dev_german, copies=1), german_bank),
        ]
        found = {name: predict(self.fusion, self.decision, some, using)[1:] for name, some, using in parts}
        logits = np.concatenate([one for one, _ in found.values()])
        temperature = fit_temperature(logits, np.concatenate([labels for _, labels in found.values()]))
        chances = {name: probabilities(one, temperature=temperature) for name, (one, _) in found.items()}
        line = abstention_threshold(list(chances.values()), coverage=self.recipe.calibration.coverage)
        self.config["calibration"] = {"temperature": temperature, "abstain_below": line}
        for name, (raw, labels) in found.items():
            before = score(labels, probabilities(raw, temperature=1.0)).ece
            answered = float((chances[name].max(axis=1) >= line).mean())
            extra = {"ece_before": before, "answered": answered}
            self.metrics[name] = asdict(score(labels, chances[name])) | extra
        if isinstance(self.decision, DialogueStates) and self.decision.revision is not None:
            self._calibrate_again(self.decision, parts)

    def _calibrate_again(
        self, states: DialogueStates, parts: Sequence[tuple[str, Sequence[Dialogue], Assembler]]
    ) -> None:
        """The second looks' own temperature, over the same dialogues."""
        found = {name: look_twice(self.fusion, states, some, using) for name, some, using in parts}
        logits = np.concatenate([one.second[one.later] for one in found.values()])
        temperature = fit_temperature(logits, np.concatenate([one.labels[one.later] for one in found.values()]))
        calibration = self.config["calibration"]
        calibration["revised_temperature"] = temperature
        for name, looks in found.items():
            said = told(looks, **calibration)
            extra = {"said_again": float(said.again.mean())}
            self.metrics[f"{name}, said again"] = asdict(score(looks.labels, said.last)) | extra

    def test(self) -> None:
        """Measure the checkpoint that was written on what no choice has seen."""
        for name in HELD_OUT:
            for row in evaluate(str(self.out), name, data=self.data):
                self.metrics[row.name] = row.causal.as_json() | {"answered": row.answered}
                if name == "scripted":
                    self.metrics |= {other.name: other.as_json() for other in row.lines[1:]}

    def save(self) -> Path:
        """Write the checkpoint folder."""
        tensors = joined(
            {
                "audio_encoder": self.front.voice,
                "face_encoder": self.front.face,
                "fusion": self.fusion,
                **self.decision.modules,
            }
        )
        weights = save(tensors)
        config = self.config | {
            "data": self._sources(),
            "metrics": self.metrics,
        }
        config["model_id"] = identify(config, weights)
        self.out.mkdir(parents=True, exist_ok=True)
        epochs = [{"stage": stage} | row for stage, path in self.epochs.items() for row in read_rows(path)]
        write_rows(self.out / "epochs.csv", epochs)
        (self.out / "model.safetensors").write_bytes(weights)
        (self.out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        card.write(self.out, config, count=sum(tensor.numel() for tensor in tensors.values()))
        return self.out

    @cached_property
    def _material(self) -> tuple[list[Dialogue], Assembler]:
        """What the dialogue stages learn from."""
        chosen = self.recipe.dialogue_training
        scenes = scripted.read(self.scripted / "scripted_train.csv")
        bank = self._bank(scenes, [*self.voices, *self.german], self.fer.source("train"), chosen.versions)
        return [*scenes, *self._calls(self.german, copies=chosen.acted_copies)], self._assembler(bank)

    @cached_property
    def _dev(self) -> tuple[list[Dialogue], Assembler]:
        """The dialogues that choose, as they are."""
        dev = scripted.read(self.scripted / "scripted_dev.csv")
        return dev, self._assembler(self._bank(dev, self.dev_voices, self.fer.source("dev"), 1))

    def _decided(self, dev: Sequence[Dialogue], using: Assembler) -> Scores:
        _, decided, labels = predict(self.fusion, self.decision, dev, using)
        return score(labels, probabilities(decided, temperature=1.0))

    def _seen_again(self, states: DialogueStates, dev: Sequence[Dialogue], using: Assembler) -> Scores:
        looks = look_twice(self.fusion, states, dev, using)
        return score(looks.labels[looks.later], probabilities(looks.second[looks.later], temperature=1.0))

    def _calls(self, voices: Sequence[Voice], *, copies: int) -> list[Dialogue]:
        turns = self.recipe.dialogue_training.acted_turns
        return acted.dialogues(voices, turns=turns, copies=copies, seed=self.recipe.seed)

    def _sources(self) -> list[dict[str, str]]:
        who = self.recipe.speakers
        parts = (
            (ravdess.CARD, f"actors {_listed(who.ravdess_train)}; dev {_listed(who.ravdess_dev)}"),
            (emodb.CARD, f"speakers {_listed(who.emodb_train)}; dev {_listed(who.emodb_dev)}"),
            (fer2013.CARD, "Training; dev a third of PublicTest"),
            (scripted.CARD, "MELD's train and dev tables"),
        )
        frozen = ((source, "weights as they come") for source in self.front.cards)
        return [asdict(source) | {"part": part} for source, part in (*parts, *frozen)]

    def _bank(
        self, dialogues: Sequence[Dialogue], voices: Sequence[Voice], faces: FaceSet, versions: int
    ) -> tokens.TokenBank:
        return tokens.fill(
            voice_encoder=self.front.voice,
            face_encoder=self.front.face,
            voices=voices,
            faces=faces,
            face_indices=[turn.face for one in dialogues for turn in one if turn.face is not None],
            versions=versions,
            seed=self.recipe.seed,
        )

    def _assembler(self, bank: tokens.TokenBank) -> Assembler:
        return Assembler(bank=bank, audio_width=self.front.voice.width, video_width=self.front.face.width)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(f"{number:02d}" for number in numbers)
