from pathlib import Path

import numpy as np
import pytest

from engine.errors import BadMedia
from engine.faces.mtcnn import load_mtcnn
from engine.faces.speaking import speaking_face
from engine.faces.track import MtcnnLocator
from engine.training.corpora.clip_faces import clip_faces
from engine.training.corpora.recordings import Recording

FACES = Path(__file__).parents[5] / "shared" / "data" / "faces"


@pytest.mark.skipif(not FACES.is_dir(), reason=f"the clips with faces are not at {FACES}")
def test_of_each_clip_the_speakers_face_or_why_there_is_none():
    names = ("grid_bbaf2n.mpg", "no_face.mp4", "grid_pwij3p.mpg")
    clips = [Recording(name=name, speaker="", label=at, path=FACES / name) for at, name in enumerate(names)]
    found = clip_faces(clips, locator=MtcnnLocator(detector=load_mtcnn()), speaking_face=speaking_face)
    assert found.indices == {"grid_bbaf2n.mpg": 0, "grid_pwij3p.mpg": 1}
    assert found.missing == {"no_face.mp4": "no face found"}
    assert found.faces.labels.tolist() == [0, 2]
    assert found.faces.images.shape == (2, 48, 48)
    # A face fills an aligned crop: eyes and mouth are darker than the skin between them.
    for image in found.faces.images.astype(float):
        eyes, nose, mouth = image[16:22, 10:38].min(), image[26:32, 20:28].mean(), image[34:42, 16:32].min()
        assert eyes < nose
        assert mouth < nose
        assert np.ptp(image) > 50


def test_no_clips_no_faces():
    found = clip_faces([], locator=MtcnnLocator(detector=load_mtcnn()), speaking_face=speaking_face)
    assert found.faces.images.shape == (0, 48, 48)


def test_a_clip_that_is_none_is_named(tmp_path):
    clip = tmp_path / "dia3_utt1.mp4"
    clip.write_bytes(b"no film at all, but not empty")
    broken = Recording(name="test/dia3_utt1.mp4", speaker="", label=0, path=clip)
    with pytest.raises(BadMedia, match=r"dia3_utt1\.mp4"):
        clip_faces([broken], locator=MtcnnLocator(detector=load_mtcnn()), speaking_face=speaking_face)
