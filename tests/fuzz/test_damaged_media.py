"""Damaged media: no file ends a process other than the decoding one, and each has one of three ends."""

import os
from collections import Counter
from contextlib import closing

import numpy as np
import pytest

from engine.errors import BadMedia, DecoderDied
from engine.media.base import Limits
from engine.media.pool import DecoderPool
from engine.signals import Media
from tests.fuzz.damage import damaged, noise

FILES = int(os.environ.get("TURNTONE_FUZZ", "160"))
"""How many damaged files are decoded."""


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
def test_every_damaged_file_ends_as_media_or_as_a_named_error():
    whole = noise()
    ends: Counter[str] = Counter()
    unsaid = 0
    with closing(DecoderPool(processes=2, limits=Limits(), deadline_s=20.0)) as pool:
        for seed in range(FILES):
            generator = np.random.default_rng(seed)
            data = damaged(whole[seed % len(whole)], whole[(seed + 3) % len(whole)], generator)
            try:
                media = pool.decode(data, content_type=None)
            except (BadMedia, DecoderDied) as error:
                ends[type(error).__name__] += 1
                unsaid += not str(error)
                continue
            ends["Media"] += 1
            check(media, seed)
        for data in whole:
            check(pool.decode(data, content_type=None), "undamaged")
    print(dict(ends))
    assert unsaid == 0
    assert ends["Media"] > FILES // 10
    assert ends["BadMedia"] > FILES // 20


def check(media, seed):
    assert isinstance(media, Media), f"seed {seed}"
    assert media.audio is not None or media.frames is not None, f"seed {seed}"
    assert 0 <= media.duration_s <= Limits().duration_most_s + 1, f"seed {seed}"
    for array, missing in ((media.audio, media.audio_missing), (media.frames, media.video_missing)):
        assert (array is None) == (missing is not None), f"seed {seed}"
    if media.audio is not None:
        assert np.isfinite(media.audio).all(), f"seed {seed}"
        assert np.abs(media.audio).max(initial=0.0) <= 1.0, f"seed {seed}"
    if media.frames is not None:
        assert len(media.frames) == len(media.frame_times_s) <= Limits().frames_most, f"seed {seed}"
        assert (np.diff(media.frame_times_s) >= 0).all(), f"seed {seed}"
