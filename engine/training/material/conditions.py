"""Conditions: what of each corpus is measured, as it is and with something taken away or put under it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from engine.errors import ConfigurationError
from engine.faces.mtcnn import load_mtcnn
from engine.faces.speaking import speaking_face
from engine.faces.track import MtcnnLocator
from engine.training.corpora import acted, crema_d, emodb, fer2013, iemocap, manifest, meld, ravdess, scripted
from engine.training.corpora.base import NO_FACES, Dialogue, FaceSet, Labelled, Turn, Voice
from engine.training.corpora.clip_faces import clip_faces
from engine.training.corpora.recordings import voices as voices_of
from engine.training.material.babble import with_babble
from engine.training.material.batches import only

_BABBLE = "babble/"
_BABBLE_SEED = 0
_CALL_TURNS = 10


@dataclass(frozen=True, slots=True)
class Material:
    """The dialogues of each condition, and the media they name."""

    conditions: Mapping[str, Sequence[Dialogue]]
    voices: Iterable[Voice]
    faces: FaceSet


def material(corpus: str, data: Path) -> Material:
    """The held-out part of a corpus in `BY_NAME`, read under `data`, or the whole of a manifest.

    Raises `ConfigurationError`: it is not there, or is none of these.
    """
    if corpus in BY_NAME:
        found = BY_NAME[corpus](data)
        if not any(found.conditions.values()):
            raise ConfigurationError(f"corpus {corpus} has no turn to measure under {data}: is it unpacked there?")
        return replace(found, conditions={name: some for name, some in found.conditions.items() if some})
    if Path(corpus).is_file():
        own = manifest.read(Path(corpus), locator=MtcnnLocator(detector=load_mtcnn()), speaking_face=speaking_face)
        return Material({Path(corpus).stem: own.dialogues}, own.voices, own.faces)
    raise ConfigurationError(f"no corpus {corpus!r}: name one of {', '.join(BY_NAME)}, or a manifest")


def _scripted(data: Path) -> Material:
    table = data / "scripted" / "scripted_test.csv"
    clean, video40 = scripted.read(table), scripted.read(table, face_column="video40")
    voices = ravdess.read(data / "ravdess_speech_16k.tar", actors=scripted.ACTORS["test"])
    babble = (replace(voice, name=_BABBLE + voice.name) for voice in with_babble(voices, seed=_BABBLE_SEED))
    conditions = {
        "scripted test": clean,
        "scripted test, voices alone": _voices_alone(clean),
        "scripted test, faces alone": [tuple(only(turn, voice=False) for turn in one) for one in clean],
        "scripted test, video40": video40,
        "scripted test, video40 and voice30": scripted.read(table, face_column="video40", voice_column="voice30"),
        "scripted test, babble and video40": [tuple(map(_in_babble, one)) for one in video40],
    }
    return Material(conditions, chain(voices, babble), fer2013.Fer2013(data / "fer2013.npz").source("test"))


def _ravdess(data: Path) -> Material:
    voices = ravdess.read(data / "ravdess_speech_16k.tar", actors=scripted.ACTORS["test"])
    return Material({"RAVDESS actors 18-20": _alone(voices)}, voices, NO_FACES)


def _emodb(data: Path) -> Material:
    voices = emodb.read(data / "emodb_16k.tar", speakers=emodb.BUNDLED_SPEAKERS)
    conditions = {
        f"EmoDB speaker {speaker}": _alone([voice for voice in voices if voice.speaker == speaker])
        for speaker in sorted({voice.speaker for voice in voices})
    }
    calls = acted.dialogues(voices, turns=_CALL_TURNS, copies=1, seed=0)
    return Material({**conditions, "EmoDB, acted calls": calls}, voices, NO_FACES)


def _fer2013(data: Path) -> Material:
    faces = fer2013.Fer2013(data / "fer2013.npz").faces("test")
    turns = [(Turn(speaker="", label=int(y), voice=None, face=index),) for index, y in enumerate(faces.labels)]
    return Material({"FER2013 test part": turns}, [], faces)


def _crema_d(data: Path) -> Material:
    recordings = crema_d.read(data / "crema-d")
    return Material({"CREMA-D": _alone(recordings)}, voices_of(recordings), NO_FACES)


def _iemocap(data: Path) -> Material:
    seven = iemocap.read(data / "iemocap")
    conditions = {
        "IEMOCAP, seven emotions": [tuple(map(Turn.heard, turns)) for turns in seven.values()],
        "IEMOCAP, four emotions": [
            tuple(map(Turn.heard, turns)) for turns in iemocap.read(data / "iemocap", classes="four").values()
        ],
    }
    return Material(conditions, voices_of(chain(*seven.values())), NO_FACES)


def _meld(data: Path) -> Material:
    dialogues = list(meld.read(data / "meld", "test").values())
    locator = MtcnnLocator(detector=load_mtcnn())
    seen = clip_faces(chain(*dialogues), locator=locator, speaking_face=speaking_face)
    turns = [tuple(replace(Turn.heard(one), face=seen.indices.get(one.name)) for one in turns) for turns in dialogues]
    conditions = {"MELD test": turns, "MELD test, voices alone": _voices_alone(turns)}
    return Material(conditions, voices_of(chain(*dialogues)), seen.faces)


BY_NAME: Mapping[str, Callable[[Path], Material]] = {
    "scripted": _scripted,
    "ravdess": _ravdess,
    "emodb": _emodb,
    "fer2013": _fer2013,
    "crema-d": _crema_d,
    "iemocap": _iemocap,
    "meld": _meld,
}
"""The corpora that are known by name; the last three in folders of that name, as they are distributed."""


def _in_babble(turn: Turn) -> Turn:
    return turn if turn.voice is None else replace(turn, voice=_BABBLE + turn.voice)


def _voices_alone(dialogues: Sequence[Dialogue]) -> Sequence[Dialogue]:
    return [tuple(only(turn, voice=True) for turn in one) for one in dialogues]


def _alone(voices: Iterable[Labelled]) -> list[Dialogue]:
    return [(Turn.heard(voice),) for voice in voices]
