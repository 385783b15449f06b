"""The recipe for two RTP legs, as it is written down, over the loopback: FFmpeg sends, FFmpeg joins, Turntone cuts."""

import re
import shlex
import shutil
import signal
import socket
import subprocess
import wave
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from actors import plugins
from actors.cli import main
from engine.transport.memory import MemoryBroker, MemoryPublisher
from schemas.cloudevents import read_segment
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, SEGMENTS
from tests.engine.ingest.sources import talk

FOLDER = Path(plugins.__file__).parent / "telephone"
SDP = "actors/plugins/telephone/call.sdp"
BEGINS_S = (0.5, 2.0)
"""Where each leg's voice begins."""


def recipe() -> tuple[list[str], list[str]]:
    """The two commands of the page, FFmpeg's and Turntone's, as a shell would read them."""
    (block,) = re.findall(r"```sh\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    words = shlex.split(block.replace("\\\n", " "))
    pipe = words.index("|")
    return words[:pipe], words[pipe + 1 :]


def free_ports() -> list[int]:
    """Two, each with the one after it, which is RTCP's."""
    found: list[int] = []
    for port in range(42_000, 60_000, 2):
        try:
            for number in (port, port + 1):
                with socket.socket(type=socket.SOCK_DGRAM) as one:
                    one.bind(("127.0.0.1", number))
        except OSError:
            continue
        found.append(port)
        if len(found) == 2:
            break
    return found


def leg(path: Path, *, begins_s: float) -> Path:
    """One party's voice at 8 kHz, after so much silence."""
    voice = talk(1)[24_000:][::2]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.concatenate([np.zeros(round(begins_s * 8000), np.int16), voice]).tobytes())
    return path


def send(path: Path, port: int) -> subprocess.Popen[bytes]:
    """One party's recorder, no faster than life."""
    read = ["ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-i", str(path)]
    write = ["-c:a", "pcm_mulaw", "-f", "rtp", f"rtp://127.0.0.1:{port}?pkt_size=172"]
    return subprocess.Popen([*read, *write], stdout=subprocess.DEVNULL)


def test_two_legs_are_two_speakers(tmp_path, monkeypatch):
    if shutil.which("ffmpeg") is None:
        pytest.skip("FFmpeg is not installed: no ffmpeg on the path")
    ports, (join, stream) = free_ports(), recipe()
    sdp = (FOLDER / "call.sdp").read_text()
    for named, port in zip(("40000", "40002"), ports, strict=True):
        assert f"m=audio {named} RTP/AVP 0" in sdp
        sdp = sdp.replace(named, str(port))
    (tmp_path / "call.sdp").write_text(sdp)
    joining = subprocess.Popen(
        [str(tmp_path / "call.sdp") if word == SDP else word for word in join], stdout=subprocess.PIPE
    )
    sending = [
        send(leg(tmp_path / f"{port}.wav", begins_s=begins_s), port)
        for port, begins_s in zip(ports, BEGINS_S, strict=True)
    ]

    def hang_up() -> None:
        for sender in sending:
            sender.wait(60)
        joining.send_signal(signal.SIGINT)

    log = MemoryBroker(partitions=1)

    class Publisher(MemoryPublisher):
        """Of that log."""

        def __init__(self, *, bootstrap):
            super().__init__(broker=log)

    monkeypatch.setattr("engine.transport.kafka_publisher.KafkaPublisher", Publisher)
    monkeypatch.setattr("actors.cli.stream.bootstrap_of", lambda config: "memory")
    monkeypatch.setattr("engine.ingest.address._standard_input", lambda: joining.stdout)
    hanging_up = Thread(target=hang_up)
    hanging_up.start()
    assert stream[0] == "turntone"
    assert main(stream[1:]) == 0
    hanging_up.join()
    joining.wait(60)
    found = [read_segment(record.key, record.headers) for record in log.records(SEGMENTS)]
    said = sorted((one for one in found if one.type == SEGMENT_TYPE), key=lambda one: one.starttime)
    assert [(one.speaker, one.role, one.channel) for one in said] == [("ann", "customer", "0"), ("bob", "agent", "1")]
    assert said[1].starttime - said[0].starttime == pytest.approx(BEGINS_S[1] - BEGINS_S[0], abs=0.5)
    assert found[-1].type == ENDED_TYPE
