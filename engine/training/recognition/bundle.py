"""A run's encoder with its numbers in half precision, small enough to come with the code.

    python -m engine.training.recognition.bundle RUN_FOLDER engine/weights/efficientface

The card and the licence come along.
"""

import shutil
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

from engine.training.recognition.run import CONFIG, WEIGHTS


def bundle(run: Path, out: Path) -> None:
    """Write the run's configuration, card and licence and its tensors, floats of them in half precision, to `out`.

    Not for DAN: running variances in its heads are beyond the range of float16.
    """
    out.mkdir(parents=True, exist_ok=True)
    tensors = load_file(run / WEIGHTS)
    save_file({n: t.half() if t.is_floating_point() else t for n, t in tensors.items()}, out / WEIGHTS)
    for name in (CONFIG, "README.md", "LICENSE"):
        shutil.copyfile(run / name, out / name)


if __name__ == "__main__":
    bundle(Path(sys.argv[1]), Path(sys.argv[2]))
