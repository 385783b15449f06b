"""One picture or recording alone: no batch, no stage, and a sentence that says so."""

import numpy as np
import pytest

from engine.errors import ConfigurationError
from engine.features.builders import video_encoder
from engine.training import recipe
from engine.training.corpora.base import FaceSet
from engine.training.fitting.fit import Following
from engine.training.learned.encoders import Head, train_face

SCHEDULE = {
    "epochs": 1, "batch": 2, "learning_rate": 1e-3, "weight_decay": 0.0, "label_smoothing": 0.0, "dropout": 0.0,
}  # fmt: skip
EFFICIENTFACE = {"name": "efficientface", "side": 16, "crop": 16, "grey": True, "mirrored": False, "stem_stride": 2}


def test_a_batch_of_one_is_refused(small_corpora):
    text = small_corpora.recipe.read_text()
    face = text.index("[face_training]")
    small_corpora.recipe.write_text(text[:face] + text[face:].replace("batch = 8", "batch = 1", 1))
    with pytest.raises(ConfigurationError, match=r"face_training\.batch\s+Input should be greater than or equal to 2"):
        recipe.load(small_corpora.recipe)


def test_one_picture_alone_is_refused(tmp_path):
    encoder = video_encoder(EFFICIENTFACE)
    one = FaceSet(images=np.full((1, 48, 48), 9, dtype=np.uint8), labels=np.zeros(1, dtype=np.int64))
    with pytest.raises(ConfigurationError, match="the face's stage has 1 to learn from: it takes 2 at least"):
        train_face(
            encoder,
            Head(width=encoder.width, dropout=0.0),
            one,
            schedule=recipe.EncoderTraining(**SCHEDULE),
            seed=0,
            following=Following(lambda *_: None, tmp_path / "face.state"),
        )
