"""Laws of the dialogue model, whatever the conversation: chunks, neighbours, padding and the future change nothing."""

from functools import partial

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dialogue.bidirectional import BidirectionalDialogue
from engine.dialogue.causal import CausalDialogue
from engine.dialogue.revision import Revision
from engine.dialogue.state import DialogueStates
from engine.dialogue.tensors import pack, unpack
from engine.dialogue.wave import Turn, advance
from engine.signals import Tensors

WIDTH = 3
NAMES = ("ann", "bob", "cem", "dia")
TOLERANCE = 1e-6
close = partial(torch.testing.assert_close, rtol=0, atol=TOLERANCE)

speakers = st.lists(st.sampled_from(NAMES), min_size=1, max_size=8)
rosters = st.lists(st.sampled_from((*NAMES, "quiet")), unique=True, max_size=3).map(tuple)
seeds = st.integers(0, 2**31 - 1)
ablations = st.sampled_from([None, "no_acm", "no_acm_all", "no_ssm", "no_ilm", "single_turn"])
laws = settings(max_examples=40, deadline=None)


def model(ablation=None) -> CausalDialogue:
    torch.manual_seed(0)
    return CausalDialogue(width=WIDTH, ablation=ablation).eval()


def turns_of(names, seed) -> list[Turn]:
    made = torch.Generator().manual_seed(seed)
    return [Turn(name, *torch.randn(2, 1, WIDTH, generator=made)) for name in names]


def padded(dialogues, announced, fill: float = 0.0):
    """u, v, slots, lengths and announced slots of dialogues given as lists of turns."""
    longest = max(map(len, dialogues))
    u, v = torch.full((2, len(dialogues), longest, WIDTH), fill)
    slots = torch.full((len(dialogues), longest), -1)
    known = torch.zeros(len(dialogues), len(NAMES) + 1, dtype=torch.bool)
    for row, (turns, roster) in enumerate(zip(dialogues, announced, strict=True)):
        for index, turn in enumerate(turns):
            u[row, index], v[row, index] = turn.u[0], turn.v[0]
            slots[row, index] = NAMES.index(turn.speaker)
        for name in roster:
            known[row, (*NAMES, "quiet").index(name)] = True
    return u, v, slots, torch.tensor([len(turns) for turns in dialogues]), known


@laws
@given(speakers, rosters, seeds, st.data(), ablations)
def test_any_chunking_equals_one_call_and_training(names, roster, seed, data, ablation):
    turns, dialogue = turns_of(names, seed), model(ablation)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(turns)), max_size=3)) | {len(turns)})
    (whole,) = advance(dialogue, [{}], [turns], [roster])
    state: Tensors = {}
    logits, start = [], 0
    for cut in cuts:
        (part,) = advance(dialogue, [state], [turns[start:cut]], [roster])
        state, start = part.tensors, cut
        logits.append(part.logits)
    close(torch.cat(logits), whole.logits)
    assert state.keys() == whole.tensors.keys()
    for name, array in whole.tensors.items():
        np.testing.assert_allclose(state[name], array, rtol=0, atol=TOLERANCE)
    trained, _ = dialogue(*padded([turns], [roster]))
    close(trained[0], whole.logits[:, 0])


@laws
@given(speakers, seeds, seeds, st.data())
def test_a_longer_dialogue_never_changes_an_earlier_turn(names, seed, other_seed, data):
    turns, later = turns_of(names, seed), turns_of(data.draw(speakers), other_seed)
    short, _ = model()(*padded([turns], [()]))
    long, _ = model()(*padded([turns + later], [()]))
    close(long[0, : len(turns)], short[0])


@laws
@given(speakers, seeds, seeds, st.integers(1, 3))
def test_a_revision_looks_no_further_than_its_window(names, seed, other_seed, turns_ahead):
    torch.manual_seed(0)
    revision = Revision(width=WIDTH, turns_ahead=turns_ahead).eval()
    turns, others = turns_of(names, seed), turns_of(names, other_seed)
    changed = [*turns[: turns_ahead + 1], *others[turns_ahead + 1 :]]
    emotion = torch.ones(1, len(turns), WIDTH)
    first, second = (
        revision(u, v, slots, emotion, lengths)[0, 0]
        for u, v, slots, lengths, _ in (padded([turns], [()]), padded([changed], [()]))
    )
    close(second, first)


dialogues = st.lists(st.tuples(speakers, rosters, seeds), min_size=1, max_size=4)


