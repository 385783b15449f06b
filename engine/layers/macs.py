"""What a computation costs, in multiply-adds."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

_aten = torch.ops.aten


def macs(run: Callable[[], object]) -> int:
    """The multiply-adds that one call of `run` computes on the CPU.

    Counted as they are carried out, padding included: matrix products and linear layers, convolutions, attention, and
    recurrent layers and cells. Not counted: what is done element by element (activations, norms, softmax, gates,
    pooling) and Fourier transforms.
    """
    counter = _Counter()
    fused = torch.backends.mha.get_fastpath_enabled()
    # Torch's own transformer layers have one kernel for all they do, which cannot be looked into.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with counter:
            run()
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return counter.operations // 2


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types there
    """Adds up the operations of every operator that has a formula; torch's own counter stumbles in inference mode."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        formula = _FORMULAS.get(func.overloadpacket)
        if formula is None:
            # Without gradients an operator that is made of others arrives whole.
            with self:
                result = func.decompose(*args, **kwargs)
            return func(*args, **kwargs) if result is NotImplemented else result
        result = func(*args, **kwargs)
        self.operations += formula(*args, **kwargs, out_val=result)
        return result


def _attention(query: Tensor, key: Tensor, value: Tensor, *_: object, **__: object) -> int:
    """Query `[B, H, Tq, c]`, key `[B, H, Tk, c]`, value `[B, H, Tk, e]`."""
    return 2 * query.shape[:3].numel() * key.shape[2] * (query.shape[3] + value.shape[3])


def _lstm_layer(inputs: Tensor, input_weights: Tensor, state_weights: Tensor, *_: object, **__: object) -> int:
    """Inputs `[T, B, D]`, weights `[4 d, D]` and `[4 d, d]`, of one direction."""
    return 2 * inputs.shape[:2].numel() * (input_weights.numel() + state_weights.numel())


def _vector(matrix: Tensor, *_: object, **__: object) -> int:
    """A matrix, or one vector, times a vector."""
    return 2 * matrix.numel()


# Operations, of which a multiply-add is two; torch's own table leaves out what is computed on the CPU alone.
_FORMULAS: Mapping[object, Callable[..., int]] = {
    **flop_registry,
    _aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    _aten.mkldnn_rnn_layer: _lstm_layer,
    _aten.mv: _vector,
    _aten.dot: _vector,
}
