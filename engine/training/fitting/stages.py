"""Stages of a training, each kept in a file of its own: what is there already is not made again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

Modules = Mapping[str, nn.Module]
"""A stage's modules by the prefix of their tensors."""


@dataclass(frozen=True, slots=True)
class Stages:
    """The folder of a training's stages."""

    folder: Path

    def run(self, name: str, digest: str, modules: Modules, make: Callable[[Path], None]) -> Path:
        """Fill the modules from the stage's file, or by `make`, and then write it; where its epochs are as CSV.

        make: is told where to keep its state on the way, so that an interruption loses an epoch of this stage and
        nothing else; that file goes when the stage's own is there, which appears whole or not at all.
        """
        path = self.folder / f"{name}-{digest}.safetensors"
        state = path.with_suffix(".state")
        if path.is_file():
            tensors = load_file(path)
            for prefix, module in modules.items():
                module.load_state_dict(part(tensors, prefix))
                module.eval()
            state.unlink(missing_ok=True)
            return path.with_suffix(".csv")
        make(state)
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        save_file(joined(modules), beside)
        beside.replace(path)
        state.unlink(missing_ok=True)
        return path.with_suffix(".csv")


def joined(modules: Modules) -> dict[str, Tensor]:
    """Every module's tensors under its prefix."""
    return {
        f"{prefix}.{name}": tensor.contiguous()
        for prefix, module in modules.items()
        for name, tensor in module.state_dict().items()
    }


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under one prefix, without it."""
    return {
        name.removeprefix(f"{prefix}."): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")
    }
