"""A checkpoint as a folder: `config.json`, `model.safetensors`, the card and the licence of its weights."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import CheckpointError
from schemas.labels import EMOTIONS

if TYPE_CHECKING:
    # Imported where tensors are made: who starts a stack asks only which checkpoint it is, and is not to wait for it.
    from torch import Tensor

FORMAT = 1
WEIGHTS = Path(__file__).parent / "weights"
DEFAULT = WEIGHTS / "default"
SHIPPED = ("default", "open")
"""The checkpoints that come with Turntone; `open` is of voices alone, from data that allow any use."""
_OURS = " or ".join(map(repr, SHIPPED))
_CONFIG, _WEIGHTS = "config.json", "model.safetensors"
# What is only said about a checkpoint does not change what it computes.
_DESCRIPTIVE = ("metrics", "data", "unlearned", "model_id")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A checkpoint that was read and found whole."""

    folder: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, "Tensor"]
    model_id: str

    @property
    def licence(self) -> str:
        """The first line of the weights' own licence."""
        return licence_of(self.folder)

    @property
    def sees(self) -> bool:
        """Whether it reads faces at all."""
        from engine.features.no_faces import NONE

        return bool(self.config["encoders"]["face"].get("name") != NONE)

    def part(self, prefix: str) -> dict[str, "Tensor"]:
        """The tensors of one part, by their names inside it."""
        return {n.removeprefix(f"{prefix}."): t for n, t in self.tensors.items() if n.startswith(f"{prefix}.")}


def find(name: str) -> Path:
    """The folder of a checkpoint: one of `SHIPPED`, a folder, or a hub id that is fetched or already cached."""
    if name in SHIPPED:
        return WEIGHTS / name
    folder = Path(name)
    if folder.is_dir():
        return folder
    if name.count("/") == 1 and not name.startswith(("/", ".")):
        return _from_hub(name)
    raise CheckpointError(f"no checkpoint at {name!r}: name a folder, a hub id (owner/name), or {_OURS}")


def read(folder: Path) -> Artifact:
    """Read a checkpoint whole. Raises `CheckpointError` with what is wrong and where."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    config, weights, identity = _identified(folder)
    try:
        tensors = load(weights)
    except SafetensorError as error:
        raise CheckpointError(f"{folder / _WEIGHTS} is damaged: {error}") from error
    return Artifact(folder=folder, config=config, tensors=tensors, model_id=identity)


def model_id_of(folder: Path) -> str:
    """The id of a checkpoint, whose tensors are not unpacked. Raises `CheckpointError`."""
    return _identified(folder)[2]


def licence_of(folder: Path) -> str:
    """The first line of the weights' own licence."""
    path = folder / "LICENSE"
    return path.read_text().strip().splitlines()[0] if path.is_file() else "no licence file"


def identify(config: Mapping[str, Any], weights: bytes) -> str:
    """The hash of what a checkpoint computes with: the `model_id` of its events."""
    essential = {name: value for name, value in config.items() if name not in _DESCRIPTIVE}
    canonical = json.dumps(essential, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(weights + canonical).hexdigest()[:16]


def _identified(folder: Path) -> tuple[dict[str, Any], bytes, str]:
    """Configuration, weights as they lie there, and the id of both."""
    config, weights = _read_config(folder), _read_bytes(folder / _WEIGHTS)
    computed = identify(config, weights)
    stated = config.get("model_id")
    if stated is not None and stated != computed:
        raise CheckpointError(f"{folder}: the files give id {computed}, the configuration says {stated}: damaged")
    return config, weights, computed


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / _CONFIG
    try:
        config = json.loads(_read_bytes(path))
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a checkpoint of format {FORMAT}")
    if tuple(config.get("labels", ())) != EMOTIONS:
        raise CheckpointError(f"{path}: labels are {config.get('labels')}; this engine speaks {list(EMOTIONS)}")
    return config


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "README.md", "LICENSE*"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(f"checkpoint {name!r} is neither a folder nor to be had from the hub: {error}") from error
