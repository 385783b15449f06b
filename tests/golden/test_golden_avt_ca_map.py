"""AVT-CA's channel and spatial attention against golden values computed by naive loops."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.features.avt_ca_face import MapAttention

FILE = Path(__file__).parents[2] / "../shared/data/golden/avtca.npz"
close = partial(torch.testing.assert_close, rtol=0, atol=1e-9)

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no golden values at {FILE}")


@pytest.fixture(scope="module")
def values() -> dict[str, torch.Tensor]:
    with np.load(FILE, allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def attention(values, **options) -> MapAttention:
    made = {"channel_attention": True, "spatial_attention": True, "paper": True} | options
    module = MapAttention(width=4, hidden=3, **made).double()
    weights = {
        "channels.narrow.weight": values["chan.W1"],
        "channels.narrow.bias": values["chan.b1"],
        "channels.widen.weight": values["chan.W2"],
        "channels.widen.bias": values["chan.b2"],
        "places.score.weight": values["spat.W"],
        "places.score.bias": values["spat.b"],
    }
    module.load_state_dict({name: weights[name] for name in module.state_dict()})
    return module


def test_from_the_map_to_the_attended_map(values):
    module = attention(values)
    close(module.channels(values["map"]), values["chan.V_c"])
    close(module.places(values["map"]), values["spat.V_s"])
    close(module(values["map"]), values["att.V"])


def test_weights_of_mean_1_differ_by_the_number_of_positions(values):
    close(attention(values, paper=False)(values["map"]), values["att.V"] * 5 * 3)


def test_each_attention_alone(values):
    of_channels, of_places = values["chan.V_c"][:, :, None, None], values["spat.V_s"][:, None]
    close(attention(values, spatial_attention=False)(values["map"]), of_channels * values["map"])
    close(attention(values, channel_attention=False)(values["map"]), of_places * values["map"])
    neither = attention(values, channel_attention=False, spatial_attention=False)
    close(neither(values["map"]), values["map"])
