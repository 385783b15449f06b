"""Any pretrained speech model of the wav2vec 2.0 kind (HuBERT, WavLM, data2vec, ...) as an encoder."""

from typing import Any

import torch
from torch import Tensor, nn

from engine.errors import CheckpointError

_VARIANCE_FLOOR = 1e-7


class SpeechEncoder(nn.Module):
    """Waveforms to one layer's hidden states, as frames or as their mean over time.

    A model with `feat_extract_norm == "group"` (wav2vec 2.0 base, large-960h) normalises its first convolution over
    the whole length and never learned an attention mask: padding would change its result, so each waveform runs alone.
    The others run as one padded batch under an attention mask.
    """

    def __init__(self, *, model: nn.Module, config: Any, standardised: bool, layer: int, pooled: bool) -> None:
        super().__init__()
        self.model = model
        self.width = int(config.hidden_size)
        self.standardised = standardised
        self.layer = layer
        self.pooled = pooled
        self.alone = config.feat_extract_norm == "group"
        self.steps = tuple(zip(config.conv_kernel, config.conv_stride, strict=True))
        self.shortest = 1
        for kernel, stride in reversed(self.steps):
            self.shortest = (self.shortest - 1) * stride + kernel

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` at 16 kHz and mask to states `[B, T, width]`, `T` 1 if pooled, and their mask."""
        samples = mask.sum(dim=1)
        # What is shorter than one frame's field of view is followed by silence.
        lengths = samples.clamp(min=self.shortest)
        longest = int(lengths.max()) if len(lengths) else self.shortest
        audio = inputs.new_zeros(len(inputs), longest)
        common = min(longest, inputs.shape[1])
        audio[:, :common] = torch.where(mask, inputs, 0.0)[:, :common]
        real = torch.arange(longest, device=mask.device) < lengths[:, None]
        if self.standardised:
            audio = _standardise(audio, real)
        frames = torch.where(samples > 0, self._frames(lengths), 0)
        states = audio.new_zeros(len(audio), int(frames.max()) if len(frames) else 0, self.width)
        if self.alone:
            for row in torch.nonzero(samples).flatten().tolist():
                states[row, : int(frames[row])] = self._states(audio[row : row + 1, : int(lengths[row])], None)[0]
        elif states.shape[1]:
            states = self._states(audio, real)
        frame_mask = torch.arange(states.shape[1], device=mask.device) < frames[:, None]
        states = states * frame_mask[:, :, None]
        if not self.pooled:
            return states, frame_mask
        return (states.sum(dim=1) / frames.clamp(min=1)[:, None])[:, None], (frames > 0)[:, None]

    def _states(self, audio: Tensor, real: Tensor | None) -> Tensor:
        attention = None if real is None else real.long()
        output = self.model(audio, attention_mask=attention, output_hidden_states=True)
        states: Tensor = output.hidden_states[self.layer]
        return states

    def _frames(self, lengths: Tensor) -> Tensor:
        for kernel, stride in self.steps:
            lengths = (lengths - kernel) // stride + 1
        return lengths


def load(name: str, *, layer: int, pooled: bool) -> SpeechEncoder:
    """A model by its folder or hub id, from safetensors only. `layer` counts hidden states, -1 is the last.

    Raises `CheckpointError` where it cannot be had or is of another kind.
    """
    from transformers import AutoFeatureExtractor, AutoModel

    try:
        model = AutoModel.from_pretrained(name, use_safetensors=True)
        prepared = AutoFeatureExtractor.from_pretrained(name)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        reason = f"speech model {name!r} is neither a folder nor to be had from the hub: {error}"
        raise CheckpointError(reason) from error
    if not hasattr(model.config, "feat_extract_norm"):
        raise CheckpointError(
            f"{name!r} is a {model.config.model_type} model: it does not read waveforms as wav2vec 2.0 does"
        )
    return SpeechEncoder(
        model=model.eval(), config=model.config, standardised=bool(prepared.do_normalize), layer=layer, pooled=pooled
    )


def _standardise(audio: Tensor, real: Tensor) -> Tensor:
    """Mean 0 and variance 1 over each waveform's own samples, as these models' processors do."""
    count = real.sum(dim=1, keepdim=True)
    centred = (audio - audio.sum(dim=1, keepdim=True) / count) * real
    variance = centred.square().sum(dim=1, keepdim=True) / count
    return centred / (variance + _VARIANCE_FLOOR).sqrt()
