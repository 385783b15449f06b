"""What a computation costs, in multiply-adds."""

from collections.abc import Callable, Sequence

import torch
from torch.utils.flop_counter import FlopCounterMode

Shape = Sequence[int]

_aten = torch.ops.aten


def macs(run: Callable[[], object]) -> int:
    """The multiply-adds that one call of `run` computes on the CPU.

    Counted as they are carried out, padding included: matrix products and linear layers, convolutions, attention, and
    recurrent layers and cells. Not counted: what is done element by element (activations, norms, softmax, gates,
    pooling) and Fourier transforms.
    """
    counter = FlopCounterMode(display=False, custom_mapping=_UNKNOWN_TO_TORCH)
    fused = torch.backends.mha.get_fastpath_enabled()
    # Torch's own transformer layers have one kernel for all they do, which cannot be looked into.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with counter:
            run()
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return counter.get_total_flops() // 2


def _attention(query: Shape, key: Shape, value: Shape, *_: object, **__: object) -> int:
    """Query `[B, H, Tq, c]`, key `[B, H, Tk, c]`, value `[B, H, Tk, e]`."""
    batch, heads, asking, width = query
    return 2 * batch * heads * asking * key[2] * (width + value[3])


def _lstm_layer(inputs: Shape, input_weights: Shape, state_weights: Shape, *_: object, **__: object) -> int:
    """Inputs `[T, B, D]`, weights `[4 d, D]` and `[4 d, d]`, of one direction."""
    steps, batch, width = inputs
    gates, state_width = state_weights
    return 2 * steps * batch * gates * (width + state_width)


def _vector(matrix: Shape, *_: object, **__: object) -> int:
    """A matrix, or one vector, times a vector."""
    return 2 * torch.Size(matrix).numel()


# Their arguments are shapes where the operator's are tensors; a multiplication and an addition count one each.
_UNKNOWN_TO_TORCH: dict[object, Callable[..., int]] = {
    _aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    _aten.mkldnn_rnn_layer: _lstm_layer,
    _aten.mv: _vector,
    _aten.dot: _vector,
}