@laws
@given(dialogues, ablations)
def test_a_batch_equals_its_members_alone(members, ablation):
    dialogue = model(ablation)
    turns, announced = [turns_of(names, seed) for names, _, seed in members], [roster for _, roster, _ in members]
    together = advance(dialogue, [{}] * len(turns), turns, announced)
    for own, roster, got in zip(turns, announced, together, strict=True):
        (alone,) = advance(dialogue, [{}], [own], [roster])
        close(got.logits, alone.logits)
        close(got.emotion, alone.emotion)
        assert got.tensors.keys() == alone.tensors.keys()
        for name, array in alone.tensors.items():
            np.testing.assert_allclose(got.tensors[name], array, rtol=0, atol=TOLERANCE)


@laws
@given(dialogues, st.sampled_from([99.0, float("nan"), float("inf")]))
def test_padding_changes_no_result_and_no_gradient(members, fill):
    turns, announced = [turns_of(names, seed) for names, _, seed in members], [roster for _, roster, _ in members]
    torch.manual_seed(0)
    both = BidirectionalDialogue(width=WIDTH).eval()
    revision = Revision(width=WIDTH, turns_ahead=2).eval()
    results = []
    for value in (0.0, fill):
        dialogue = model()
        u, v, slots, lengths, known = padded(turns, announced, value)
        real = torch.arange(u.shape[1]) < lengths[:, None]
        logits, emotion = dialogue(u, v, slots, lengths, known)
        logits[real].square().sum().backward()
        gradients = [one.grad for one in dialogue.parameters() if one.grad is not None]
        revised = revision(u, v, slots, emotion.detach(), lengths)
        results.append([logits[real], both(u, v, slots, lengths, known)[real], revised[real], *gradients])
    for plain, with_padding in zip(*results, strict=True):
        assert with_padding.isfinite().all()
        torch.testing.assert_close(with_padding, plain, rtol=0, atol=0)


@laws
@given(dialogues, st.data())
def test_a_dialogue_that_is_not_active_comes_back_bit_for_bit(members, data):
    turns, announced = [turns_of(names, seed) for names, _, seed in members], [roster for _, roster, _ in members]
    dialogue = model()
    tensors = [part.tensors for part in advance(dialogue, [{}] * len(turns), turns, announced)]
    states, _ = pack(tensors, announced, [["ann"]] * len(turns), width=WIDTH, like=torch.zeros(()))
    active = torch.tensor(data.draw(st.lists(st.booleans(), min_size=len(turns), max_size=len(turns))))
    garbage = torch.full((len(turns), WIDTH), float("nan")).masked_fill(active[:, None], 0.5)
    slot = torch.zeros(len(turns), dtype=torch.long).masked_fill(~active, -7)
    with torch.no_grad():
        after, logits, _ = dialogue.step(states, garbage, garbage, slot, active)
    for before, then in zip(states, after, strict=True):
        assert torch.equal(before[~active], then[~active])
    assert logits.isfinite().all()
    assert not torch.equal(after.emotion[active], states.emotion[active]) or not active.any()


@laws
@given(dialogues)
def test_packing_and_unpacking_is_the_identity(members):
    turns, announced = [turns_of(names, seed) for names, _, seed in members], [roster for _, roster, _ in members]
    tensors = [part.tensors for part in advance(model(), [{}] * len(turns), turns, announced)]
    states, slots = pack(tensors, announced, [[]] * len(turns), width=WIDTH, like=torch.zeros(()))
    for before, after in zip(tensors, unpack(states, slots), strict=True):
        assert before.keys() == after.keys()
        for name, array in before.items():
            assert array.dtype == after[name].dtype
            np.testing.assert_array_equal(array, after[name])


@laws
@given(speakers, rosters, seeds, ablations)
def test_everybody_silent_shares_one_state(names, roster, seed, ablation):
    cells = model(ablation).cells
    u, v, slots, lengths, known = padded([turns_of(names, seed)], [roster])
    states = DialogueStates.start(known, width=WIDTH, like=u)
    with torch.no_grad():
        for turn in range(int(lengths)):
            states, _ = cells.step(states, u[:, turn], v[:, turn], slots[:, turn], torch.tensor([True]))
            heard = slots[0, turn if ablation == "single_turn" else 0 : turn + 1]
            assert set(states.spoken[0].nonzero().flatten().tolist()) == set(heard.tolist())
            silent = states.speakers[~states.spoken]
            close(silent, states.silent.expand(len(silent), -1))
