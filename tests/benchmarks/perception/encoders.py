"""What each encoder costs: processor time in float32, in bfloat16 and compiled, and how far the results differ.

    python -m tests.benchmarks.perception.encoders [NAME ...]

One thread; the least of a few runs, in processor time, so that what else the machine does counts little. Weights are
random but for `voice` and `face`, the default checkpoint's: neither time nor rounding knows what a network learned.
Sounds are 3 s of noise, faces 8 crops of 64 pixels. A difference is the largest of all tokens, in spreads of a token.
Compiled code is measured with one item only, and says how long it took to compile. Measured encoders replace their
rows in the JSON; the others stay.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel, Wav2Vec2Config, Wav2Vec2FeatureExtractor

from engine.artifact import DEFAULT, read
from engine.features.builders import AUDIO, audio_encoder, video_encoder
from engine.features.speech_files import fingerprint

RESULTS = Path(__file__).parent / "results" / "encoders.json"
SECONDS, FRAMES = 3.0, 8
BATCHES = (1, 8)
RUNS = 3
MEL = {"n_mels": 64, "n_fft": 1024, "win_length": 882, "hop_length": 441, "sample_rate_hz": 44_100}
BASE = {"feat_extract_norm": "group"}
LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
}
DEFAULTS = read(DEFAULT).config["encoders"]
ENCODERS: Mapping[str, Mapping[str, Any]] = {
    "logmel": MEL,
    "mfcc": MEL | {"n_mfcc": 40},
    "voice": DEFAULTS["audio"],
    "resnet18-mel": MEL | {"clip_frames": 100},
    "wav2vec2, base": {"name": "wav2vec2"},
    "wav2vec2, large": {"name": "wav2vec2"},
    "face": DEFAULTS["face"],
    "dan": {"side": 112},
    "efficientface": {"side": 112},
    "avt-ca-voice": {},
    "avt-ca-face": {},
    "attsf-voice": {},
    "attsf-face": {},
    "r2plus1d": {},
    "r3d": {},
}
# What is reduced or compiled: the network where an encoder has cutting and masking around it that gain nothing.
INNER = {
    name: "encode"
    for name in ("voice", "face", "resnet18-mel", "avt-ca-voice", "avt-ca-face", "attsf-voice", "r2plus1d", "r3d")
} | {
    "wav2vec2, base": "_states",
    "wav2vec2, large": "_states",
}

# Compiling takes minutes; these stand for the small, the flat and the deep networks.
COMPILED = ("voice", "resnet18-mel", "r2plus1d")


def build(name: str) -> Any:
    torch.manual_seed(0)
    numbers = {"name": name} | dict(ENCODERS[name])
    if not name.startswith("wav2vec2"):
        encoder: Any = audio_encoder(numbers) if numbers["name"] in AUDIO else video_encoder(numbers)
        if name in ("voice", "face"):
            encoder.load_state_dict(read(DEFAULT).part("audio_encoder" if name == "voice" else "face_encoder"))
        return encoder.eval().requires_grad_(False)
    with tempfile.TemporaryDirectory() as folder:
        AutoModel.from_config(Wav2Vec2Config(**(LARGE if name.endswith("large") else BASE))).save_pretrained(folder)
        Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
        where = {"source": folder, "sha256": fingerprint(Path(folder))}
        return audio_encoder(numbers | where).eval().requires_grad_(False)


def measure(name: str) -> dict[str, Any]:
    encoder = build(name)
    sound = ENCODERS[name].get("name", name) in AUDIO
    row: dict[str, Any] = {"parameters": sum(p.numel() for p in encoder.parameters())}
    inner = INNER.get(name, "extract")
    plain = getattr(encoder, inner)
    for size in BATCHES:
        generator = torch.Generator().manual_seed(1)
        if sound:
            inputs = 0.1 * torch.randn(size, int(SECONDS * 16_000), generator=generator)
        else:
            inputs = torch.rand(size, FRAMES, 3, 64, 64, generator=generator)
        mask = torch.ones(inputs.shape[:2], dtype=torch.bool)
        units = size * (SECONDS if sound else FRAMES)
        setattr(encoder, inner, plain)
        exact = encoder.extract(inputs, mask)[0]
        row[f"float32, batch {size}"] = milliseconds(encoder, inputs, mask) / units
        if name in ("logmel", "mfcc"):
            continue
        variants: dict[str, Callable[..., Any]] = {"bfloat16": torch.autocast("cpu", torch.bfloat16)(plain)}
        if size == 1 and name in COMPILED:
            variants["compiled"] = torch.compile(plain)
        for variant, function in variants.items():
            setattr(encoder, inner, function)
            began = time.perf_counter()
            got = encoder.extract(inputs, mask)[0]
            first_s = time.perf_counter() - began
            row[f"{variant}, batch {size}"] = milliseconds(encoder, inputs, mask) / units
            row[f"{variant}, batch {size}, difference"] = apart(got, exact)
            if variant == "compiled":
                row["compiled, first call, s"] = first_s
    return row


def milliseconds(encoder: Any, inputs: Tensor, mask: Tensor) -> float:
    """The least processor time of a few runs."""
    times = []
    for _ in range(RUNS):
        began = time.process_time()
        encoder.extract(inputs, mask)
        times.append(time.process_time() - began)
    return min(times) * 1000


def apart(got: Tensor, exact: Tensor) -> float:
    return float((got.float() - exact).abs().max() / exact.std())


def main() -> None:
    torch.set_num_threads(1)
    for name in sys.argv[1:] or ENCODERS:
        with torch.inference_mode():
            row = measure(name)
        known = json.loads(RESULTS.read_text())["encoders"] if RESULTS.is_file() else {}
        known[name] = {key: float(f"{value:.4g}") for key, value in row.items()}
        unit = "a second of sound" if ENCODERS[name].get("name", name) in AUDIO or name in AUDIO else "a frame"
        print(name, json.dumps(known[name]), flush=True)
        known[name]["unit"] = f"processor milliseconds for {unit}"
        about = {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "threads": 1,
            "cores": os.cpu_count(),
            "torch": torch.__version__,
        }
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps({"machine": about, "encoders": known}, indent=2) + "\n")


if __name__ == "__main__":
    main()
