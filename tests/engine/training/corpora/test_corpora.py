from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ConfigurationError
from engine.faces.mtcnn import load_mtcnn
from engine.faces.speaking import speaking_face
from engine.faces.track import MtcnnLocator
from engine.training.corpora import emodb, fer2013, manifest, ravdess, scripted
from schemas.labels import EMOTIONS

DATA = Path(__file__).parents[5] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the shared corpora are not at {DATA}")


def read_manifest(path):
    return manifest.read(path, locator=MtcnnLocator(detector=load_mtcnn()), speaking_face=speaking_face)


@needs_data
def test_ravdess_has_sixty_recordings_an_actor():
    voices = ravdess.read(DATA / "ravdess_speech_16k.tar", actors=[18])
    counts = Counter(EMOTIONS[voice.label] for voice in voices)
    assert counts == {"neutral": 12} | dict.fromkeys(EMOTIONS[1:], 8)
    assert {(voice.speaker, voice.sex) for voice in voices} == {("18", "female")}
    assert all(voice.audio.dtype == np.float32 and 2.5 < len(voice.audio) / 16_000 < 6 for voice in voices)


@needs_data
def test_emodb_keeps_the_bundled_call_out_of_training():
    path = DATA / "emodb_16k.tar"
    with pytest.raises(ConfigurationError, match=r"\[12, 14\]"):
        emodb.read_training(path, speakers=[3, 12, 14])
    voices = emodb.read(path, speakers=[3])
    assert {voice.name[5] for voice in voices} <= set("WEAFTN")
    assert {(voice.speaker, voice.sex) for voice in voices} == {("03", "male")}
    assert all(EMOTIONS[voice.label] == "anger" for voice in voices if voice.name[5] == "W")


@needs_data
def test_fer2013_is_clean_and_the_scripted_dialogues_count_in_its_parts():
    fer = fer2013.Fer2013(DATA / "fer2013.npz")
    pictures = {part: {image.tobytes() for image in fer.faces(part).images} for part in ("train", "dev", "test")}
    assert not pictures["train"] & pictures["dev"]
    assert not pictures["train"] & pictures["test"]
    assert not pictures["dev"] & pictures["test"]
    for part in ("train", "dev", "test"):
        source = fer.source(part)
        for dialogue in scripted.read(DATA / "scripted" / f"scripted_{part}.csv"):
            for turn in dialogue:
                assert source.labels[turn.face] == turn.label


@needs_data
def test_scripted_parts_share_no_actor_and_the_harder_settings_lack_what_they_say():
    table = DATA / "scripted" / "scripted_dev.csv"
    dialogues = scripted.read(table)
    turns = [turn for dialogue in dialogues for turn in dialogue]
    assert len(dialogues) == 114
    assert len(turns) == 1109
    assert {int(turn.voice[18:20]) for turn in turns} <= set(scripted.ACTORS["dev"])
    harder = [t for d in scripted.read(table, face_column="video40", voice_column="voice30") for t in d]
    assert 0.5 < sum(turn.face is not None for turn in harder) / len(harder) < 0.7
    assert 0.6 < sum(turn.voice is not None for turn in harder) / len(harder) < 0.8


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("d,1,A,one.flac,,,boredom", "line 2: 'boredom' is none of"),
        ("d,1,A,two.flac,,,joy", "line 2: the medium"),
        ("d,1,A,one.flac,x,,joy", "line 2: start_s and end_s are seconds"),
        ("d,1,A,one.flac,nan,,joy", "line 2: start_s and end_s are seconds"),
        ("d,1,A,one.flac,,inf,joy", "line 2: start_s and end_s are seconds"),
        ("d,1,A,one.flac,-1,,joy", "line 2: start_s and end_s are seconds"),
    ],
)
def test_a_manifest_says_which_line_is_wrong(small_corpora, line, message):
    path = small_corpora.manifest
    path.write_text(f"dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion\n{line}\n")
    with pytest.raises(ConfigurationError, match=message):
        read_manifest(path)


def test_a_manifest_without_a_column_is_refused(small_corpora):
    small_corpora.manifest.write_text("dialogue_id,speaker\nd,A\n")
    with pytest.raises(ConfigurationError, match=r"no column utterance_id, media"):
        read_manifest(small_corpora.manifest)


def test_a_manifest_may_rate_valence_and_arousal(small_corpora):
    head = "dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion,valence,arousal\n"
    small_corpora.manifest.write_text(f"{head}d,1,A,one.flac,,,joy,0.5,\nd,2,B,one.flac,,,joy,,-1\n")
    found = read_manifest(small_corpora.manifest)
    (dialogue,), voices = found.dialogues, found.voices
    assert [(turn.valence, turn.arousal) for turn in dialogue] == [(0.5, None), (None, -1.0)]
    assert [(voice.valence, voice.arousal) for voice in voices] == [(0.5, None), (None, -1.0)]
    for wrong in ("3", "much"):
        small_corpora.manifest.write_text(f"{head}d,1,A,one.flac,,,joy,0,{wrong}\n")
        with pytest.raises(ConfigurationError, match=rf"line 2: arousal '{wrong}' is no number in \[-1, 1\]"):
            read_manifest(small_corpora.manifest)


def test_a_manifest_may_say_the_sex_and_the_language_of_a_voice(small_corpora):
    head = "dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion,sex,language\n"
    small_corpora.manifest.write_text(f"{head}d,1,A,one.flac,,,joy,Female,\nd,2,B,one.flac,,,joy,,Quechua\n")
    found = read_manifest(small_corpora.manifest)
    for said in (found.dialogues[0], found.voices):
        assert [(one.sex, one.language) for one in said] == [("female", None), (None, "Quechua")]
    small_corpora.manifest.write_text(f"{head}d,1,A,one.flac,,,joy,f,\n")
    with pytest.raises(ConfigurationError, match=r"line 2: sex 'f' is none of female, male; or leave it empty"):
        read_manifest(small_corpora.manifest)
