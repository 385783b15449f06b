"""Raw samples as bytes: what telephony and pipes send, made 16-bit numbers."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigurationError


def _mu_law() -> NDArray[np.int16]:
    """Every byte of 8-bit mu-law as a sample (ITU-T G.711, table 2a, at 16-bit scale)."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _a_law() -> NDArray[np.int16]:
    """Every byte of 8-bit A-law as a sample (ITU-T G.711, table 1a, at 16-bit scale)."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (code & 0x70) >> 4, (code & 0x0F) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


MU_LAW: Final = _mu_law()
A_LAW: Final = _a_law()

FORMATS: Final = {"s16le": 2, "s16be": 2, "f32le": 4, "mulaw": 1, "alaw": 1}
"""Name of a raw format, as FFmpeg calls it, and its bytes a sample."""


def to_samples(data: bytes, *, format: str, channels: int) -> NDArray[np.int16]:
    """Whole frames of interleaved samples as `[C, N]`; raises `ConfigurationError` for a format there is none of."""
    if format == "mulaw":
        flat = MU_LAW[np.frombuffer(data, dtype=np.uint8)]
    elif format == "alaw":
        flat = A_LAW[np.frombuffer(data, dtype=np.uint8)]
    elif format == "f32le":
        bounded = np.clip(np.nan_to_num(np.frombuffer(data, dtype="<f4")), -1.0, 1.0)
        flat = np.minimum(np.rint(bounded * 32768), 32767).astype(np.int16)
    elif format in FORMATS:
        flat = np.frombuffer(data, dtype=">i2" if format == "s16be" else "<i2").astype(np.int16)
    else:
        raise ConfigurationError(f"no raw format is called {format!r}; there are {', '.join(FORMATS)}")
    return np.ascontiguousarray(flat.reshape(-1, channels).T)
