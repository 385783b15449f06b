"""What only one of the stores of enrolled voices does, and how the engine reads them."""

import stat
from datetime import UTC, datetime, timedelta

import fakeredis
import numpy as np
import pytest

from engine.clock import ManualClock
from engine.enrolled import REFRESH_S, EnrolledVoices
from engine.errors import ConfigurationError, SnapshotMismatch, StoreUnavailable
from engine.state.voices_file import FileVoices
from engine.state.voices_memory import MemoryVoices
from engine.state.voices_redis import RedisVoices
from schemas.voice import EnrolledVoice

CENTROID = np.array([0.6, 0.8], np.float32)


def voice(name: str = "ann", **changes) -> EnrolledVoice:
    fields = {
        "name": name,
        "centroid": CENTROID.astype("<f4").tobytes(),
        "seconds": 12.0,
        "embedding": "m1",
        "consent_at": datetime(2023, 11, 1, tzinfo=UTC),
        "expires_at": datetime(2023, 11, 1, tzinfo=UTC) + timedelta(days=90),
    }
    return EnrolledVoice.model_validate({**fields, **changes})


def test_files_are_their_owners_alone_and_their_names_say_nothing(tmp_path):
    store = FileVoices(folder=tmp_path / "deep" / "voices", clock=ManualClock())
    store.keep(voice())
    (path,) = (tmp_path / "deep" / "voices").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "ann" not in path.name


def test_an_expired_file_is_deleted(tmp_path):
    clock = ManualClock()
    store = FileVoices(folder=tmp_path, clock=clock)
    store.keep(voice())
    clock.advance(91 * 86_400.0)
    assert store.voices() == ()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_holds_no_voice_is_named_and_can_be_deleted(tmp_path):
    store = FileVoices(folder=tmp_path, clock=ManualClock())
    store.keep(voice("ann"))
    (path,) = tmp_path.iterdir()
    path.write_bytes(b'{"name": "ann"}')
    with pytest.raises(SnapshotMismatch) as caught:
        store.voices()
    assert path.name in str(caught.value)
    assert caught.value.__suppress_context__
    assert store.delete("ann") is True


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path):
    (tmp_path / "voices").write_text("a file is in the way")
    with pytest.raises(StoreUnavailable, match="cannot be kept"):
        FileVoices(folder=tmp_path / "voices", clock=ManualClock()).keep(voice())


def test_the_server_deletes_what_expires():
    client = fakeredis.FakeRedis()
    store = RedisVoices(client=client, clock=ManualClock())
    store.keep(voice())
    left_ms = (voice().expires_at.timestamp() - ManualClock().wall_s()) * 1000
    assert 0 < client.pttl("turntone:voice:ann") <= left_ms
    client.delete("turntone:voice:ann")
    assert store.voices() == ()


def test_a_server_that_is_away_is_unavailable():
    store = RedisVoices.connect("redis://127.0.0.1:1/0", clock=ManualClock())
    for act in (store.voices, lambda: store.keep(voice()), lambda: store.delete("ann")):
        with pytest.raises(StoreUnavailable):
            act()
    store.close()


def test_a_value_that_is_no_voice_is_refused():
    client = fakeredis.FakeRedis()
    store = RedisVoices(client=client, clock=ManualClock())
    store.keep(voice())
    client.set("turntone:voice:ann", b"{}")
    with pytest.raises(SnapshotMismatch, match="enrol it again"):
        store.voices()
    assert store.delete("ann")


def test_voices_are_read_once_and_again_when_they_are_old():
    clock = ManualClock()
    store = MemoryVoices(clock=clock)
    known = EnrolledVoices(store=store, embedding="m1", clock=clock)
    assert known.current().centroids == {}
    store.keep(voice(role="customer"))
    clock.advance(REFRESH_S / 2)
    assert known.current().centroids == {}
    clock.advance(REFRESH_S / 2)
    np.testing.assert_array_equal(known.current().centroids["ann"], CENTROID)
    assert known.current().roles == {"ann": "customer"}
    store.delete("ann")
    clock.advance(REFRESH_S)
    assert known.current().roles == {}


def test_a_voice_of_another_embedding_model_is_refused_without_its_name():
    clock = ManualClock()
    store = MemoryVoices(clock=clock)
    store.keep(voice("Zora"))
    with pytest.raises(ConfigurationError, match="learned with the embedding model m1, and this is m2") as caught:
        EnrolledVoices(store=store, embedding="m2", clock=clock).current()
    assert "Zora" not in str(caught.value)


def test_without_a_store_nobody_is_known():
    assert EnrolledVoices(store=None, embedding="m1", clock=ManualClock()).current().centroids == {}


def test_a_voice_does_not_show_its_numbers():
    assert "centroid" not in repr(voice())
