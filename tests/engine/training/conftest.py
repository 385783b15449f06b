import io
import tarfile
from types import SimpleNamespace

import av
import numpy as np
import pytest

RATE = 16_000
FER_NAMES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def flac(audio):
    """Samples as the bytes of a FLAC file."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray((audio * 32767).astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return buffer.getvalue()


def tone(hz, seconds=0.4):
    return (0.4 * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def archive(path, files):
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


@pytest.fixture
def small_corpora(tmp_path):
    """A few tones and noise pictures under the names of the real corpora, in their layouts."""
    return make_corpora(tmp_path)


@pytest.fixture(scope="module")
def shared_corpora(tmp_path_factory):
    """The same for a whole file: nothing in it may be changed."""
    return make_corpora(tmp_path_factory.mktemp("corpora"))


def make_corpora(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "data"
    (folder / "scripted").mkdir(parents=True)
    names = [f"03-01-{e:02d}-01-01-01-{a:02d}.flac" for a in (1, 2, 15, 18, 19) for e in range(1, 9)]
    archive(
        folder / "ravdess_speech_16k.tar",
        {f"Actor/{n}": flac(tone(150 + 90 * int(n[6:8]) + int(n[18:20]))) for n in names},
    )
    german = [f"{speaker:02d}a01{letter}a.flac" for speaker in (3, 13, 14) for letter in "WLEAFTN"]
    archive(folder / "emodb_16k.tar", {n: flac(tone(100 + 3 * ord(n[5]))) for n in german})
    labels = np.arange(28, dtype=np.int64) % 7
    np.savez(
        folder / "fer2013.npz",
        label_names=np.array(FER_NAMES),
        train_image=rng.integers(0, 255, (28, 48, 48), dtype=np.uint8),
        train_label=labels,
        valid_image=rng.integers(0, 255, (28, 48, 48), dtype=np.uint8),
        valid_label=labels,
    )
    emotions = ["neutral", "neutral", "joy", "sadness", "anger", "fear", "disgust", "surprise"]
    head = "dialogue_id,utterance_id,speaker,emotion,actor,ravdess_file,fer_index,video40,voice30"
    for split, actor in (("train", "01"), ("dev", "15"), ("test", "18")):
        takes = [name for name in names if name.endswith(f"-{actor}.flac")]
        rows = [
            f"{d},{u},{'AB'[u % 2]},{emotion},{actor},{takes[u]},{(d + u) % 28},{u % 2},{(u + d) % 2}"
            for d in range(3)
            for u, emotion in enumerate(emotions)
        ]
        (folder / "scripted" / f"scripted_{split}.csv").write_text("\n".join([head, *rows]) + "\n")
    return SimpleNamespace(
        folder=folder, recipe=_recipe(tmp_path / "small.toml"), manifest=_manifest(tmp_path / "manifest.csv")
    )


def _manifest(path):
    """Two turns with a voice, and one without."""
    path.with_name("one.flac").write_bytes(flac(tone(300)))
    path.write_text(
        "dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion\n"
        "d,1,A,one.flac,,,joy\nd,2,B,one.flac,0.1,0.3,anger\nd,3,B,,,,anger\n"
    )
    return path


def _recipe(path):
    path.write_text("""
name = "small"
seed = 0
[corpora]
ravdess = "ravdess_speech_16k.tar"
emodb = "emodb_16k.tar"
fer2013 = "fer2013.npz"
scripted = "scripted"
[speakers]
ravdess_train = [1, 2]
ravdess_dev = [15]
emodb_train = [3]
emodb_dev = [13]
[voice]
n_mels = 16
n_fft = 512
win_length = 400
hop_length = 160
top_db = 60.0
channels = [4, 4]
width = 8
[voice_training]
crop_s = 0.3
epochs = 1
batch = 8
learning_rate = 1e-3
weight_decay = 1e-2
label_smoothing = 0.1
dropout = 0.1
[face]
channels = [4, 4, 4, 4]
depths = [1, 1, 1, 1]
width = 8
[face_training]
epochs = 1
batch = 8
learning_rate = 1e-3
weight_decay = 1e-2
label_smoothing = 0.1
dropout = 0.1
[fusion]
width = 8
dropout = 0.1
[dialogue]
dropout = 0.1
[dialogue_training]
epochs = 2
batch = 2
learning_rate = 1e-3
weight_decay = 1e-3
label_smoothing = 0.0
versions = 2
acted_turns = 4
acted_copies = 1
token_noise = 0.1
audio_missing = 0.2
video_missing = 0.2
one_modality = 0.3
participant_missing = 0.5
[calibration]
coverage = 0.95
""")
    return path
