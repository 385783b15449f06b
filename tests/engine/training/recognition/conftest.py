from types import SimpleNamespace

import numpy as np
import pytest

FER_NAMES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")

SEEN = {"efficientface": "side = 32\ncrop = 24\n", "dan": "side = 16\ncrop = 16\n"}
ENCODERS = {
    "efficientface": 'name = "efficientface"\nside = 32\ncrop = 24\ngrey = true\nmirrored = true\nstem_stride = 2\n',
    "dan": 'name = "dan"\nside = 16\ncrop = 16\ngrey = true\nmirrored = true\nheads = 2\nstem_stride = 2\nwidth = 24\n',
}


@pytest.fixture
def small_faces(tmp_path):
    """A recipe of each network and 44 noise pictures in FER2013's layout, a few of them alike, one blank."""
    rng = np.random.default_rng(0)
    train = rng.integers(0, 255, (44, 48, 48), dtype=np.uint8)
    train[40] = train[3]
    train[41] = np.clip(train[3].astype(int) + 9, 0, 255)
    train[42] = 7
    data = tmp_path / "data"
    data.mkdir()
    np.savez(
        data / "fer2013.npz",
        label_names=np.array(FER_NAMES),
        train_image=train,
        train_label=np.arange(44, dtype=np.int64) % 7,
        valid_image=rng.integers(0, 255, (14, 48, 48), dtype=np.uint8),
        valid_label=np.arange(14, dtype=np.int64) % 7,
    )
    recipes = {}
    for name, encoder in ENCODERS.items():
        recipes[name] = tmp_path / f"{name}.toml"
        recipes[name].write_text(
            f'name = "{name}"\nseed = 0\n[data]\nfer2013 = "fer2013.npz"\ndev_share = 0.2\n[face_encoder]\n{encoder}'
            "[training]\naugmentation = 0.5\nbatch = 8\n"
            "weight_decay = 1e-2\nlabel_smoothing = 0.1\n"
            "average = 0.9\nhalf = false\n"
            "[[training.cycles]]\nside = 16\ncrop = 16\nepochs = 2\nwarm_up = 0.3\nlearning_rate = 1e-3\n"
            f"[[training.cycles]]\n{SEEN[name]}epochs = 1\nwarm_up = 0.3\nlearning_rate = 5e-4\n"
            "[losses]\naffinity = 1.0\npartition = 1.0\n"
        )
    return SimpleNamespace(data=data, recipes=recipes)
