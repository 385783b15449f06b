"""How well people are known again: enrolled voices in a later dialogue, and ids that are merged.

    python -m tests.benchmarks.perception.identity ../shared/data

Two people of a telephone call (8 kHz, a channel each) are enrolled from its first 100 s and heard in the rest of it,
utterance by utterance; EmoDB's speakers are enrolled from neutral speech and heard in what is left, with the others
as strangers. Merges: dialogues of two of EmoDB's voices in turn; a merge is right where both ids were mostly one
speaker's.
"""

import json
import tarfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations, zip_longest
from pathlib import Path

import numpy as np
import torch

from engine.build import build_enroller, build_perceiver
from engine.config import Config
from engine.diarization.base import Enrolled
from engine.diarization.merge import is_numbered
from engine.enrolment import Enroller
from engine.errors import EnrolmentRefused
from engine.media.decode import decode
from engine.perceive import Perceiver
from engine.signals import SAMPLE_RATE_HZ, Media, Tensors, Waveform
from engine.vad.webrtc import WebrtcDetector
from tests.benchmarks.perception.recordings import SPEAKERS, sound

RESULTS = Path(__file__).parent / "results" / "identity.json"
ENROLLED_S = 100.0
LEAST_S = 1.0
SHORT_S = 10.5
"""Enough neutral speech of one of EmoDB's speakers."""

Said = tuple[str, Waveform]
"""Who speaks, and what is heard."""


def emodb_voices(path: Path, *, emotions: str) -> dict[str, list[Waveform]]:
    """The utterances of each of EmoDB's speakers in these of its emotions."""
    voices: dict[str, list[Waveform]] = {}
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            name = Path(member.name).name
            stream = archive.extractfile(member) if name.endswith(".flac") and name[5] in emotions else None
            if stream is not None:
                audio = decode(stream.read(), content_type="audio/flac").audio
                if audio is not None:
                    voices.setdefault(name[:2], []).append(audio)
    return voices


def heard(perceiver: Perceiver, dialogue: Iterable[Said], *, enrolled: Enrolled) -> tuple[list[tuple[str, str]], int]:
    """Who spoke and under which id, of every turn as it was said then; and how many ids were merged."""
    tensors: Tensors = {}
    turns: list[tuple[str, str]] = []
    merges = 0
    for who, audio in dialogue:
        media = Media(duration_s=len(audio) / SAMPLE_RATE_HZ, audio=audio)
        listened = perceiver.listen(media, tensors, speaker=None, enrolled=enrolled)
        tensors = listened.tensors
        merges += len(listened.merges)
        turns += [(who, turn.speaker) for turn in listened.turns]
    return turns, merges


def shares(turns: Sequence[tuple[str, str]], *, enrolled: Iterable[str]) -> dict[str, float]:
    """Percent of enrolled people's turns under their own name, a number, another's name; of strangers', any name."""
    people = set(enrolled)
    kinds: Counter[str] = Counter()
    for who, found in turns:
        if who in people:
            kinds["own name" if found == who else "number" if is_numbered(found) else "another's name"] += 1
        else:
            kinds["stranger" if is_numbered(found) else "stranger named"] += 1
    known = sum(kinds[kind] for kind in ("own name", "number", "another's name"))
    strangers = kinds["stranger"] + kinds["stranger named"]
    rates = {kind: 100 * kinds[kind] / max(known, 1) for kind in ("own name", "number", "another's name")}
    rates["stranger named"] = 100 * kinds["stranger named"] / max(strangers, 1)
    return {"turns": len(turns), **{kind: round(rate, 1) for kind, rate in rates.items()}}


def telephone(folder: Path, enroller: Enroller, perceiver: Perceiver) -> dict[str, dict[str, float]]:
    """The call's two people, with nobody, one and both of them enrolled."""
    sides = {who: sound(folder, who) for who in SPEAKERS}
    cut = round(ENROLLED_S * SAMPLE_RATE_HZ)
    known = {who: enroller.learn([audio[:cut]]).centroid for who, audio in sides.items()}
    said = []
    for who, audio in sides.items():
        for span in WebrtcDetector().detect(audio[cut:]):
            if span.duration_s >= LEAST_S:
                first, last = (cut + round(at * SAMPLE_RATE_HZ) for at in (span.start_s, span.end_s))
                said.append((span.start_s, who, audio[first:last]))
    dialogue = [(who, audio) for _, who, audio in sorted(said, key=lambda one: one[0])]
    rows = {}
    for title, names in (("nobody", []), ("caller", ["caller"]), ("agent", ["agent"]), ("both", list(sides))):
        turns, merges = heard(perceiver, dialogue, enrolled={name: known[name] for name in names})
        rows[title] = {**shares(turns, enrolled=names), "ids": len({found for _, found in turns}), "merges": merges}
    return rows


