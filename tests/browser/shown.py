"""The page over a log in memory, in a gateway on a real socket, and Chromium to look at it."""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import av
import numpy as np
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

from actors.gateway.parts import Parts
from actors.gateway.streams.furnish import live_streams
from actors.page.address import address
from actors.page.furnish import furnish_page
from engine.config import Config
from simulators.samples import CALL, MEETING
from tests.actors.gateway.opened import OWNER, Log, gateway

CHROMIUM: Final = Path("/usr/bin/chromium")
WAIT_MS: Final = 120_000
"""Longer than anything here takes on the slowest machine."""
_RATE_HZ: Final = 48_000


@dataclass(frozen=True)
class Shown:
    """A gateway with its page."""

    log: Log
    url: str
    """Signs in."""

    def at(self, path: str) -> str:
        """The address of a page, for who is signed in."""
        return self.url.partition("#")[0] + path


@contextmanager
def shown() -> Iterator[Shown]:
    """One a process: NiceGUI has one app."""
    log = Log()

    def furnish(app: FastAPI, parts: Parts) -> None:
        app.include_router(live_streams(Config(), parts))
        furnish_page(app, parts, allowed=["customer", "performer"], denied=["agent"])

    with gateway(log, furnish=furnish) as client:
        port = urlsplit(client.url).port
        assert port is not None
        yield Shown(log, address("127.0.0.1", port, OWNER))


@contextmanager
def chromium(voice: Path, face: Path) -> Iterator[Browser]:
    """Debian's Chromium, whose microphone and camera play recordings again and again. Skips where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={voice}",
                f"--use-file-for-fake-video-capture={face}",
            ],
        )
        try:
            yield browser
        finally:
            browser.close()


def seen(path: Path) -> Path:
    """A speaker of the bundled meeting, as pictures in a row (Motion JPEG)."""
    with av.open(str(MEETING / "bbaf2n.mp4")) as source, av.open(str(path), "w", format="mjpeg") as target:
        film = target.add_stream("mjpeg", rate=25)
        film.width, film.height, film.pix_fmt = 640, 480, "yuvj420p"
        for frame in source.decode(video=0):
            target.mux(film.encode(frame.reformat(640, 480, "yuvj420p")))
        target.mux(film.encode())
    return path


def spoken(path: Path) -> Path:
    """A sentence of the bundled call and two seconds of silence, as a WAV file."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE_HZ)
    with av.open(str(CALL / "14b01Na.flac")) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    sound = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE_HZ)
        file.writeframes(sound.astype("<i2").tobytes() + bytes(2 * 2 * _RATE_HZ))
    return path
