"""What a folder of enrolled voices must not keep, and must not keep quiet about."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from engine.clock import ManualClock
from engine.errors import StoreUnavailable
from engine.state.voices_file import FileVoices
from schemas.voice import EnrolledVoice

ANN = EnrolledVoice(
    name="ann",
    centroid=bytes(8),
    seconds=12.0,
    embedding="m1",
    consent_at=datetime(2023, 11, 1, tzinfo=UTC),
    expires_at=datetime(2023, 11, 1, tzinfo=UTC) + timedelta(days=90),
)


def fails(*_, **__):
    raise OSError(28, "No space left on device")


def test_a_voice_that_could_not_be_written_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StoreUnavailable, match="No space left"):
        FileVoices(folder=tmp_path, clock=ManualClock()).keep(ANN)
    assert list(tmp_path.iterdir()) == []


def test_a_voice_whose_writing_was_killed_goes_with_its_name(tmp_path, monkeypatch):
    store = FileVoices(folder=tmp_path, clock=ManualClock())
    store.keep(ANN)
    with monkeypatch.context() as killed:
        killed.setattr("pathlib.Path.replace", fails)
        killed.setattr("pathlib.Path.unlink", fails)
        with pytest.raises(StoreUnavailable):
            store.keep(ANN)
    assert len(list(tmp_path.iterdir())) == 2
    assert store.voices() == (ANN,)
    assert store.delete("ann")
    assert list(tmp_path.iterdir()) == []
    assert not store.delete("ann")


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(tmp_path):
    folder = tmp_path / "voices"
    folder.write_bytes(b"")
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        FileVoices(folder=folder, clock=ManualClock()).voices()


def test_a_voice_that_has_expired_and_cannot_be_deleted_is_known_to_nobody(tmp_path, monkeypatch):
    clock = ManualClock()
    store = FileVoices(folder=tmp_path, clock=clock)
    store.keep(ANN)
    clock.advance(91 * 86_400.0)
    monkeypatch.setattr("pathlib.Path.unlink", fails)
    with pytest.raises(StoreUnavailable, match="cannot be deleted"):
        store.voices()
