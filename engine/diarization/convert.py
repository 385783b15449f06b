"""The one-time conversion of silero's and resemblyzer's published weights to safetensors.

    python -m engine.diarization.convert silero_vad-6.2.3-*.whl Resemblyzer-0.1.4-*.whl

Both are published as files that can run code when they are loaded (TorchScript, pickle). This reads them
once, out of the wheels, after checking their hashes; the engine itself loads safetensors only.
"""

import io
from argparse import ArgumentParser
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.diarization import resemblyzer
from engine.errors import CheckpointError
from engine.layers import silero

_SILERO = "silero_vad/data/silero_vad.jit"
_SILERO_SHA256 = "e1122837f4154c511485fe0b9c64455f7b929c96fbb8d79fbdb336383ebd3720"
_RESEMBLYZER = "resemblyzer/pretrained.pt"
_RESEMBLYZER_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"

# Layer of the published network -> layer of ours.
_SILERO_NAMES = {
    "stft.forward_basis_buffer": "basis",
    **{f"encoder.{i}.reparam_conv.{kind}": f"encoder.{2 * i}.{kind}" for i in range(4) for kind in ("weight", "bias")},
    **{f"decoder.rnn.{kind}_{side}": f"lstm.{kind}_{side}_l0" for kind in ("weight", "bias") for side in ("ih", "hh")},
    "decoder.decoder.2.weight": "head.weight",
    "decoder.decoder.2.bias": "head.bias",
}
# Only the training loss uses these.
_RESEMBLYZER_LOSS = ("similarity_weight", "similarity_bias")


def pinned(wheel: Path, member: str, digest: str) -> bytes:
    """The bytes of a wheel's member; raises `CheckpointError` unless their SHA-256 is `digest`."""
    with ZipFile(wheel) as archive:
        content = archive.read(member)
    found = sha256(content).hexdigest()
    if found != digest:
        raise CheckpointError(f"{member} in {wheel.name} has SHA-256 {found}, expected {digest}; nothing was converted")
    return content


def silero_tensors(content: bytes) -> dict[str, Tensor]:
    """The 16 kHz branch of silero's TorchScript under the names of `SileroVad`."""
    published = torch.jit.load(io.BytesIO(content), map_location="cpu").state_dict()  # type: ignore[no-untyped-call]
    tensors = {ours: published[f"_model.{theirs}"].contiguous() for theirs, ours in _SILERO_NAMES.items()}
    tensors["head.weight"] = tensors["head.weight"].squeeze(-1)
    return tensors


def resemblyzer_tensors(content: bytes) -> dict[str, Tensor]:
    """Resemblyzer's encoder under the names of `VoiceEncoder`, which are its own."""
    published = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)["model_state"]
    return {name: tensor for name, tensor in published.items() if name not in _RESEMBLYZER_LOSS}


def main() -> None:
    """Convert both, from the wheels named on the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("silero_wheel", type=Path)
    parser.add_argument("resemblyzer_wheel", type=Path)
    arguments = parser.parse_args()
    silero_bytes = pinned(arguments.silero_wheel, _SILERO, _SILERO_SHA256)
    resemblyzer_bytes = pinned(arguments.resemblyzer_wheel, _RESEMBLYZER, _RESEMBLYZER_SHA256)
    save_file(silero_tensors(silero_bytes), silero.WEIGHTS)
    save_file(resemblyzer_tensors(resemblyzer_bytes), resemblyzer.WEIGHTS)


if __name__ == "__main__":
    main()
