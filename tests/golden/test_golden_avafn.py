"""AVAFN against golden values computed by naive loops: the CAM (eqs 1-7) and the dialogue states (eqs 8-14)."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.dialogue.bidirectional import BidirectionalDialogue
from engine.dialogue.causal import CausalDialogue
from engine.dialogue.cells import DialogueCells
from engine.dialogue.state import DialogueStates
from engine.fusion.builders import avafn

FOLDER = Path(__file__).parents[2] / "../shared/data/golden"
close = partial(torch.testing.assert_close, rtol=0, atol=1e-9)
SPEAKERS = 3

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no golden values at {FOLDER}")


def golden(name: str) -> dict[str, torch.Tensor]:
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def set_cells(cells: DialogueCells, values, prefix: str = "") -> None:
    for name, cell in {
        "GRU_C": cells.context_cell,
        "GRU_S": cells.speaker_cell,
        "GRU_L": cells.listener_cell,
        "GRU_E": cells.emotion_cell,
    }.items():
        cell.load_state_dict(
            {
                "weight_ih": values[f"{prefix}{name}.Wih"],
                "weight_hh": values[f"{prefix}{name}.Whh"],
                "bias_ih": values[f"{prefix}{name}.bih"],
                "bias_hh": values[f"{prefix}{name}.bhh"],
            }
        )
    cells.score.load_state_dict({"weight": values[f"{prefix}att.w"][None], "bias": values[f"{prefix}att.b"]})


def causal(values, ablation=None) -> CausalDialogue:
    model = CausalDialogue(width=6, ablation=ablation).double().eval()
    set_cells(model.cells, values)
    model.classifier.load_state_dict({"weight": values["W"], "bias": values["b"]})
    return model


def dialogue(values, prefix: str):
    """u, v, speakers, lengths and who is announced, as a batch of one."""
    turns = 4 if prefix == "mono." else len(values["u"])
    speakers = torch.zeros(4, dtype=torch.long) if prefix == "mono." else values["speakers"].long()
    announced = torch.full((1, SPEAKERS), prefix == "roster.")
    return (
        values["u"][None, :turns],
        values["v"][None, :turns],
        speakers[None],
        torch.tensor([turns]),
        announced,
    )


@pytest.mark.parametrize("prefix", ["free.", "roster.", "mono."])
def test_emotion_and_logits(prefix):
    values = golden("avafn_dialogue")
    logits, emotion = causal(values)(*dialogue(values, prefix))
    close(emotion[0], values[f"{prefix}E"])
    close(logits[0], values[f"{prefix}logits"])
    if prefix != "mono.":
        close(logits[0].softmax(-1), values[f"{prefix}P"])
        assert logits[0].argmax(-1).tolist() == values[f"{prefix}y"].tolist()


@pytest.mark.parametrize("prefix", ["free.", "roster."])
def test_every_state_after_every_turn(prefix):
    values = golden("avafn_dialogue")
    model = causal(values)
    u, v, speakers, _, announced = dialogue(values, prefix)
    states = DialogueStates.start(announced, width=6, like=u)
    for turn in range(u.shape[1]):
        states, logits, emotion = model.step(states, u[:, turn], v[:, turn], speakers[:, turn], torch.tensor([True]))
        expected = {name: values[f"{prefix}{name}"][turn] for name in ("C", "ac_next", "D", "silent", "q", "E")}
        close(states.context[0], expected["C"])
        close(states.attention_sum[0], expected["ac_next"])
        close(states.attention_weight[0], expected["D"])
        close(states.silent[0], expected["silent"])
        close(states.speakers[0], expected["q"])
        close(emotion[0], expected["E"])
        close(logits[0], values[f"{prefix}logits"][turn])


@pytest.mark.parametrize("prefix", ["free.", "roster."])
@pytest.mark.parametrize("ablation", ["no_acm", "no_acm_all", "no_ssm", "no_ilm"])
def test_ablations(prefix, ablation):
    values = golden("avafn_dialogue")
    logits, emotion = causal(values, ablation)(*dialogue(values, prefix))
    close(emotion[0], values[f"{prefix}{ablation}.E"])
    close(logits[0], values[f"{prefix}{ablation}.logits"])


@pytest.mark.parametrize("prefix", ["free.", "roster."])
def test_bidirectional(prefix):
    values = golden("avafn_dialogue")
    model = BidirectionalDialogue(width=6).double().eval()
    set_cells(model.cells, values)
    set_cells(model.backward_cells, values, "bwd.")
    model.classifier.load_state_dict({"weight": values["bi.W"], "bias": values["bi.b"]})
    given = dialogue(values, prefix)
    close(model(*given)[0], values[f"{prefix}bi.logits"])
    back = model.backward_cells.run(*given, reverse=True)
    close(back[0], values[f"{prefix}bi.E_backward"])


def cam(values, *, pool_first: bool = False):
    module = avafn(audio_width=5, video_width=7, width=8, feed_forward_width=10, pool_first=pool_first).double()
    names = {
        "enter.weight": "in.W",
        "enter.bias": "in.b",
        "query.weight": "Wq",
        "key.weight": "Wk",
        "value.weight": "Wv",
        "attention_norm.weight": "ln1.g",
        "attention_norm.bias": "ln1.b",
        "feed_forward.0.weight": "ff.W1",
        "feed_forward.0.bias": "ff.b1",
        "feed_forward.2.weight": "ff.W2",
        "feed_forward.2.bias": "ff.b2",
        "feed_forward_norm.weight": "ln2.g",
        "feed_forward_norm.bias": "ln2.b",
        "residual.0.weight": "res.W",
        "residual.0.bias": "res.b",
        "residual.1.weight": "res.g",
        "residual.1.bias": "res.beta",
    }
    weights = {"mix": values["mix"], "head.weight": values["head.W"], "head.bias": values["head.b"]}
    for side, letter in (("audio", "a"), ("video", "v")):
        weights |= {f"{side}.{ours}": values[f"{letter}.{theirs}"] for ours, theirs in names.items()}
    module.load_state_dict(weights)
    return module.eval()


def test_cam_on_tokens():
    values = golden("avafn_cam")
    fused = cam(values).fuse(values["audio"], values["audio_mask"], values["video"], values["video_mask"])
    for name in ("u", "v", "logits"):
        close(getattr(fused, name), values[name])


def test_cam_on_one_vector_a_modality():
    values = golden("avafn_cam")
    tokens = (values["audio"], values["audio_mask"], values["video"], values["video_mask"])
    fused = cam(values, pool_first=True).fuse(*(part[:2] for part in tokens))
    for name in ("u", "v", "logits"):
        close(getattr(fused, name), values[f"single.{name}"])


def test_cam_alpha_and_beta():
    values = golden("avafn_cam")
    module = cam(values)
    expected = values["weights_plain"][0]
    assert (module.alpha, module.beta) == pytest.approx(tuple(expected.tolist()), abs=1e-9)
