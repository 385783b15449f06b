import os
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from engine.errors import BadMedia, DecoderDied
from engine.media.base import Limits
from engine.media.decode import decode
from engine.media.pool import DecoderPool

ROOT = Path(__file__).parents[3]


def children() -> set[int]:
    tasks = Path("/proc/self/task").iterdir()
    return {int(child) for task in tasks for child in (task / "children").read_text().split()}


def ticks(process: int) -> int:
    """Processor time of a process in the system's unit."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11])


def same(one, other):
    assert (one.duration_s, one.audio_missing, one.video_missing) == (
        other.duration_s,
        other.audio_missing,
        other.video_missing,
    )
    for name in ("audio", "frames", "frame_times_s", "strip", "strip_times_s"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.fixture(scope="module")
def pool():
    with closing(DecoderPool(processes=2, limits=Limits())) as pool:
        yield pool


@pytest.fixture(scope="module")
def sound(encode) -> bytes:
    return encode("flac", audio="flac", video=None)


@pytest.fixture(scope="module")
def large(encode) -> bytes:
    """Enough pictures to hold more than a small process may."""
    return encode("mp4", audio=None, video="mpeg4", seconds=1.6, size=(1920, 1080))


def test_the_pool_decodes_as_the_process_itself_does(pool, clip, sound):
    same(pool.decode(clip, content_type="video/mp4"), decode(clip, content_type="video/mp4"))
    same(pool.decode(sound, content_type=None), decode(sound, content_type=None))


def test_threads_share_it(pool, clip, sound):
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda data: pool.decode(data, content_type=None), [clip, sound] * 4))
    for media, data in zip(results, [clip, sound] * 4, strict=True):
        same(media, decode(data, content_type=None))


def test_bad_media_comes_back_as_such_and_the_child_lives_on(pool, clip):
    before = children()
    for data in (b"", b"words", clip[:3000]):
        with pytest.raises(BadMedia):
            pool.decode(data, content_type="video/mp4")
    with pytest.raises(BadMedia, match="rate"):
        pool.decode(b"\0" * 320, content_type="audio/L16")
    assert children() == before


def test_a_child_holds_neither_torch_nor_the_callers_environment(pool, sound, monkeypatch):
    monkeypatch.setenv("TURNTONE_REDIS_PASSWORD", "secret")
    with closing(DecoderPool(processes=1, limits=Limits())) as fresh:
        known = children()
        fresh.decode(sound, content_type=None)
        for child in known:
            assert "libtorch" not in Path(f"/proc/{child}/maps").read_text()
            assert b"secret" not in Path(f"/proc/{child}/environ").read_bytes()


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGKILL])
def test_a_crash_costs_one_segment(clip, sound, how):
    others = children()
    with closing(DecoderPool(processes=1, limits=Limits())) as pool:
        pool.decode(sound, content_type=None)
        (child,) = children() - others
        os.kill(child, how)
        with pytest.raises(DecoderDied, match=how.name):
            pool.decode(clip, content_type=None)
        same(pool.decode(clip, content_type=None), decode(clip, content_type=None))


def test_a_crash_in_the_middle_of_a_file_costs_that_file(large, sound):
    others = children()
    with closing(DecoderPool(processes=1, limits=Limits())) as pool, ThreadPoolExecutor(1) as threads:
        pool.decode(sound, content_type=None)
        (child,) = children() - others
        began = ticks(child)
        decoding = threads.submit(pool.decode, large, content_type=None)
        while ticks(child) < began + 5 and not decoding.done():
            os.sched_yield()
        os.kill(child, signal.SIGSEGV)
        with pytest.raises(DecoderDied, match="SIGSEGV"):
            decoding.result()
        same(pool.decode(sound, content_type=None), decode(sound, content_type=None))


def test_a_hang_costs_one_segment(sound):
    others = children()
    with closing(DecoderPool(processes=1, limits=Limits(), deadline_s=0.2)) as pool:
        pool.decode(b"\0" * 800, content_type="audio/basic")
        (child,) = children() - others
        os.kill(child, signal.SIGSTOP)
        with pytest.raises(DecoderDied, match=r"longer than 0\.2 s"):
            pool.decode(sound, content_type=None)
    assert children() == others


def test_memory_is_limited(large, sound):
    with closing(DecoderPool(processes=1, limits=Limits(), memory_bytes=320 << 20)) as pool:
        with pytest.raises(DecoderDied, match="memory"):
            pool.decode(large, content_type=None)
        same(pool.decode(sound, content_type=None), decode(sound, content_type=None))


def test_processor_time_is_limited(encode):
    hours = encode("adts", audio="aac", video=None, seconds=8.0, layout="5.1") * 700
    with closing(DecoderPool(processes=1, limits=Limits(duration_most_s=1e4), cpu_s=0.1)) as pool:
        with pytest.raises(DecoderDied, match="SIGXCPU"):
            pool.decode(hours, content_type="audio/aac")


def test_closing_leaves_nothing_behind(sound):
    before, files = children(), len(os.listdir("/proc/self/fd"))
    pool = DecoderPool(processes=2, limits=Limits())
    pool.decode(sound, content_type=None)
    pool.close()
    pool.close()
    assert children() == before
    assert len(os.listdir("/proc/self/fd")) == files
    with pytest.raises(RuntimeError, match="closed"):
        pool.decode(sound, content_type=None)


def test_children_die_with_their_parent():
    program = (
        "import os, signal\n"
        "from engine.media.base import Limits\n"
        "from engine.media.pool import DecoderPool\n"
        "pool = DecoderPool(processes=1, limits=Limits())\n"
        "try:\n    pool.decode(b'words', content_type=None)\n"
        "except Exception: pass\n"
        "print(*(child for task in os.listdir('/proc/self/task')"
        " for child in open(f'/proc/self/task/{task}/children').read().split()), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    (child,) = map(int, parent.stdout.split())
    try:
        fd = os.pidfd_open(child)
    except ProcessLookupError:
        return
    try:
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        assert poller.poll(30_000), "the child outlived its parent"
    finally:
        os.close(fd)
