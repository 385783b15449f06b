"""Dialogues whose voices are known: a voice is an angle, and the cosine of two voices is that of the angle between."""

import json
from datetime import UTC, datetime, timedelta
from itertools import groupby

import numpy as np

from engine.clock import ManualClock
from engine.diarization.local import LocalTurn, SegmentVoices
from engine.diarization.online import OnlineDiarizer
from engine.diarization.registry import RegistrySettings
from engine.enrolled import EnrolledVoices
from engine.identify import Identifier
from engine.media.claim import ClaimCheck
from engine.perceive import Perceiver
from engine.pipeline import Pipeline
from engine.policy import RoleGate
from engine.roles import Roles
from engine.signals import Estimate, Media, Span, StepOutcome
from engine.state.voices_memory import MemoryVoices
from engine.transport.base import Incoming
from schemas.cloudevents import segment_headers
from schemas.events import DialogueEvent, EmotionEvent
from schemas.record import Position
from schemas.segment import Segment
from schemas.topics import DIALOGUES, SEGMENT_TYPE, SEGMENTS, STARTED_TYPE, TURNS
from schemas.voice import EnrolledVoice

RATE = 16_000
MODEL = "e1"
SETTINGS = RegistrySettings(
    new_voice=0.6,
    brevity=0.0,
    familiarity=0.0,
    least_new_s=1.0,
    enrolled_voice=0.85,
    one_voice=0.9,
    least_merged_s=4.0,
    # Likeness is the cosine: these voices are as like themselves as can be.
    cohesion=1.0,
    cohesion_windows=1e9,
)


def voice(degrees):
    angle = np.radians(degrees)
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


class Decodes:
    """The value is JSON: degrees and seconds of each voice, one after the other."""

    def decode(self, data, *, content_type, declared_s=None):
        spoken = json.loads(data)
        # Degrees as a level: 0 would be silence.
        audio = np.concatenate([np.full(round(s * RATE), (degrees + 1) / 1000, np.float32) for degrees, s in spoken])
        return Media(duration_s=len(audio) / RATE, audio=audio)


class Detects:
    def detect(self, audio):
        return (Span(0.0, len(audio) / RATE),)


class Separates:
    """Reads the levels back, one local voice each."""

    def separate(self, audio, speech, *, known):
        runs = [(level, len(list(run))) for level, run in groupby(audio.tolist())]
        voices = {level: row for row, level in enumerate(dict.fromkeys(level for level, _ in runs))}
        turns, at = [], 0
        for level, samples in runs:
            turns.append(LocalTurn(voices[level], Span(at / RATE, (at + samples) / RATE), False))
            at += samples
        return SegmentVoices(tuple(turns), np.stack([voice(round(level * 1000) - 1) for level in voices]))


class NoFaces:
    def locate(self, *_):
        return ()


def enrolled(*people):
    """A store with people: name, degrees, role."""
    store = MemoryVoices(clock=ManualClock())
    for name, degrees, role in people:
        kept = EnrolledVoice(
            name=name,
            centroid=voice(degrees).astype("<f4").tobytes(),
            seconds=20.0,
            embedding=MODEL,
            role=role,
            consent_at=datetime(2023, 11, 1, tzinfo=UTC),
            expires_at=datetime(2023, 11, 1, tzinfo=UTC) + timedelta(days=90),
        )
        store.keep(kept)
    return store


def build(*, roles=None, people=(), speakers=None, consent=False, identify_denied=False, model_id="m1", alerts=()):
    clock = ManualClock()
    gate = RoleGate(
        allowed=frozenset({"customer"}),
        denied=frozenset({"agent"}),
        require_consent=consent,
        identify_denied=identify_denied,
    )
    perceiver = Perceiver(
        vad=Detects(),
        diarizer=OnlineDiarizer(pipeline=Separates(), registry=SETTINGS),
        faces=NoFaces(),
        speaking_face=lambda tracks, audio, span: None,
        longest_turn_s=30.0,
    )
    identifier = Identifier(
        gate=gate,
        roles=roles or Roles(),
        voices=EnrolledVoices(store=enrolled(*people), embedding=MODEL, clock=clock),
        perceiver=perceiver,
        speakers=speakers,
    )
    return Pipeline(
        model_id=model_id,
        gate=gate,
        decoder=Decodes(),
        claims=ClaimCheck(allowed=(), most_bytes=100, timeout_s=1),
        identifier=identifier,
        clock=clock,
        on_model_change="restart",
        rules=alerts,
    )


def incoming(sequence, *spoken, kind=SEGMENT_TYPE, value=None, offset=None, **changes):
    """A segment in which these voices speak; each is degrees and seconds."""
    offset = sequence if offset is None else offset
    fields = {
        "dialogue_id": "d",
        "id": f"id-{changes.get('source', 's')}-{sequence}",
        "source": "s",
        "type": kind,
        "sequence": sequence,
        "time": datetime(2026, 1, 1, tzinfo=UTC),
        **({"starttime": 10.0 * sequence, "endtime": 10.0 * sequence + 60.0} if kind == SEGMENT_TYPE else {}),
        **changes,
    }
    segment = Segment.model_validate(fields)
    position = Position(topic=SEGMENTS, partition=0, offset=offset)
    body = json.dumps(spoken).encode() if value is None else value
    return Incoming(position=position, key="d", value=body, headers=segment_headers(segment))


def started(*people, sequence=0, **changes):
    """People: name and role."""
    body = {"participants": [{"speaker": name, "role": role} for name, role in people], **changes}
    return incoming(sequence, kind=STARTED_TYPE, value=json.dumps(body).encode())


def step(pipeline, record, message):
    """The dialogue after a segment, with a model that is sure of joy and remembers who spoke."""
    prepared = pipeline.prepare(pipeline.read(message), record)
    outcome = None
    if prepared.request is not None:
        distribution = np.full(7, 0.05, np.float32)
        distribution[1] = 0.7
        estimate = Estimate(distribution, 0.7, 0.5, 0.25, "circumplex", 1.0, 0.0)
        before = prepared.request.tensors
        spoken = {
            f"speaker/{turn.speaker}": before.get(f"speaker/{turn.speaker}", np.zeros(2, np.float32)) + 1
            for turn in prepared.request.turns
        }
        outcome = StepOutcome({**before, **spoken}, (estimate,) * len(prepared.request.turns))
    return pipeline.finish(prepared, outcome)


def converse(pipeline, *messages, record=None):
    """All the steps of a dialogue, in order."""
    steps = []
    for message in messages:
        steps.append(step(pipeline, record, message))
        record = steps[-1].record
    return steps


def turns(*steps):
    return [EmotionEvent.model_validate_json(e.value) for one in steps for e in one.events if e.topic == TURNS]


def speakers(*steps):
    return [event.speaker for event in turns(*steps)]


def life(*steps):
    return [DialogueEvent.model_validate_json(e.value) for one in steps for e in one.events if e.topic == DIALOGUES]


def merges(*steps):
    return [(event.speaker, event.into) for event in life(*steps) if event.status == "merged"]


def written(one):
    """What stays of a step: the record and the values; times of the run stand in headers."""
    return one.record, [(entry.topic, entry.value) for entry in one.events]
