"""The dialogue model against the equations written out naively, and what a turn costs."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.dialogue.bidirectional import BidirectionalDialogue
from engine.dialogue.causal import CausalDialogue
from engine.dialogue.cells import DialogueCells
from engine.dialogue.revision import Revision, Window
from engine.dialogue.state import DialogueStates
from engine.errors import ConfigurationError
from tests.engine.dialogue import naive

WIDTH = 5


def conversation(turns: int, participants: int, *, seed: int = 0, width: int = WIDTH):
    """u, v and names; the last two participants come late."""
    random = np.random.default_rng(seed)
    early = max(1, participants - 2)
    who = [int(random.integers(early if turn < turns // 2 else participants)) for turn in range(turns)]
    return random.normal(size=(turns, width)), random.normal(size=(turns, width)), [f"s{slot}" for slot in who]


def slots_of(names, announced=()):
    order = list(dict.fromkeys([*announced, *names]))
    return torch.tensor([order.index(name) for name in names])


def announce(names, announced):
    order = list(dict.fromkeys([*announced, *names]))
    return torch.tensor([[name in announced for name in order]])


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("ablation", [None, "no_acm", "no_acm_all", "no_ssm", "no_ilm", "single_turn"])
@pytest.mark.parametrize("announced", [(), ("s0", "s3", "quiet")])
def test_cells_are_the_equations(ablation, announced):
    u, v, names = conversation(20, 4)
    cells = DialogueCells(width=WIDTH, ablation=ablation).double()
    expected = naive.emotions(cells, u, v, names, announced, ablation)
    got = cells.run(
        torch.tensor(u)[None],
        torch.tensor(v)[None],
        slots_of(names, announced)[None],
        torch.tensor([len(names)]),
        announce(names, announced),
    )
    np.testing.assert_allclose(got[0].detach(), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("announced", [(), ("s0", "s1", "s2", "s3", "s4")])
def test_five_hundred_streamed_turns_equal_the_whole_history(dtype, close, announced):
    u, v, names = conversation(500, 5, width=16)
    model = CausalDialogue(width=16).to(dtype).eval()
    expected = naive.emotions(model.cells, u, v, names, announced)
    slots = slots_of(names, announced)
    states = DialogueStates.start(announce(names, announced), width=16, like=torch.zeros((), dtype=dtype))
    worst = 0.0
    with torch.no_grad():
        for turn in range(500):
            u_now, v_now = (torch.tensor(part[turn], dtype=dtype)[None] for part in (u, v))
            states, _, emotion = model.step(states, u_now, v_now, slots[None, turn], torch.tensor([True]))
            worst = max(worst, float(np.abs(emotion[0].double().numpy() - expected[turn]).max()))
    assert worst < close


def test_the_classifier_reads_the_emotion_state():
    u, v, names = conversation(6, 3)
    model = CausalDialogue(width=WIDTH).double().eval()
    weights = naive.weights_of(model.classifier)
    expected = naive.emotions(model.cells, u, v, names) @ weights["weight"].T + weights["bias"]
    logits, _ = model(torch.tensor(u)[None], torch.tensor(v)[None], slots_of(names)[None], torch.tensor([6]))
    np.testing.assert_allclose(logits[0].detach(), expected, rtol=0, atol=1e-10)


def test_bidirectional_is_two_runs_of_the_equations():
    u, v, names = conversation(9, 3)
    model = BidirectionalDialogue(width=WIDTH).double().eval()
    ahead = naive.emotions(model.cells, u, v, names)
    back = naive.emotions(model.backward_cells, u[::-1], v[::-1], names[::-1])[::-1]
    weights = naive.weights_of(model.classifier)
    expected = np.concatenate([ahead, back], axis=1) @ weights["weight"].T + weights["bias"]
    logits = model(torch.tensor(u)[None], torch.tensor(v)[None], slots_of(names)[None], torch.tensor([9]))
    np.testing.assert_allclose(logits[0].detach(), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("turns_ahead", [1, 3, 20])
def test_revision_in_training_and_in_the_stream_is_the_window_run_backward(turns_ahead):
    u, v, names = conversation(8, 3)
    emotion = np.random.default_rng(1).normal(size=(8, WIDTH))
    model = Revision(width=WIDTH, turns_ahead=turns_ahead).double().eval()
    weights = naive.weights_of(model.classifier)
    expected, windows = [], []
    for turn in range(8):
        window = slice(turn, min(turn + turns_ahead + 1, 8))
        back = naive.window_emotion(model.cells, u[window], v[window], names[window])
        expected.append(weights["weight"] @ np.concatenate([emotion[turn], back]) + weights["bias"])
        u_now, v_now, emotion_now = (torch.tensor(part) for part in (u[window], v[window], emotion[turn]))
        windows.append(Window(speakers=tuple(names[window]), u=u_now, v=v_now, emotion=emotion_now))
    given = (torch.tensor(u)[None], torch.tensor(v)[None], slots_of(names)[None], torch.tensor(emotion)[None])
    trained = model(*given, torch.tensor([8]))
    np.testing.assert_allclose(trained[0].detach(), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(model.revise(windows), expected, rtol=0, atol=1e-10)


def test_no_window_gives_no_revision():
    assert Revision(width=WIDTH, turns_ahead=2).revise([]).shape == (0, 7)


def test_the_thousandth_turn_costs_what_the_tenth_costs():
    u, v, names = conversation(1000, 5)
    model = CausalDialogue(width=WIDTH).eval()
    slots = slots_of(names)
    states = DialogueStates.start(torch.zeros(1, 5, dtype=torch.bool), width=WIDTH, like=torch.zeros(()))
    flops, sizes = {}, {}
    with torch.no_grad():
        for turn in range(1000):
            now = (torch.tensor(u[None, turn]).float(), torch.tensor(v[None, turn]).float(), slots[None, turn])
            if turn + 1 in (10, 1000):
                with FlopCounterMode(display=False) as counter:
                    states, _, _ = model.step(states, *now, torch.tensor([True]))
                flops[turn + 1] = counter.get_total_flops()
                sizes[turn + 1] = sum(field.nbytes for field in states)
            else:
                states, _, _ = model.step(states, *now, torch.tensor([True]))
    assert flops[10] == flops[1000] > 0
    assert sizes[10] == sizes[1000] > 0


def test_gradients():
    model = CausalDialogue(width=2, classes=3).double()
    speakers, lengths = torch.tensor([[0, 1, 0, 2], [0, 0, 1, 0]]), torch.tensor([4, 3])
    u, v = (torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))

    def logits(u, v, *parameters):
        return model(u, v, speakers, lengths)[0][torch.arange(4) < lengths[:, None]]

    assert torch.autograd.gradcheck(logits, (u, v, *model.parameters()))


def test_only_known_ablations_and_sizes():
    with pytest.raises(ConfigurationError, match="no_acm_all"):
        DialogueCells(width=4, ablation="acm")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="at least 1"):
        DialogueCells(width=0)
    with pytest.raises(ConfigurationError, match="at least 1"):
        Revision(width=4, turns_ahead=0)
    empty = Window((), torch.zeros(0, 4), torch.zeros(0, 4), torch.zeros(4))
    with pytest.raises(ConfigurationError, match="1 to 2"):
        Revision(width=4, turns_ahead=1).revise([empty])
