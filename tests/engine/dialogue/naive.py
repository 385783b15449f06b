"""Eqs 8-13 of AVAFN written out one turn, one participant and one past turn at a time, in float64, keeping everything.

Unlike the model, nobody is silent here: each participant has a state of his own from the first turn on, and a phantom
beside them is everybody's listener where nobody else counts.
"""

import numpy as np

PHANTOM = "phantom"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def weights_of(module):
    return {name: tensor.detach().double().numpy() for name, tensor in module.state_dict().items()}


def gru(weights, name, inputs, state):
    x = weights[f"{name}.weight_ih"] @ inputs + weights[f"{name}.bias_ih"]
    h = weights[f"{name}.weight_hh"] @ state + weights[f"{name}.bias_hh"]
    xr, xz, xn = np.split(x, 3)
    hr, hz, hn = np.split(h, 3)
    z = sigmoid(xz + hz)
    return (1 - z) * np.tanh(xn + sigmoid(xr + hr) * hn) + z * state


def attentive(weights, past):
    if not past:
        return np.zeros(len(weights["score.weight"][0]))
    scores = [np.tanh(weights["score.weight"][0] @ context + weights["score.bias"][0]) for context in past]
    a = np.exp(scores) / np.sum(np.exp(scores))
    return sum(share * context for share, context in zip(a, past, strict=True))


def emotions(cells, u, v, speakers, announced=(), ablation=None):
    """E of every turn `[T, d]`; speakers are names."""
    weights = weights_of(cells)
    d = cells.width
    everybody = [*dict.fromkeys([*announced, *speakers]), PHANTOM]
    result = []
    for t, speaker in enumerate(speakers):
        if ablation == "single_turn" or t == 0:
            q = {name: np.zeros(d) for name in everybody}
            past: list[np.ndarray] = []
            context, emotion, spoken = np.zeros(d), np.zeros(d), set()
        said_before = np.zeros(d) if ablation == "no_ssm" else q[speaker]
        ac = np.zeros(d) if ablation in ("no_acm", "no_acm_all") else attentive(weights, past)
        if ablation != "no_acm_all":
            context = gru(weights, "context_cell", np.concatenate([u[t], said_before]), context)
        after = dict(q)
        if ablation != "no_ssm":
            after[speaker] = gru(weights, "speaker_cell", np.concatenate([ac, u[t]]), q[speaker])
        if ablation != "no_ilm":
            for name in everybody:
                if name != speaker:
                    after[name] = gru(weights, "listener_cell", np.concatenate([v[t], u[t]]), q[name])
        spoken.add(speaker)
        listening = [name for name in everybody if name != speaker and name in {*spoken, *announced}] or [PHANTOM]
        heard = np.zeros(d) if ablation == "no_ilm" else sum(after[name] for name in listening) / len(listening)
        said = np.zeros(d) if ablation == "no_ssm" else after[speaker]
        emotion = gru(weights, "emotion_cell", np.concatenate([context, said, heard]), emotion)
        past.append(context)
        q = after
        result.append(emotion)
    return np.array(result)


def window_emotion(cells, u, v, speakers):
    """E of the first turn of a window, run from its end."""
    return emotions(cells, u[::-1], v[::-1], speakers[::-1])[-1]
