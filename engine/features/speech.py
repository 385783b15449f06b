"""Any pretrained speech model of the wav2vec 2.0 kind (HuBERT, WavLM, data2vec, ...) as an encoder."""

from typing import Any

import torch
from torch import Tensor, nn

from engine.features.elsewhere import keep_elsewhere
from engine.features.precision import Precision, computing

_VARIANCE_FLOOR = 1e-7
# Checked: under an attention mask a padded batch of these equals its items alone.
_MASKED = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat")


class SpeechEncoder(nn.Module):
    """Waveforms to one layer's hidden states, as frames or as their mean over time.

    `layer` counts transformer layers: 0 is what enters the first, the last (or -1) is the model's output with its
    final normalisation; layers above are not run.

    Padding must not change a result, and not every model can promise that: one with `feat_extract_norm == "group"`
    (wav2vec 2.0 base, large-960h) normalises its first convolution over the whole length, data2vec's and the
    conformer's convolutions look into the padding. Of these only waveforms of one length run together; the others
    run as one padded batch under an attention mask.

    Its weights lie in a folder of their own, so `state_dict` is empty: a checkpoint names the folder or the hub id,
    with the hash of what is there. What was trained further is saved with `model.save_pretrained(folder)`.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        config: Any,
        standardised: bool,
        layer: int,
        pooled: bool,
        precision: Precision = "float32",
    ) -> None:
        super().__init__()
        self.model = model
        self.width = int(config.hidden_size)
        self.standardised = standardised
        self.pooled = pooled
        self.precision = precision
        self.together = (
            config.model_type in _MASKED
            and config.feat_extract_norm == "layer"
            and not getattr(config, "add_adapter", False)
        )
        self.layer = layer if layer >= 0 else config.num_hidden_layers + 1 + layer
        self.last = self.layer == config.num_hidden_layers
        model.encoder.layers = model.encoder.layers[: max(self.layer, 1)]  # type: ignore[union-attr, index]
        self.steps = tuple(zip(config.conv_kernel, config.conv_stride, strict=True))
        self.shortest = 1
        for kernel, stride in reversed(self.steps):
            self.shortest = (self.shortest - 1) * stride + kernel
        keep_elsewhere(self)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` at 16 kHz and mask to states `[B, T, width]`, `T` 1 if pooled, and their mask."""
        samples = mask.sum(dim=1)
        # What is shorter than one frame's field of view is followed by silence.
        lengths = torch.where(samples > 0, samples.clamp(min=self.shortest), 0)
        longest = int(lengths.max()) if len(lengths) else 0
        audio = inputs.new_zeros(len(inputs), longest)
        common = min(longest, inputs.shape[1])
        audio[:, :common] = torch.where(mask, inputs, 0.0)[:, :common]
        real = torch.arange(longest, device=mask.device) < lengths[:, None]
        if self.standardised:
            audio = _standardise(audio, real)
        states, frames = self._together(audio, real) if self.together else self._by_length(audio, lengths)
        frame_mask = torch.arange(states.shape[1], device=mask.device) < frames[:, None]
        states = torch.where(frame_mask[:, :, None], states, 0.0)
        if not self.pooled:
            return states, frame_mask
        return (states.sum(dim=1) / frames.clamp(min=1)[:, None])[:, None], (frames > 0)[:, None]

    def _together(self, audio: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        frames = real.sum(dim=1)
        for kernel, stride in self.steps:
            frames = ((frames - kernel) // stride + 1).clamp(min=0)
        if not bool(frames.any()):
            return audio.new_zeros(len(audio), 0, self.width), frames
        some = frames > 0
        states = audio.new_zeros(len(audio), int(frames.max()), self.width)
        states[some] = self._states(audio[some], real[some].long()).to(states.dtype)
        return states, frames

    def _by_length(self, audio: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        frames = torch.zeros_like(lengths)
        parts = []
        for length in sorted(set(lengths.tolist()) - {0}):
            rows = lengths == length
            part = self._states(audio[rows, :length], None)
            frames[rows] = part.shape[1]
            parts.append((rows, part))
        states = audio.new_zeros(len(audio), max((part.shape[1] for _, part in parts), default=0), self.width)
        for rows, part in parts:
            states[rows, : part.shape[1]] = part.to(states.dtype)
        return states, frames

    def _states(self, audio: Tensor, attention: Tensor | None) -> Tensor:
        with computing(self.precision, audio.device):
            output = self.model(audio, attention_mask=attention, output_hidden_states=not self.last)
        states: Tensor = output.last_hidden_state if self.last else output.hidden_states[self.layer]
        return states


def _standardise(audio: Tensor, real: Tensor) -> Tensor:
    """Mean 0 and variance 1 over each waveform's own samples, as these models' processors do."""
    count = real.sum(dim=1, keepdim=True).clamp(min=1)
    centred = (audio - audio.sum(dim=1, keepdim=True) / count) * real
    variance = centred.square().sum(dim=1, keepdim=True) / count
    return centred / (variance + _VARIANCE_FLOOR).sqrt()
