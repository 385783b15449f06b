"""Two bundled conversations with real voices and faces, and the people in them, who are in no training set."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
CALL: Final = FOLDER / "call"
"""A customer and an agent on the telephone: voices alone."""
MEETING: Final = FOLDER / "meeting"
"""Eight people who read commands to each other: voices and faces."""

EMODB_SPEAKERS: Final = frozenset({"12", "14"})
"""EmoDB's speakers of the call, by the first two digits of a recording's name."""
GRID_CLIPS: Final = frozenset({"bbaf2n", "brbk7n", "lbax4n", "lbbc2a", "lrwp9a", "lwbsza", "pwij3p", "sbia1a"})
"""GRID's sentences of the meeting; none of GRID is trained on."""
