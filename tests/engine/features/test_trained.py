from pathlib import Path

import pytest
import torch

from engine.features.trained import EFFICIENTFACE, load
from engine.training.corpora.fer2013 import Fer2013

FER = Path(__file__).parents[4] / "shared" / "data" / "fer2013.npz"


def test_the_bundled_encoder_loads_in_single_precision():
    encoder = load(EFFICIENTFACE)
    assert encoder.width == 1024
    assert not encoder.training
    assert {tensor.dtype for tensor in encoder.state_dict().values()} == {torch.float32, torch.int64}
    with torch.no_grad():
        tokens, mask = encoder.extract(torch.rand(2, 3, 3, 80, 80), torch.tensor([[1, 0, 1], [0, 0, 0]]).bool())
    assert tokens.shape == (2, 3, 1024)
    assert mask.sum() == 2
    assert torch.isfinite(tokens).all()


def test_its_licence_is_research_only():
    assert (EFFICIENTFACE / "LICENSE").read_text().startswith("Research only")
    assert "FER2013" in (EFFICIENTFACE / "README.md").read_text()


@pytest.mark.skipif(not FER.is_file(), reason=f"no {FER.name} beside the repository")
def test_it_knows_the_faces_it_learned_from():
    faces = Fer2013(FER).training
    chosen = slice(None, None, 60)
    crops = torch.from_numpy(faces.images[chosen]).float()[:, None, None].expand(-1, -1, 3, -1, -1) / 255
    encoder = load(EFFICIENTFACE)
    with torch.no_grad():
        tokens, _ = encoder.extract(crops, torch.ones(len(crops), 1, dtype=torch.bool))
        answers = encoder.network.classifier(tokens[:, 0]).argmax(dim=1)
    right = (answers == torch.from_numpy(faces.labels[chosen])).float().mean()
    # A third of the pictures is of one class at most, and every seventh would be right by chance.
    assert right > 0.55
