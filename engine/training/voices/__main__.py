"""A voice encoder by folds: `python -m engine.training.voices RECIPE OUT DATA`."""

import sys
from pathlib import Path

from engine.training.train import in_terminal
from engine.training.voices.train import train

if __name__ == "__main__":
    bar, progress = in_terminal()
    with bar:
        text = train(Path(sys.argv[1]), Path(sys.argv[2]), data=Path(sys.argv[3]), progress=progress)
    print(text)
