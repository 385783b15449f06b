"""How well faces are found, followed and told to speak, and what it costs.

    python -m tests.benchmarks.perception.faces --data ../shared/data \
        --json tests/benchmarks/perception/results/faces.json

Who is in a clip, and until when, was seen by eye (`TRUTH`). Scenes of two people are simulated: real clips side by side
with one of their voices. One thread; times are processor time. `--recording` adds the memory of decoding ten minutes of
720p, for which they are encoded first.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.faces.mtcnn import Mtcnn, load_mtcnn
from engine.faces.speaking import speaking_face
from engine.faces.synchrony import synchrony
from engine.faces.track import MtcnnLocator
from engine.media.base import Limits
from engine.media.decode import decode_span
from engine.media.encode import encode_mp4
from engine.signals import FaceTrack, Media, Span, Waveform
from tests.benchmarks.perception.face_scenes import cut_to, side_by_side


@dataclass(frozen=True, slots=True)
class Clip:
    """What is to be seen in a clip."""

    people: int
    """Faces in view, where any is."""
    until_s: float = np.inf
    """When the camera cuts to something else."""
    then: int = 0
    """Faces in view after that."""
    speaker: str | None = None
    """On which side who speaks is, of two."""


TRUTH = {
    "face_noface.mov": Clip(people=1, until_s=2.38),
    **{
        f"grid_{name}.mpg": Clip(people=1)
        for name in ("bbaf2n", "brbk7n", "lbax4n", "lbbc2a", "lrwp9a", "lwbsza", "pwij3p", "sbia1a")
    },
    "hdtf_a.mp4": Clip(people=1),
    "hdtf_b.mp4": Clip(people=1),
    "multi_face.jpg": Clip(people=5),
    "no_face.mp4": Clip(people=0),
    "single_face.mp4": Clip(people=1),
    # The other person sits with her back to the camera; in the last frames, after a cut, both are far away.
    "dia110_utt0.mp4": Clip(people=1, until_s=2.31, then=2),
    # "Yeah", says the one on the sofa, in half profile; the one who stands looks down and turns away.
    "dia110_utt1.mp4": Clip(people=2, speaker="left"),
}
EVERY_FRAME = Limits(frames_most=1000)
AT_ONCE = 15


def path_of(data: Path, name: str) -> Path:
    return data / ("meld/clips" if name.startswith("dia") else "faces") / name


def found_in_clip(data: Path, name: str, locator: MtcnnLocator, detector: Mtcnn) -> dict[str, Any]:
    clip, media = TRUTH[name], decode_span(path_of(data, name))
    tracks = tuple(locator.locate(media))
    seen = np.array([sum(time_s in track.times_s for track in tracks) for time_s in media.frame_times_s])
    row = counts(seen, media.frame_times_s, clip)
    whole = decode_span(path_of(data, name), limits=EVERY_FRAME)
    every = np.concatenate(
        [
            np.bincount(detector.detect(whole.frames[at : at + AT_ONCE]).frame, minlength=AT_ONCE)
            for at in range(0, len(whole.frames), AT_ONCE)
        ]
    )[: len(whole.frames)]
    return {
        "people": clip.people,
        "tracks": len(tracks),
        **row,
        "every frame": counts(every, whole.frame_times_s, clip),
        "crops refused": dict(Counter(flaw for track in tracks for flaw in track.flaws if flaw is not None)),
        "speaks": clip.speaker or ("the only face" if clip.people == 1 else "nobody"),
        "is taken to speak": told(media, tracks),
    }


def counts(seen: np.ndarray, times_s: np.ndarray, clip: Clip) -> dict[str, Any]:
    """Frames that show a face and those of them in which one is found; faces found beyond the people in view."""
    people = np.where(times_s < clip.until_s, clip.people, clip.then)
    return {
        "frames": len(times_s),
        "with a face": int((people > 0).sum()),
        "found in": int((seen[people > 0] > 0).sum()),
        "false": int(np.maximum(seen - people, 0).sum()),
    }


def told(media: Media, tracks: tuple[FaceTrack, ...]) -> str:
    """Whose face is taken for the whole clip's voice: the only one, left, right, or why none."""
    found = speaking_face(tracks, media.audio, Span(0.0, media.duration_s))
    if isinstance(found, str):
        return found
    return "the only face" if len(tracks) == 1 else side(found, media)


