import itertools
from pathlib import Path

import numpy as np
import pytest

from engine.build import build_in_process
from engine.config import read_config
from engine.ingest.voices import Voices
from engine.media.decode import decode
from engine.media.encode import Sound, encode_mp4
from engine.metrics import Figures
from engine.signals import SAMPLE_RATE_HZ
from schemas.cloudevents import read_segment
from schemas.segment import DialogueStarted
from schemas.topics import DEAD_LETTERS, ENDED_TYPE, SEGMENT_TYPE, SEGMENTS, STARTED_TYPE, STATES, TURNS
from simulators.folder import open_corpus
from simulators.offline import play_through
from simulators.recordings import Conversation, records
from simulators.samples import CALL
from simulators.transcode import Stretch, read_sound

FPS = 5
LISTENED_AHEAD_S = 3.0
"""An utterance is known to be over a hangover after its end, and waits for its pictures."""


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """A film in 720p in which somebody says something every few seconds."""
    pause = np.zeros(2 * SAMPLE_RATE_HZ, dtype=np.float32)
    voices = [read_sound(Stretch(CALL / name)).samples.mean(axis=0) for name in ("14b01Na.flac", "14a05Na.flac")]
    samples = np.concatenate([part for voice in voices * 3 for part in (voice, pause)])
    wave = np.arange(1280, dtype=np.uint8)[None, :, None].repeat(720, 0).repeat(3, 2)
    pictures = ((i / FPS, np.roll(wave, 8 * i, axis=1)) for i in range(int(len(samples) / SAMPLE_RATE_HZ * FPS)))
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    path.write_bytes(encode_mp4(pictures, Sound(samples[None], SAMPLE_RATE_HZ)))
    return path


def test_a_film_is_read_no_further_than_its_next_utterance_needs(film):
    """So neither memory nor the time to decode a segment grows with the recording."""
    conversation = Conversation(dialogue_id="film", files=(film,), voices=Voices(), speakers=2)
    listened: list[float] = [0.0]
    found = []
    for record in records(conversation, run="r", listened=listened.append, report=pytest.fail):
        segment = read_segment(record.key, record.headers)
        found.append((segment, record.value))
        if segment.type == SEGMENT_TYPE:
            assert listened[-1] <= segment.endtime + LISTENED_AHEAD_S
    kinds = [segment.type for segment, _ in found]
    assert kinds == [STARTED_TYPE, *[SEGMENT_TYPE] * (len(found) - 2), ENDED_TYPE]
    assert len(found) - 2 >= 6
    assert DialogueStarted.model_validate_json(found[0][1]).speakers == 2
    assert [segment.sequence for segment, _ in found] == list(range(len(found)))
    spans = [(segment.starttime, segment.endtime) for segment, _ in found[1:-1]]
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    media = decode(found[1][1], content_type=None)
    assert media.frames.shape[1:3] == (360, 640)
    assert media.duration_s == pytest.approx(spans[0][1] - spans[0][0], abs=0.3)


def test_the_length_of_a_conversation_is_that_of_its_files(film):
    twice = Conversation(dialogue_id="film", files=(film, film), voices=Voices())
    once = Conversation(dialogue_id="film", files=(film,), voices=Voices())
    assert twice.duration_s() == pytest.approx(2 * once.duration_s())


def test_of_what_is_answered_nothing_is_kept():
    engine = build_in_process(read_config(), metrics=Figures())
    held = []

    def hear(record):
        held.append(len(engine.broker.records(SEGMENTS)))

    replayed = play_through(engine, open_corpus(CALL), run="r", role="performer", report=lambda _: None, hear=hear)
    assert len(replayed.sent) == 24
    assert max(held) <= 12
    for topic in (SEGMENTS, TURNS, DEAD_LETTERS, STATES):
        assert len(engine.broker.records(topic)) <= 2
    assert engine.broker.end((SEGMENTS, 0)) == 26
