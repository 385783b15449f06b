"""The device that a training computes on: as it is asked for, or a GPU where there is one."""

import torch

from engine.errors import ConfigurationError

CPU = torch.device("cpu")


def device(name: str | None) -> torch.device:
    """`cpu`, `cuda` or `cuda:1` by name; None: the first GPU, or the processor where there is none.

    Raises `ConfigurationError`: no such device is here.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(name)
    except RuntimeError as error:
        raise ConfigurationError(f"--device {name}: say cpu, cuda, or cuda:1 for the second GPU") from error
    if found.type not in ("cpu", "cuda"):
        raise ConfigurationError(f"--device {name}: say cpu, cuda, or cuda:1 for the second GPU")
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise ConfigurationError(f"--device {name}: there are {torch.cuda.device_count()} GPUs here; cpu always works")
    return found
