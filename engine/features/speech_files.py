"""Pretrained speech models as files: found in a folder or on the hub, known by a hash, loaded without running code."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import torch

from engine.errors import CheckpointError
from engine.features.precision import Precision
from engine.features.speech import SpeechEncoder
from engine.features.whisper import WhisperEncoder
from engine.signals import SAMPLE_RATE_HZ

_SETTINGS = ("config.json", "preprocessor_config.json")
_SAFE, _PICKLED = "*.safetensors", "pytorch_model*.bin"
# Learned only where a model is pretrained by masking; many published files are without it.
_TRAINING_ONLY = {"masked_spec_embed"}


def load(
    source: str, *, layer: int, pooled: bool, sha256: str | None, pickled: bool, precision: Precision = "float32"
) -> SpeechEncoder | WhisperEncoder:
    """The model in a folder, or of a hub id (fetched, or cached), whose files have this `fingerprint`.

    Safetensors only, unless `pickled`: then PyTorch's pickles, of which only tensors are taken.
    Raises `CheckpointError` where it cannot be had, is another one, or is of another kind.
    """
    folder = find(source, pickled=pickled)
    found = fingerprint(folder, pickled=pickled)
    if sha256 != found:
        said = "its configuration does not say which weights it means" if sha256 is None else f"not {sha256}"
        raise CheckpointError(f"speech model {source!r} has sha256 = {found!r}; {said}")
    model, standardised = _read(source, folder, pickled=pickled)
    config = model.config
    layers = int(config.num_hidden_layers)
    if not -layers - 1 <= layer <= layers:
        raise CheckpointError(f"speech model {source!r} has layers 0 to {layers}: there is no layer {layer}")
    if config.model_type == "whisper":
        return WhisperEncoder(model=model.encoder, config=config, layer=layer, pooled=pooled, precision=precision)
    return SpeechEncoder(
        model=model, config=config, standardised=standardised, layer=layer, pooled=pooled, precision=precision
    )


def fingerprint(folder: Path, *, pickled: bool = False) -> str:
    """The hash of a model's settings and weights, whatever else lies beside them."""
    weights = sorted(folder.glob(_PICKLED if pickled else _SAFE))
    if not weights:
        advice = "" if pickled else "; pickled = true reads PyTorch's own files, of which it takes only tensors"
        raise CheckpointError(f"there is no {_PICKLED if pickled else _SAFE} in {folder}{advice}")
    digest = hashlib.sha256()
    for path in (*(folder / name for name in _SETTINGS), *weights):
        if not path.is_file():
            raise CheckpointError(f"there is no {path.name} in {folder}: save the model's feature extractor there too")
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def find(source: str, *, pickled: bool = False) -> Path:
    """The folder of a model: itself, or of a hub id, fetched or cached. Raises `CheckpointError` if there is none."""
    from huggingface_hub import snapshot_download

    if Path(source).is_dir():
        return Path(source)
    weights = _PICKLED if pickled else _SAFE
    try:
        return Path(snapshot_download(source, allow_patterns=[*_SETTINGS, weights, f"{weights}.index.json"]))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"speech model {source!r} is neither a folder nor to be had from the hub ({error}). Where there is a "
            f"network, `hf download {source} --local-dir FOLDER` saves it; then name that folder"
        ) from error


def _read(source: str, folder: Path, *, pickled: bool) -> tuple[Any, bool]:
    from transformers import AutoFeatureExtractor, AutoModel

    try:
        model, report = AutoModel.from_pretrained(
            folder, use_safetensors=not pickled, weights_only=True, dtype=torch.float32, output_loading_info=True
        )
        prepared = AutoFeatureExtractor.from_pretrained(folder)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, RuntimeError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"speech model {source!r} cannot be loaded: {error}") from error
    if model.config.model_type != "whisper" and not hasattr(model.config, "conv_kernel"):
        raise CheckpointError(
            f"{source!r} is a {model.config.model_type} model: it reads neither waveforms, as wav2vec 2.0 does, nor "
            "Whisper's log-mel"
        )
    if prepared.sampling_rate != SAMPLE_RATE_HZ:
        raise CheckpointError(f"{source!r} reads {prepared.sampling_rate} Hz; the engine's sound has {SAMPLE_RATE_HZ}")
    missing = set(report["missing_keys"]) - _TRAINING_ONLY
    if missing:
        raise CheckpointError(f"the weights of {source!r} lack {len(missing)} tensors, {min(missing)!r} the first")
    return model.eval(), bool(getattr(prepared, "do_normalize", False))
