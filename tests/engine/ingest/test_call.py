"""A real call of two tracks, as the stereo file a telephone exchange records."""

from pathlib import Path

import numpy as np
import pytest

from engine.ingest.endpoint import Endpointer, EndpointSettings
from engine.ingest.segmenter import Identity, Segmenter, segments
from engine.ingest.streamed import StreamedSource
from engine.ingest.voices import Voice, Voices
from engine.media.decode import decode, decode_span
from engine.media.encode import Sound, encode_flac
from engine.signals import SAMPLE_RATE_HZ

TRACKS = [Path("../shared/data/diarization") / f"call40_{who}_8k.flac" for who in ("agent", "caller")]
LASTS_S = 60.0


@pytest.fixture(scope="module")
def both() -> np.ndarray:
    """`[2, N]` in [-1, 1] at `SAMPLE_RATE_HZ`."""
    if not all(path.exists() for path in TRACKS):
        pytest.skip("the two tracks of the call are not here: ../shared/data/diarization")
    return np.stack([decode_span(path, end_s=LASTS_S).audio for path in TRACKS])


def test_each_channel_is_cut_for_itself(both, tmp_path):
    (tmp_path / "call.flac").write_bytes(encode_flac(Sound(both, SAMPLE_RATE_HZ)))
    voices = Voices(apart=True, named={0: Voice("anna", "agent"), 1: Voice("ben", "customer")})
    segmenter = Segmenter(
        identity=Identity("call", "run"), voices=voices, endpoint=EndpointSettings(), wall=lambda time_s: None
    )
    source = StreamedSource(address=str(tmp_path / "call.flac"), live=False)
    found = list(segments(source, segmenter))
    pcm = np.clip(np.rint(both * 32768), -32768, 32767).astype(np.int16)
    for channel, (name, role) in enumerate((("anna", "agent"), ("ben", "customer"))):
        endpointer = Endpointer(settings=EndpointSettings())
        expected = [*endpointer.feed(pcm[channel]), *endpointer.finish()]
        own = [ready for ready in found if ready.segment.speaker == name]
        assert {ready.segment.role for ready in own} == {role}
        assert len(own) == len(expected) >= 3
        for ready, cut in zip(own, expected, strict=True):
            assert ready.segment.starttime == pytest.approx(cut.start_s, abs=0.001)
            audio = decode(ready.value, content_type="audio/flac").audio
            assert np.array_equal(np.rint(audio * 32768).astype(np.int16), cut.samples)
