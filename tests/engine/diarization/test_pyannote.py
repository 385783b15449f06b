"""pyannote.audio's pipeline: over the embedded weights, from a folder, and its output read."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.diarization.pyannote import PyannotePipeline
from engine.errors import CheckpointError
from engine.signals import Span


def hear(pipeline, audio):
    return pipeline.separate(audio, [Span(0.0, len(audio) / 16_000)], known={})


def test_the_embedded_pipeline_is_pyannotes_own(embedded):
    from pyannote.audio.pipelines import SpeakerDiarization
    from pyannote.audio.pipelines.clustering import AgglomerativeClustering

    assert isinstance(embedded.pipeline, SpeakerDiarization)
    assert isinstance(embedded.pipeline.clustering, AgglomerativeClustering)
    assert os.environ["PYANNOTE_METRICS_ENABLED"] == "0"


def test_equal_segments_give_equal_voices(embedded, by_formula):
    audio = by_formula(4.0)
    once, again = hear(embedded, audio), hear(embedded, audio)
    assert once.turns == again.turns
    assert once.turns
    np.testing.assert_array_equal(once.embeddings, again.embeddings)
    np.testing.assert_allclose(np.linalg.norm(once.embeddings, axis=1), 1, atol=0.1)


def test_a_voice_sounds_alike_however_loud(embedded, by_formula):
    audio = by_formula(4.0)
    loud, soft = hear(embedded, audio).embeddings[0], hear(embedded, audio * 0.3).embeddings[0]
    assert loud @ soft / np.linalg.norm(loud) / np.linalg.norm(soft) > 0.95


def test_a_voice_heard_too_briefly_has_no_embedding(embedded, by_formula):
    audio = by_formula(0.3)
    voices = hear(embedded, audio)
    assert {turn.voice for turn in voices.turns} == {0}
    assert np.isnan(voices.embeddings).all()


def test_overlap_is_read_from_the_pipelines_output():
    from pyannote.core import Annotation, Segment

    both, one = Annotation(), Annotation()
    both[Segment(0.0, 2.0)] = one[Segment(0.0, 2.0)] = "A"
    both[Segment(1.5, 3.0)] = one[Segment(2.0, 3.0)] = "B"
    both[Segment(4.0, 9.0)] = one[Segment(4.0, 9.0)] = "A"
    output = SimpleNamespace(
        speaker_diarization=both, exclusive_speaker_diarization=one, speaker_embeddings=np.eye(2, 4)
    )
    voices = hear(PyannotePipeline(pipeline=lambda file: output), np.zeros(80_000, np.float32))
    assert [(turn.voice, turn.span, turn.overlap) for turn in voices.turns] == [
        (0, Span(0.0, 2.0), True),
        (1, Span(2.0, 3.0), False),
        (0, Span(4.0, 5.0), False),
    ]


def test_a_voice_outside_of_the_speech_is_left_out():
    from pyannote.core import Annotation, Segment

    found = Annotation()
    found[Segment(0.0, 1.0)] = "A"
    found[Segment(2.0, 3.0)] = "B"
    output = SimpleNamespace(
        speaker_diarization=found, exclusive_speaker_diarization=found, speaker_embeddings=np.eye(2, 4)
    )
    pipeline = PyannotePipeline(pipeline=lambda file: output)
    voices = pipeline.separate(np.zeros(64_000, np.float32), [Span(2.1, 2.9)], known={})
    assert [turn.span for turn in voices.turns] == [Span(2.0, 3.0)]


@pytest.fixture
def folder(tmp_path):
    """A pipeline with tiny random networks, laid out as the hub lays them out."""
    from pyannote.audio import __version__
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import XVectorSincNet
    from pyannote.audio.models.segmentation import PyanNet

    segmentation = PyanNet(lstm={"hidden_size": 4, "num_layers": 1}, linear={"num_layers": 0})
    segmentation.specifications = Specifications(
        problem=Problem.MULTI_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=2.0,
        classes=["a", "b"],
        permutation_invariant=True,
    )
    segmentation.build()
    embedding = XVectorSincNet(dimension=8)
    embedding.specifications = Specifications(problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=2.0)
    for name, model in {"segmentation": segmentation, "embedding": embedding}.items():
        checkpoint = {
            "state_dict": model.state_dict(),
            "hyper_parameters": dict(model.hparams),
            "pytorch-lightning_version": "2.4.0",
            "pyannote.audio": {
                "versions": {"pyannote.audio": __version__},
                "architecture": {"module": type(model).__module__, "class": type(model).__name__},
                "specifications": model.specifications,
            },
        }
        (tmp_path / name).mkdir()
        torch.save(checkpoint, tmp_path / name / "pytorch_model.bin")
    (tmp_path / "plda").mkdir()
    np.savez(tmp_path / "plda" / "xvec_transform.npz", mean1=np.zeros(8), mean2=np.zeros(8), lda=np.eye(8))
    np.savez(tmp_path / "plda" / "plda.npz", mu=np.zeros(8), tr=np.eye(8), psi=np.arange(1.0, 9.0))
    (tmp_path / "config.yaml").write_text(
        """
pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params:
    segmentation: $model/segmentation
    embedding: $model/embedding
    plda: $model/plda
    clustering: AgglomerativeClustering
params:
  segmentation: {threshold: 0.1, min_duration_off: 0.0}
  clustering: {method: average, threshold: 0.5, min_cluster_size: 1}
"""
    )
    return tmp_path


def test_a_pipeline_loads_from_a_folder(folder, by_formula):
    audio = by_formula(3.0)
    voices = hear(PyannotePipeline.from_pretrained(folder), audio)
    assert voices.turns
    assert voices.embeddings.shape[1] == 8
    assert all(0 <= turn.span.start_s < turn.span.end_s <= 3.0 for turn in voices.turns)


def test_a_folder_without_a_pipeline_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        PyannotePipeline.from_pretrained(tmp_path)