def side(track: FaceTrack, media: Media) -> str:
    return "left" if track.boxes[:, [0, 2]].mean() < media.frames.shape[2] / 2 else "right"


@dataclass(frozen=True, slots=True)
class Scene:
    """Two people side by side, and what is heard of the left one or the right one, or of neither."""

    tracks: tuple[FaceTrack, ...]
    media: Media

    def judge(self, voice: Waveform, *, talker: str | None) -> Counter[str]:
        span = Span(0.0, self.media.duration_s)
        found = speaking_face(self.tracks, voice, span)
        taken = "masked" if isinstance(found, str) else ("right" if side(found, self.media) == talker else "wrong")
        sure = {side(track, self.media): synchrony(track, voice, span) or 0.0 for track in self.tracks}
        forced = max(sure, key=lambda name: sure[name]) if len(sure) == 2 else "missing"
        return Counter({taken: 1, "right if it had to choose": int(forced == talker), "all": 1})


def scene(locator: MtcnnLocator, left: Media, right: Media) -> Scene:
    media = side_by_side(left, right, voice=left.audio)
    return Scene(tuple(locator.locate(media)), media)


def speaking(data: Path, locator: MtcnnLocator) -> dict[str, Any]:
    grid = [decode_span(path_of(data, name)) for name in TRUTH if name.startswith("grid")]
    # Of the size of its strip, as the clips beside it are.
    silent = decode_span(path_of(data, "single_face.mp4"), limits=Limits(side_most_px=Limits().strip_side_most_px))
    both, neither, listener = Counter[str](), Counter[str](), Counter[str]()
    for one, other in combinations(range(len(grid)), 2):
        pair = scene(locator, grid[one], grid[other])
        for heard, clip in enumerate(grid):
            where = {one: "left", other: "right"}.get(heard)
            (neither if where is None else both).update(pair.judge(clip.audio, talker=where))
    for clip in grid:
        listener.update(scene(locator, clip, silent).judge(clip.audio, talker="left"))
        listener.update(scene(locator, silent, clip).judge(clip.audio, talker="right"))
    return {
        "GRID, two who talk, the voice of one, 3 s": dict(both),
        "GRID, two who talk, the voice of a third, 3 s": dict(neither),
        "GRID, one who talks beside one who smiles, 2.4 s": dict(listener),
        **{f"HDTF, two who talk, the voice of one, {s} s": hdtf(data, locator, seconds=s) for s in (3, 5, 8)},
    }


def hdtf(data: Path, locator: MtcnnLocator, *, seconds: int) -> dict[str, int]:
    result = Counter[str]()
    for start_s in range(0, 8 - seconds + 1):
        a, b = (
            decode_span(path_of(data, f"hdtf_{name}.mp4"), start_s=start_s, end_s=start_s + seconds) for name in "ab"
        )
        pair = scene(locator, a, b)
        result.update(pair.judge(a.audio, talker="left"))
        result.update(pair.judge(b.audio, talker="right"))
    return dict(result)


def cuts(data: Path, locator: MtcnnLocator) -> dict[str, int]:
    """A cut from one person to another in the same place: two tracks, each of its own frames."""
    grid = [decode_span(path_of(data, name)) for name in TRUTH if name.startswith("grid")]
    result = Counter[str]()
    for first, second in permutations(grid, 2):
        tracks = locator.locate(cut_to(first, second, frames=7))
        apart = sorted((len(track.times_s), round(float(track.times_s[0]), 3)) for track in tracks)
        result.update({"right": int(apart == [(7, 0.0), (7, 1.4)]), "all": 1})
    return dict(result)


