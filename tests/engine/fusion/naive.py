"""The parts of the papers' equations that several models share, in loops, over one utterance's real tokens.

Weights are a mapping of numpy arrays by a module's own names; tokens are lists of vectors.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

Weights = Mapping[str, np.ndarray]
Tokens = Sequence[np.ndarray]


def of(module) -> Weights:
    return {name: tensor.numpy() for name, tensor in module.state_dict().items()}


def below(weights: Weights, prefix: str) -> Weights:
    """The weights of a part, by its own names."""
    return {name.removeprefix(prefix): array for name, array in weights.items() if name.startswith(prefix)}


def linear(weights: Weights, name: str, x):
    return weights[f"{name}.weight"] @ x + weights.get(f"{name}.bias", 0.0)


def layer_norm(weights: Weights, name: str, x):
    x = (x - x.mean()) / math.sqrt(((x - x.mean()) ** 2).mean() + 1e-5)
    return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def softmax(scores: Sequence[float]) -> list[float]:
    powers = [math.exp(score) for score in scores]
    return [power / sum(powers) for power in powers]


def attend(query, keys: Tokens, values: Tokens, scale: float):
    """One query over keys; over nothing, 0."""
    told = np.zeros_like(query) if not len(values) else np.zeros_like(values[0])
    shares = softmax([float(query @ key) * scale for key in keys])
    for share, value in zip(shares, values, strict=True):
        told = told + share * value
    return told


def ask(weights: Weights, asking: Tokens, asked: Tokens) -> list[np.ndarray]:
    """One head, no bias: `softmax(Q K' / sqrt d) V`."""
    keys = [weights["key.weight"] @ y for y in asked]
    values = [weights["value.weight"] @ y for y in asked]
    return [attend(weights["query.weight"] @ x, keys, values, 1 / math.sqrt(len(x))) for x in asking]


def multi_head(weights: Weights, asking: Tokens, asked: Tokens, heads: int) -> list[np.ndarray]:
    """Heads side by side, then the output's matrix; nobody asked is 0."""
    if not len(asked):
        return [np.zeros_like(x) for x in asking]
    keys, values = ([linear(weights, name, y) for y in asked] for name in ("key", "value"))
    result = []
    for x in asking:
        query = linear(weights, "query", x)
        c = len(query) // heads
        told = [
            attend(query[k * c : k * c + c], [key[k * c : k * c + c] for key in keys],
                   [value[k * c : k * c + c] for value in values], 1 / math.sqrt(c))
            for k in range(heads)
        ]  # fmt: skip
        result.append(linear(weights, "out", np.concatenate(told)))
    return result


def transformer_block(weights: Weights, tokens: Tokens, heads: int) -> list[np.ndarray]:
    """`LN(x + MultiHead(x))`, then `LN(x + W2 ReLU(W1 x))`."""
    heard = multi_head(below(weights, "attention."), tokens, tokens, heads)
    normed = [layer_norm(weights, "attention_norm", x + told) for x, told in zip(tokens, heard, strict=True)]
    forward = [linear(weights, "narrow", np.maximum(linear(weights, "widen", x), 0)) for x in normed]
    return [layer_norm(weights, "feed_forward_norm", x + fed) for x, fed in zip(normed, forward, strict=True)]


def interpolated(tokens: Tokens, length: int) -> list[np.ndarray]:
    """`length` points spread evenly from the first token to the last."""
    if not len(tokens):
        return []
    result = []
    for step in range(length):
        place = step * (len(tokens) - 1) / (length - 1) if length > 1 else 0.0
        before = min(math.floor(place), len(tokens) - 1)
        after = min(before + 1, len(tokens) - 1)
        result.append(tokens[before] * (1 - (place - before)) + tokens[after] * (place - before))
    return result


def mean(tokens: Tokens, width: int):
    return sum(tokens) / len(tokens) if len(tokens) else np.zeros(width)
