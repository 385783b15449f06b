"""One step of a gated recurrent unit in which one input may move many states."""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


def gated_step(cell: nn.GRUCell, inputs: Tensor, states: Tensor) -> Tensor:
    """The step of `torch.nn.GRUCell` for `inputs` `[B, 1, D]` and `states` `[B, P, d]`: `[B, P, d]`.

    The P states of a row share its input, whose projection is computed once.
    """
    input_reset, input_update, input_new = linear(inputs, cell.weight_ih, cell.bias_ih).chunk(3, dim=-1)
    state_reset, state_update, state_new = linear(states, cell.weight_hh, cell.bias_hh).chunk(3, dim=-1)
    update = torch.sigmoid(input_update + state_update)
    new = torch.tanh(input_new + torch.sigmoid(input_reset + state_reset) * state_new)
    return (1 - update) * new + update * states
