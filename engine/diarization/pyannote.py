"""pyannote.audio's speaker diarization pipeline over one segment: which local voices speak, and when."""

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.diarization.local import LocalTurn, SegmentVoices
from engine.diarization.resemblyzer import load_resemblyzer
from engine.errors import CheckpointError
from engine.layers.silero import load_silero
from engine.signals import SAMPLE_RATE_HZ, Span, Waveform


class PyannotePipeline:
    """A `SpeakerDiarization` pipeline held ready. It keeps nothing between segments; threads take turns.

    Made by `embedded` or `from_pretrained`, which import pyannote.audio.
    """

    def __init__(self, *, pipeline: Any) -> None:
        self.pipeline = pipeline
        # pyannote.audio changes the process's warning filters while it works, which threads must not do at once.
        self._alone = Lock()

    @classmethod
    def embedded(
        cls,
        *,
        speech_threshold: float = 0.2,
        step: float = 0.25,
        voice_distance: float = 0.33,
    ) -> "PyannotePipeline":
        """The pipeline over the weights that ship with the engine: no network, no pickle.

        Args:
            speech_threshold: probability from which a frame is speech.
            step: step of the window, as a part of its length.
            voice_distance: mean cosine distance up to which windows are one voice (agglomerative clustering).
        """
        _prepare_import()
        from pyannote.audio.pipelines import SpeakerDiarization

        from engine.diarization.pyannote_models import NoPlda, SpeechSegmentation, VoiceEmbedding

        pipeline = SpeakerDiarization(
            segmentation=SpeechSegmentation(silero=load_silero()),
            segmentation_step=step,
            segmentation_batch_size=32,
            embedding=VoiceEmbedding(encoder=load_resemblyzer()),
            embedding_batch_size=32,
            plda=NoPlda(),
            clustering="AgglomerativeClustering",
        )
        pipeline.instantiate(
            {
                "segmentation": {"threshold": speech_threshold, "min_duration_off": 0.0},
                "clustering": {"method": "average", "threshold": voice_distance, "min_cluster_size": 1},
            }
        )
        return cls(pipeline=pipeline)

    @classmethod
    def from_pretrained(cls, source: str | Path) -> "PyannotePipeline":
        """A pipeline from a local folder with a `config.yaml`, or by its id on the model hub.

        pyannote.audio loads such checkpoints by pickle: use folders and ids that you trust.
        Raises `CheckpointError` when it cannot be had.
        """
        _prepare_import()
        from pyannote.audio.core.pipeline import Pipeline
        from pyannote.audio.pipelines import SpeakerDiarization

        try:
            pipeline = Pipeline.from_pretrained(source)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise CheckpointError(f"the diarization pipeline {source} cannot be loaded: {error}") from error
        if not isinstance(pipeline, SpeakerDiarization):
            raise CheckpointError(f"{source} is no speaker diarization pipeline (or the hub refused access to it)")
        return cls(pipeline=pipeline)

    def separate(
        self, audio: Waveform, speech: Sequence[Span], *, known: Mapping[str, NDArray[np.float32]]
    ) -> SegmentVoices:
        """The voices of a waveform `[N]` at `SAMPLE_RATE_HZ`, however short.

        The pipeline finds its own speech and makes no use of what is `known`; turns outside of `speech` are left out.
        """
        file = {
            "waveform": torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32))[None],
            "sample_rate": SAMPLE_RATE_HZ,
            "uri": "segment",
        }
        with self._alone, warnings.catch_warnings():
            # A segment too short for one described window gives the mean of no embedding: NaN, as documented.
            warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
            warnings.filterwarnings("ignore", "invalid value encountered", RuntimeWarning)
            output = self.pipeline(file)
        voices = {label: row for row, label in enumerate(output.speaker_diarization.labels())}
        everyone = [(label, part) for part, _, label in output.speaker_diarization.itertracks(yield_label=True)]
        end_s = len(audio) / SAMPLE_RATE_HZ
        turns = tuple(
            LocalTurn(
                voice=voices[label],
                span=Span(part.start, min(part.end, end_s)),
                overlap=any(other != label and part.intersects(theirs) for other, theirs in everyone),
            )
            for part, _, label in output.exclusive_speaker_diarization.itertracks(yield_label=True)
            if part.start < end_s and any(part.start < span.end_s and span.start_s < part.end for span in speech)
        )
        embeddings = np.asarray(output.speaker_embeddings, dtype=np.float32)
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
        unit = np.asarray(embeddings / np.where(lengths > 0, lengths, np.nan), dtype=np.float32)
        return SegmentVoices(turns=turns, embeddings=unit)


def _prepare_import() -> None:
    # pyannote.audio reports its use to its makers unless this is set before it is imported.
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