def cost(data: Path, locator: MtcnnLocator, detector: Mtcnn) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for name in ("grid_bbaf2n.mpg", "single_face.mp4", "dia110_utt0.mp4"):
        media = decode_span(path_of(data, name))
        height, width = media.frames.shape[1:3]
        spent_s = least_s(lambda media=media: detector.detect(media.frames))
        rows[f"detection, {width} x {height}"] = {
            "ms a frame": round(1000 * spent_s / len(media.frames), 1),
            "smallest face px": round(max(20.0, 0.08 * min(height, width))),
        }
    one, other = (decode_span(path_of(data, f"grid_{name}.mpg")) for name in ("bbaf2n", "brbk7n"))
    pair = side_by_side(one, other, voice=one.audio)
    tracks = tuple(locator.locate(pair))
    film = path_of(data, "dia110_utt0.mp4")
    rows |= {
        "a segment of 3 s, one face": milliseconds(lambda: locator.locate(one)),
        "a segment of 3 s, two faces and their mouths": milliseconds(lambda: locator.locate(pair)),
        "who speaks, of two": milliseconds(lambda: speaking_face(tracks, pair.audio, Span(0.0, 2.9))),
        "decoding 2.5 s of 1280 x 720": milliseconds(lambda: decode_span(film)),
        "the same without a strip": milliseconds(lambda: decode_span(film, limits=Limits(strip_most=1))),
    }
    return rows


def milliseconds(action: Callable[[], object]) -> dict[str, float]:
    return {"ms": round(1000 * least_s(action), 1)}


def least_s(action: Callable[[], object]) -> float:
    """Processor time, the least of five."""

    def once() -> Iterator[float]:
        for _ in range(5):
            started = time.process_time()
            action()
            yield time.process_time() - started

    return min(once())


def long_recording(data: Path) -> dict[str, Any]:
    """Ten minutes of 1280 x 720 at 5 frames a second, decoded and looked at as one segment in a fresh process."""
    clip = decode_span(path_of(data, "dia110_utt1.mp4"), limits=Limits(side_most_px=1280))
    pictures = ((n / 5, clip.frames[n // 3 % len(clip.frames)]) for n in range(3000))
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(encode_mp4(pictures, None))
        file.flush()
        module = "tests.benchmarks.perception.faces"
        ran = subprocess.run([sys.executable, "-m", module, "--look", file.name], capture_output=True, check=True)
    return dict(json.loads(ran.stdout))


def look(path: Path) -> dict[str, Any]:
    locator = MtcnnLocator(detector=load_mtcnn())
    before_mb = peak_mb()
    started = time.process_time()
    media = decode_span(path)
    decoded = time.process_time()
    locator.locate(media)
    return {
        "seconds of the recording": round(media.duration_s),
        "frames": len(media.frames),
        "frames of the strip": len(media.strip),
        "decoding s": round(decoded - started, 1),
        "faces s": round(time.process_time() - decoded, 1),
        "memory MB beyond the start": peak_mb() - before_mb,
    }


def peak_mb() -> int:
    """The most memory this process has held; Linux."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) // 1024


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", type=Path, default=Path("tests/benchmarks/perception/results/faces.json"))
    parser.add_argument("--recording", action="store_true")
    parser.add_argument("--look", type=Path)
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    torch.set_num_threads(1)
    if chosen.look is not None:
        print(json.dumps(look(chosen.look)))
        return
    detector = load_mtcnn()
    locator = MtcnnLocator(detector=detector)
    report = {
        "clips": {name: found_in_clip(chosen.data, name, locator, detector) for name in TRUTH},
        "cuts from one GRID speaker to another": cuts(chosen.data, locator),
        "who speaks, simulated": speaking(chosen.data, locator),
        "cost": cost(chosen.data, locator, detector),
    }
    if chosen.recording:
        report["ten minutes of 720p"] = long_recording(chosen.data)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
