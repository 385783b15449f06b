"""Damaged media through the whole engine: decoding, voice activity, diarization, faces, models; each is answered."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.build import build_in_process
from engine.config import read_config
from engine.metrics import Figures
from engine.transport.base import Outgoing
from schemas.cloudevents import segment_headers
from schemas.events import EmotionEvent
from schemas.segment import Segment
from schemas.topics import DEAD_LETTERS, SEGMENT_TYPE, SEGMENTS, TURNS
from simulators.offline import Offline
from tests.fuzz.damage import CONTENT_TYPES, damaged, speech

FILES = int(os.environ.get("TURNTONE_FUZZ", "200"))
"""How many damaged files become segments."""

LONGEST_S = 60.0
GROWTH_MOST = 500 * 1024 * 1024
"""Bytes by which the process may grow over any number of files, once it has seen a few."""
FIRST_FEW = 20


def resident() -> int:
    """Bytes of memory this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def segment(name: str, value: bytes, content_type: str | None) -> Outgoing:
    described = Segment(
        dialogue_id=name,
        id=f"{name}.0",
        source="/fuzz",
        type=SEGMENT_TYPE,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        datacontenttype=content_type,
        sequence=0,
        starttime=0.0,
        endtime=1.4,
        role="performer",
        consent=True,
    )
    return Outgoing(SEGMENTS, name, value, segment_headers(described))


class Answers:
    """What each segment was answered with, and how large the process was meanwhile."""

    def __init__(self):
        self.turns: dict[str, list[EmotionEvent]] = {}
        self.letters: dict[str, str] = {}
        self.sizes: list[int] = []

    def __call__(self, record):
        self.sizes.append(resident())
        if record.position.topic == TURNS:
            event = EmotionEvent.model_validate_json(record.value)
            self.turns.setdefault(record.key, []).append(event)
        elif record.position.topic == DEAD_LETTERS:
            self.letters[record.key] = dict(record.headers)["turntone_error"].decode()


@pytest.mark.fuzz
@pytest.mark.timeout(3 * 3600)
def test_every_damaged_segment_is_answered_by_turns_or_by_a_sentence(monkeypatch):
    monkeypatch.setenv("TURNTONE_MEDIA__DEADLINE_S", "20")
    monkeypatch.setenv("TURNTONE_MEDIA__LONGEST_S", str(LONGEST_S))
    monkeypatch.setenv("TURNTONE_MEDIA__FRAMES", "6")
    monkeypatch.setenv("TURNTONE_WORKERS__ATTEMPTS", "1")
    whole, answers = speech(), Answers()
    sent = []
    with Offline(engine=build_in_process(read_config(), metrics=Figures()), hear=answers) as engine:
        for number, data in enumerate(whole):
            engine.publish([segment(f"whole-{number}", data, None)])
        for seed in range(FILES):
            generator = np.random.default_rng(seed)
            data = damaged(whole[seed % len(whole)], whole[int(generator.integers(len(whole)))], generator)
            content_type = CONTENT_TYPES[int(generator.integers(len(CONTENT_TYPES)))]
            engine.publish([segment(f"damaged-{seed}", data, content_type)])
            sent.append(f"damaged-{seed}")

    ends = Counter(letter.partition(":")[0] for letter in answers.letters.values())
    faces = sum(event.modalities.video for events in answers.turns.values() for event in events)
    growth = max(answers.sizes) - max(answers.sizes[: FIRST_FEW * len(answers.sizes) // FILES])
    print({"turns": len(answers.turns), "with a face": faces, **ends, "growth_mib": growth >> 20})

    assert all(answers.turns[f"whole-{number}"][0].label for number in range(len(whole)))
    assert {name for name in sent if name in answers.turns} ^ set(answers.letters) == set(sent)
    assert ends.keys() <= {"BadMedia", "DecoderDied"}
    assert all(len(letter.partition(":")[2].split()) > 2 for letter in answers.letters.values())
    for name, events in answers.turns.items():
        check(name, events)
    assert faces > FILES // 10
    assert growth < GROWTH_MOST


def check(name, events):
    for event in events:
        assert 0.0 <= event.start_s <= event.end_s <= LONGEST_S, name
        assert event.label is not None or event.abstained is not None, name
        if event.distribution is not None:
            assert sum(event.distribution.values()) == pytest.approx(1.0, abs=1e-3), name
        for present, missing in (
            (event.modalities.audio, event.modalities.audio_missing),
            (event.modalities.video, event.modalities.video_missing),
        ):
            assert present or missing or event.turn is None, name
