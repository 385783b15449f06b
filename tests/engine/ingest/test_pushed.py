"""For who is handed bytes instead of an address: samples pushed in, a container as a file, one named person."""

import io
from itertools import pairwise
from random import Random

import numpy as np

from engine.ingest.base import Heard, Seen
from engine.ingest.endpoint import EndpointSettings
from engine.ingest.raw import RawSamples, RawSource
from engine.ingest.segmenter import Identity, Segmenter
from engine.ingest.streamed import StreamedSource
from engine.ingest.voices import Voice, Voices
from schemas.segment import DialogueStarted
from tests.engine.ingest.sources import heard, interleaved, movie, seen, talk


def test_samples_pushed_in_any_pieces_are_those_of_a_source():
    data, random, position, pieces = talk(1)[:16_001].tobytes(), Random(2), 0, []
    samples = RawSamples(format="s16le", rate_hz=8000, channels=2)
    while position < len(data):
        size = random.randint(1, 999)
        pieces += samples.feed(data[position : position + size])
        position += size
    pieces += samples.finish()
    source = RawSource(opened=lambda: io.BytesIO(data), format="s16le", rate_hz=8000, channels=2, live=False)
    whole = [*source.pieces()]
    assert np.array_equal(
        np.concatenate([piece.samples for piece in pieces], axis=1),
        np.concatenate([piece.samples for piece in whole], axis=1),
    )
    assert all(np.isclose(before.end_s, after.start_s) for before, after in pairwise(pieces))


class Trickle:
    """A file that gives less than it is asked for, and cannot be searched."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, 700))


def test_a_container_is_read_from_a_file_object():
    data = movie(samples=talk(1)[None, :32_000], stamps_s=np.arange(0, 2, 0.04))
    source = StreamedSource(address="it", file=Trickle(data), format="matroska", live=True)
    pieces = [*source.pieces()]
    assert sum(piece.samples.shape[1] for piece in pieces if isinstance(piece, Heard)) == 32_000
    assert sum(isinstance(piece, Seen) for piece in pieces) == 50


def test_one_named_person_is_announced_heard_and_seen():
    voices = Voices(speaker="anna", role="customer")
    segmenter = Segmenter(
        identity=Identity("d", "r"), voices=voices, endpoint=EndpointSettings(), wall=lambda time_s: None
    )
    pieces = interleaved(heard(talk(1), sizes=[3200]), seen(start_s=0, end_s=5))
    found = [ready for piece in pieces for ready in segmenter.feed(piece)] + [*segmenter.finish()]
    assert [(one.segment.speaker, one.segment.role, one.segment.datacontenttype) for one in found] == [
        ("anna", "customer", "video/x-matroska")
    ]
    (person,) = DialogueStarted.model_validate_json(segmenter.started().value).participants
    assert (person.speaker, person.role) == ("anna", "customer")
    assert Voices(role="customer").announced() == ()
    assert Voices(apart=True, speaker="anna", named={0: Voice("ben")}).announced() == (Voice("ben"),)
