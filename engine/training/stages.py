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

    def run(self, name: str, digest: str, modules: Modules, make: Callable[[], None]) -> bool:
        """Fill the modules from the stage's file, or by `make`, and then write it; says whether it was made.

        The file appears whole or not at all, so that an interruption loses this stage and no other.
        """
        path = self.folder / f"{name}-{digest}.safetensors"
        if path.is_file():
            tensors = load_file(path)
            for prefix, module in modules.items():
                module.load_state_dict(part(tensors, prefix))
                module.eval()
            return False
        make()
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        save_file(joined(modules), beside)
        beside.replace(path)
        return True


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
