"""Modules whose weights lie in files of their own: a checkpoint names them and holds none of their tensors."""

from typing import Any

from torch import nn


def keep_elsewhere(module: nn.Module) -> None:
    """Make `state_dict` of the module empty, alone and inside another, and let loading miss nothing of it."""
    module.register_state_dict_post_hook(_forget)  # type: ignore[no-untyped-call]
    module.register_load_state_dict_post_hook(_miss_nothing)  # type: ignore[no-untyped-call]


def _forget(module: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    for name in [name for name in state if name.startswith(prefix)]:
        del state[name]


def _miss_nothing(module: nn.Module, incompatible: Any) -> None:
    incompatible.missing_keys.clear()
