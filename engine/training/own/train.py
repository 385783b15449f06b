"""A manifest and a checkpoint in, a checkpoint out whose fusion and dialogue states have heard that corpus too."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from engine import artifact, parts
from engine.calibration import probabilities
from engine.decision import Decision, DialogueStates
from engine.errors import ConfigurationError
from engine.faces.mtcnn import load_mtcnn
from engine.faces.speaking import speaking_face
from engine.faces.track import MtcnnLocator
from engine.faces.unread import Unsearched, no_face
from engine.parts import Parts
from engine.training.corpora import manifest
from engine.training.corpora.base import Dialogue
from engine.training.corpora.manifest import Manifest
from engine.training.fitting.device import CPU
from engine.training.fitting.fit import Following, Progress
from engine.training.fitting.keeping import read_rows
from engine.training.fitting.stages import Stages
from engine.training.learned.dialogues import predict, train_dialogues
from engine.training.learned.tuning import DEV, tune
from engine.training.learned.unlearned import let_learn, silence
from engine.training.material import tokens
from engine.training.material.batches import Assembler, only
from engine.training.material.conditions import Material
from engine.training.measured.evaluate import evaluate
from engine.training.own.affect import described, is_rated, saying_affect
from engine.training.own.parting import Parted, part
from engine.training.own.recipe import OwnRecipe
from engine.training.scoring.scores import Scores, score
from engine.training.written import reference, run_folder
from schemas.labels import EMOTIONS

# What of a checkpoint is true of its own training only.
_PASSING = ("metrics", "model_id", "data", "calibration", "revision")


def train(
    chosen: OwnRecipe,
    source: Path,
    out: Path,
    *,
    base: str,
    test: Path | None,
    progress: Progress,
    device: torch.device = CPU,
) -> Path:
    """Make a checkpoint in `out` from the checkpoint `base` (a folder, a hub id or `default`) and a manifest, `source`.

    What was done lies in `out` after every epoch: the same call goes on from there to the same weights. `test` is a
    manifest that nothing else looks at: it is measured at the end, for the card. Raises `ConfigurationError` for a
    manifest that is wrong, and `CheckpointError`.
    """
    if test is not None and not test.is_file():
        raise ConfigurationError(f"{test} is no manifest to test with")
    if test is not None and source.exists() and test.samefile(source):
        raise ConfigurationError(f"{test} is what is learned from: a test is of dialogues that nothing has seen")
    read = artifact.read(artifact.find(base))
    loaded = parts.load(read)
    if read.sees:
        corpus = manifest.read(source, locator=MtcnnLocator(detector=load_mtcnn()), speaking_face=speaking_face)
    else:
        corpus = manifest.read(source, locator=Unsearched(), speaking_face=no_face)
    parted = part(corpus.dialogues, dev_share=chosen.manifest.dev_share, seed=chosen.seed)
    rated = is_rated(parted.train, source)
    loaded = replace(loaded, fusion=saying_affect(loaded.fusion, rated=rated, seed=chosen.seed))
    using = _assembler(loaded, corpus, chosen)
    deciding = _without_revision(loaded.decision)
    modules = {"fusion": loaded.fusion, **deciding.modules}
    dev = {name: some for name, some in _conditions(f"{source.stem} dev", parted.dev).items() if some}
    before = _scores(loaded, deciding, parted.dev, using, temperature=loaded.temperature)

    learned = {EMOTIONS[turn.label] for one in parted.train for turn in one}
    unlearned = [emotion for emotion in read.config.get("unlearned", ()) if emotion not in learned]

    def learn(state: Path) -> None:
        let_learn(loaded.fusion, deciding)
        for module in modules.values():
            module.requires_grad_(True)
        torch.manual_seed(chosen.seed)
        train_dialogues(
            loaded.fusion,
            deciding,
            parted.train,
            using,
            schedule=chosen.dialogue_training,
            seed=chosen.seed,
            following=Following(progress, state, lambda: _scores(loaded, deciding, parted.dev, using), device),
        )

    digest = chosen.digest(read.model_id.encode(), source.read_bytes(), corpus.digest)
    epochs = Stages(out / "stages").run("dialogues", digest, modules, learn)
    silence(loaded.fusion, deciding, unlearned)
    tuned = tune(loaded.fusion, deciding, dev, using, chosen=chosen.calibration)
    run_folder.draw(out, [{"stage": "dialogues"} | row for row in read_rows(epochs)], tuned)
    metrics: dict[str, Any] = {f"{source.stem} dev, {base} as it came": asdict(before) | DEV, **tuned.metrics}
    config: dict[str, Any] = {
        **{name: value for name, value in read.config.items() if name not in _PASSING},
        **described(read.config, rated=rated),
        "calibration": tuned.as_config(),
        "data": [*read.config.get("data", ()), _source(source, parted, corpus.faceless)],
        "unlearned": unlearned,
        "metrics": metrics,
    }
    whole = {"audio_encoder": loaded.voice, "face_encoder": loaded.face, **modules}
    run_folder.write(out, config, whole)
    reference.write(out, Material({source.stem: parted.train}, corpus.voices, corpus.faces), seed=chosen.seed)
    if test is not None:
        for row in evaluate(str(out), str(test), data=test.parent):
            metrics |= {one.name: one.as_json() for one in row.lines}
        run_folder.write(out, config, whole)
    return out


def _without_revision(decision: Decision) -> Decision:
    """Backward cells that learned over other states say nothing of these."""
    return replace(decision, revision=None) if isinstance(decision, DialogueStates) else decision


def _assembler(loaded: Parts, corpus: Manifest, chosen: OwnRecipe) -> Assembler:
    bank = tokens.fill(
        voice_encoder=loaded.voice,
        face_encoder=loaded.face,
        voices=corpus.voices,
        faces=corpus.faces,
        face_indices=range(len(corpus.faces.labels)),
        versions=chosen.dialogue_training.versions,
        seed=chosen.seed,
    )
    return Assembler(bank=bank, audio_width=loaded.voice.width, video_width=loaded.face.width)


def _conditions(name: str, dialogues: Sequence[Dialogue]) -> dict[str, Sequence[Dialogue]]:
    """As they are, and where some turn has both, with voices alone and with faces alone."""
    given = {name: dialogues}
    if any(turn.voice is not None and turn.face is not None for one in dialogues for turn in one):
        given[f"{name}, voices alone"] = [tuple(only(turn, voice=True) for turn in one) for one in dialogues]
        given[f"{name}, faces alone"] = [tuple(only(turn, voice=False) for turn in one) for one in dialogues]
    return given


def _scores(
    loaded: Parts, deciding: Decision, some: Sequence[Dialogue], using: Assembler, *, temperature: float = 1.0
) -> Scores:
    _, decided, labels = predict(loaded.fusion, deciding, some, using)
    return score(labels, probabilities(decided, temperature=temperature))


def _source(source: Path, parted: Parted, faceless: Mapping[str, str]) -> dict[str, str]:
    return {
        "name": source.stem,
        "source": f"a manifest, {source.name}",
        "licence": "its owner's",
        "use": "as its owner says",
        "traps": f"{len(faceless)} pictures without a face that could be read",
        "language": "as recorded",
        "kind": "manifest",
        "part": f"{len(parted.train)} dialogues; dev {len(parted.dev)}: {parted.label}",
    }