def actors(path: Path, enroller: Enroller, perceiver: Perceiver) -> dict[str, dict[str, float]]:
    """EmoDB's speakers one by one: each is enrolled alone, and heard after the others."""
    neutral, emotional = emodb_voices(path, emotions="N"), emodb_voices(path, emotions="WLEAFT")
    turns: dict[str, list[tuple[str, str]]] = {"neutral": [], "emotional": []}
    enrolled = []
    for who, voice in neutral.items():
        lengths_s = np.cumsum([len(audio) / SAMPLE_RATE_HZ for audio in voice])
        count = int(np.searchsorted(lengths_s, SHORT_S)) + 1
        try:
            known = {who: enroller.learn(voice[:count]).centroid}
        except EnrolmentRefused:
            continue
        enrolled.append(who)
        others = [(other, audio) for other, them in neutral.items() if other != who for audio in them]
        for title, own in (("neutral", voice[count:]), ("emotional", emotional[who][:20])):
            # Each utterance is a dialogue of its own: nothing helps but the enrolment.
            for said in (*((who, audio) for audio in own), *(others if title == "neutral" else ())):
                found, _ = heard(perceiver, [said], enrolled=known)
                turns[title] += [(one if one == who else "stranger", name) for one, name in found]
    rows: dict[str, dict[str, float]] = {title: shares(found, enrolled=enrolled) for title, found in turns.items()}
    return {title: {"enrolled": len(enrolled), **row} for title, row in rows.items()}


def merged(path: Path, perceiver: Perceiver, *, emotions: str) -> dict[str, float]:
    """Dialogues of two voices in turn: merges, and how many joined two people."""
    counts: Counter[str] = Counter()
    for one, other in combinations(emodb_voices(path, emotions=emotions).items(), 2):
        counts["dialogues"] += 1
        tensors: Tensors = {}
        whose: dict[str, Counter[str]] = {}
        for pair in zip_longest(*([(who, audio) for audio in voice[:15]] for who, voice in (one, other))):
            for who, audio in filter(None, pair):
                media = Media(duration_s=len(audio) / SAMPLE_RATE_HZ, audio=audio)
                listened = perceiver.listen(media, tensors, speaker=None)
                tensors = listened.tensors
                for merge in listened.merges:
                    gone, kept = whose.pop(merge.speaker, Counter()), whose.setdefault(merge.into, Counter())
                    # An id that was begun in this very segment has no turn yet: it is this speaker's.
                    speakers = [(voice or Counter({who: 1})).most_common(1)[0][0] for voice in (gone, kept)]
                    counts["right" if speakers[0] == speakers[1] else "wrong"] += 1
                    kept.update(gone)
                for turn in listened.turns:
                    whose.setdefault(turn.speaker, Counter())[who] += 1
        counts["ids"] += len(whose)
    ids = counts["ids"] / counts["dialogues"]
    return {"dialogues": counts["dialogues"], "ids": round(ids, 1), "right": counts["right"], "wrong": counts["wrong"]}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = Config()
    enroller, perceiver = build_enroller(config), build_perceiver(config)
    emodb = arguments.data / "emodb_16k.tar"
    report: dict[str, object] = {}
    parts = {
        "telephone call, percent": lambda: telephone(arguments.data / "diarization", enroller, perceiver),
        "merges, EmoDB neutral": lambda: merged(emodb, perceiver, emotions="N"),
        "EmoDB, percent": lambda: actors(emodb, enroller, perceiver),
        "merges, EmoDB all emotions": lambda: merged(emodb, perceiver, emotions="WLEAFTN"),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    for title, measure in parts.items():
        report[title] = measure()
        RESULTS.write_text(json.dumps(report, indent=2) + "\n")
        print(json.dumps({title: report[title]}, indent=2), flush=True)


if __name__ == "__main__":
    main()
