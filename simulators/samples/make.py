"""Makes the bundled samples from EmoDB and GRID: `python -m simulators.samples.make ../shared/data`.

Needed only to make them anew; what it writes is committed.
"""

import csv
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.training.corpora import emodb
from schemas.labels import Emotion
from simulators.manifest import REQUIRED
from simulators.samples import CALL, MEETING
from simulators.transcode import Stretch, transcode

# EmoDB's names: speaker 14 calls, speaker 12 answers. The sentences are EmoDB's, so the words say nothing to each
# other; the order of the feelings is that of a complaint that ends well.
_CALL = (
    "12b02Na 14b01Na 12a01Nb 14a05Na 12a02Nb 14a04Wb 12a05Ta 14b09Wa 12b02Ad 14a04Ed 12b01Wa 14b10Eb "
    "12b09Td 14a02Ab 12a07Ac 14b02Tc 12b01Ta 14a07Tc 12a05Nd 14a07Na 12b02Fb 14b01Fa 12a01Fb 14a05Fb"
).split()
_CALL_SPEAKERS = {"12": ("Agent", "agent"), "14": ("Customer", "customer")}

# GRID's names, in the order in which they speak; everybody speaks twice, with the same sentence.
_ROUND = "bbaf2n lbax4n brbk7n lwbsza pwij3p lrwp9a sbia1a lbbc2a".split()
_MEETING = (*_ROUND, *_ROUND[1::2], *_ROUND[::2])

_COLUMNS = (*REQUIRED, "role", "repeat_of")


def make_call(data: Path) -> None:
    """Copies 24 recordings of two of EmoDB's speakers, and names them in a manifest."""
    CALL.mkdir(exist_ok=True)
    rows = []
    with tarfile.open(data / "emodb_16k.tar") as archive:
        for number, name in enumerate(_CALL, start=1):
            member = archive.extractfile(f"{name}.flac")
            if member is None:
                raise SystemExit(f"{name}.flac is not in emodb_16k.tar")
            (CALL / f"{name}.flac").write_bytes(member.read())
            speaker, role = _CALL_SPEAKERS[name[:2]]
            rows.append(_row("call", number, speaker, f"{name}.flac", emodb.LABELS[name[5]], role))
    _write(CALL / "manifest.csv", rows)


def make_meeting(data: Path) -> None:
    """Encodes eight clips of GRID anew, small, and lets each be spoken twice."""
    MEETING.mkdir(exist_ok=True)
    for name in _ROUND:
        (MEETING / f"{name}.mp4").write_bytes(transcode(Stretch(data / "faces" / f"grid_{name}.mpg")))
    rows = []
    for number, name in enumerate(_MEETING, start=1):
        talker = f"Talker {_ROUND.index(name) + 1}"
        first = _MEETING.index(name) + 1
        row = _row("meeting", number, talker, f"{name}.mp4", "neutral", "performer")
        rows.append({**row, "repeat_of": f"t{first:02}" if first != number else ""})
    _write(MEETING / "manifest.csv", rows)


def _row(dialogue: str, number: int, speaker: str, media: str, emotion: Emotion, role: str) -> dict[str, str]:
    place = {"dialogue_id": dialogue, "utterance_id": f"t{number:02}", "speaker": speaker, "media": media}
    return {**place, "emotion": emotion, "role": role}


def _write(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", newline="") as target:
        writer = csv.DictWriter(target, _COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    make_call(Path(sys.argv[1]))
    make_meeting(Path(sys.argv[1]))
