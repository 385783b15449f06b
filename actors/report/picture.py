"""A face crop as text that a page can hold: JPEG in a data address."""

from base64 import b64encode
from fractions import Fraction

import av
import numpy as np

from engine.signals import Frames

_QUANTISER = 3
"""Of 2 (best) to 31: two kilobytes a face."""


def data_address(pixels: Frames) -> str:
    """`data:image/jpeg;base64,...` of one picture `[H, W, 3]` RGB with even sides."""
    height, width = pixels.shape[:2]
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = width, height, "yuvj420p", Fraction(1, 25)
    codec.options = {"qmin": str(_QUANTISER), "qmax": str(_QUANTISER)}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    packets = [bytes(packet) for step in (frame, None) for packet in codec.encode(step)]
    return f"data:image/jpeg;base64,{b64encode(b''.join(packets)).decode()}"
