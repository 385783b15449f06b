from simulators.clips import load
from simulators.folder import open_corpus
from simulators.samples import CALL, EMODB_SPEAKERS, GRID_CLIPS, MEETING
from simulators.transcode import has_picture


def turns(folder):
    (dialogue,) = open_corpus(folder).dialogues
    return dialogue.utterances


def test_the_call_has_two_parties_and_many_feelings():
    call = turns(CALL)
    assert len(call) >= 20
    assert {turn.role for turn in call} == {"agent", "customer"}
    assert len({turn.emotion for turn in call if turn.role == "customer"}) >= 4
    assert {turn.media.name[:2] for turn in call} == EMODB_SPEAKERS
    assert len({turn.media for turn in call}) == len(call)


def test_the_meeting_is_seen_and_heard():
    meeting = turns(MEETING)
    assert len(meeting) >= 16
    assert {turn.media.stem for turn in meeting} == GRID_CLIPS
    assert len({turn.speaker for turn in meeting}) == len(GRID_CLIPS)
    assert {turn.emotion for turn in meeting} == {"neutral"}
    assert all(has_picture(turn.media) for turn in meeting)


def test_repeats_are_declared():
    lines = (MEETING / "manifest.csv").read_text().splitlines()[1:]
    media = [line.split(",")[3] for line in lines]
    repeats = [line.split(",")[8] for line in lines]
    firsts = {name: f"t{media.index(name) + 1:02}" for name in media}
    assert repeats == ["" if firsts[name] == f"t{n:02}" else firsts[name] for n, name in enumerate(media, start=1)]


def test_every_clip_loads_and_has_its_length():
    for turn in (*turns(CALL), *turns(MEETING)):
        clip = load(turn)
        assert 1.5 < clip.duration_s < 3.5
        assert clip.content_type in {"audio/flac", "video/mp4"}


def test_attribution_lies_beside_them():
    assert "CC0" in (CALL / "README.md").read_text()
    assert "CC BY 4.0" in (MEETING / "README.md").read_text()
