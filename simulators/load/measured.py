"""Measures how people talk in MELD and in a real call: `python -m simulators.load.measured ../shared/data`.

Needed only to measure anew; what it writes is committed: quantiles, and nothing of what was said.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.ingest.endpoint import Endpointer, EndpointSettings
from engine.media.decode import decode_span
from engine.training.corpora.meld import BROKEN, SPLITS, lines
from simulators.load.manners import MANNERS_FILE

PROBABILITIES: Final = (0.01, *(number / 20 for number in range(1, 20)), 0.99)
_MELD: Final = "MELD's tables of utterances (Poria et al., ACL 2019), start and end times of all splits; GPL-3.0"
_CALL: Final = "one real call between a caller and an agent, a track for each (call40, 245 s); Apache-2.0"
# Where an utterance begins and ends itself, without what the ingest leaves around it.
_BARE: Final = EndpointSettings(padding_before_s=0.0, padding_after_s=0.0, longest_s=30.0)


@dataclass(frozen=True, slots=True)
class Utterance:
    """Who spoke from when to when."""

    speaker: str | None
    start_s: float
    end_s: float


def manner(conversations: Sequence[Sequence[Utterance]], *, source: str) -> dict[str, Any]:
    """How these people talk; the utterances of each conversation in the order in which they begin."""
    pairs = [pair for one in conversations for pair in pairwise(one)]
    same = [(before, after) for before, after in pairs if before.speaker == after.speaker]
    other = [(before, after) for before, after in pairs if before.speaker != after.speaker]
    talk_s = [said.end_s - said.start_s for one in conversations for said in one]
    return {
        "source": source,
        "utterances": len(talk_s),
        "goes_on": round(len(same) / len(pairs), 3),
        "talk_s": quantiles(talk_s),
        "pause_s": quantiles([max(0.0, after.start_s - before.end_s) for before, after in same]),
        "gap_s": quantiles([after.start_s - before.end_s for before, after in other]),
    }


def quantiles(values: Sequence[float]) -> list[float]:
    """The values at `PROBABILITIES`."""
    return [round(float(value), 2) for value in np.quantile(values, PROBABILITIES)]


def meld(folder: Path) -> list[list[Utterance]]:
    """Every dialogue of MELD, without the lines whose clips are cut to minutes."""
    return [
        [
            Utterance(line.speaker, line.start_s, line.end_s)
            for line in turns
            if (split, number, line.utterance) not in BROKEN
        ]
        for split in SPLITS
        for number, turns in lines(folder / f"{split}_sent_emo.csv").items()
    ]


def call(folder: Path) -> list[Utterance]:
    """The real call, its utterances found on each track as the ingest finds them."""
    found = []
    for speaker in ("agent", "caller"):
        path = folder / f"call40_{speaker}_8k.flac"
        audio = decode_span(path).audio
        if audio is None:
            raise SystemExit(f"{path} holds no sound")
        endpointer = Endpointer(settings=_BARE)
        pcm = np.rint(audio * 32767).astype(np.int16)
        cuts = (*endpointer.feed(pcm), *endpointer.finish())
        found += [Utterance(speaker, cut.start_s, cut.end_s) for cut in cuts]
    return sorted(found, key=lambda said: said.start_s)


def main(data: Path) -> None:
    """Measure and write."""
    scenes = meld(data / "meld")
    measured = {
        "probabilities": PROBABILITIES,
        "utterances": quantiles([len(scene) for scene in scenes]),
        "manners": {
            "scene": manner(scenes, source=_MELD),
            "call": manner([call(data / "diarization")], source=_CALL),
        },
    }
    MANNERS_FILE.write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
