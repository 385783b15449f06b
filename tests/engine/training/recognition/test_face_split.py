import numpy as np

from engine.training.corpora.fer2013 import Fer2013
from engine.training.recognition.data import repeated, split


def test_pictures_that_are_alike_lie_on_one_side(small_faces):
    faces = Fer2013(small_faces.data / "fer2013.npz").training
    sides = set()
    for seed in range(12):
        parts = split(faces, dev_share=0.5, seed=seed)
        counts = [sum(np.array_equal(image, faces.images[i]) for image in part.images for i in (3, 41)) for part in
                  (parts.train, parts.dev)]  # fmt: skip
        assert sorted(counts) == [0, 3]
        sides.add(counts.index(3))
    assert sides == {0, 1}


def test_every_picture_but_the_blank_one_is_in_one_part(small_faces):
    faces = Fer2013(small_faces.data / "fer2013.npz").training
    parts = split(faces, dev_share=0.2, seed=0)
    assert len(parts.train.labels) + len(parts.dev.labels) == 43
    assert 6 <= len(parts.dev.labels) <= 11
    both = np.concatenate((parts.train.images, parts.dev.images))
    assert (both.min(axis=(1, 2)) != both.max(axis=(1, 2))).all()


def test_the_same_seed_gives_the_same_parts(small_faces):
    faces = Fer2013(small_faces.data / "fer2013.npz").training
    one, two = (split(faces, dev_share=0.2, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.dev.images, two.dev.images)


def test_labels_stay_with_their_pictures(small_faces):
    faces = Fer2013(small_faces.data / "fer2013.npz").training
    label_of = {image.tobytes(): label for image, label in zip(faces.images[:40], faces.labels[:40], strict=True)}
    parts = split(faces, dev_share=0.2, seed=0)
    for part in (parts.train, parts.dev):
        for image, label in zip(part.images, part.labels, strict=True):
            expected = label_of.get(image.tobytes())
            assert expected is None or expected == label or np.array_equal(image, faces.images[3])


def test_a_repeated_picture_is_found_again_in_another_light(small_faces):
    faces = Fer2013(small_faces.data / "fer2013.npz")
    darker = (0.6 * faces.training.images[:2]).astype(np.uint8)
    images = np.concatenate((faces.public_test.images[:3], darker))
    assert repeated(images, faces.training.images).tolist() == [False, False, False, True, True]
