import numpy as np
import torch

from engine.training.ablation.material import of_banks, of_features
from engine.training.corpora.base import Turn
from engine.training.corpora.featured import FeaturedTurns
from engine.training.material.tokens import TokenBank


def turns(audio, face, dialogues):
    count = len(audio)
    return FeaturedTurns(
        audio=np.asarray(audio, np.float32),
        face=np.asarray(face, np.float32),
        labels=np.arange(count),
        speakers=np.array(["A", "B", "A", "B"][:count]),
        dialogues=np.asarray(dialogues),
        utterances=np.arange(count),
    )


def test_tokens_are_scaled_by_the_training_part():
    train = turns([[0, 5], [2, 5], [4, 5]], [[1], [np.nan], [3]], [0, 0, 1])
    test = turns([[6, 5]], [[np.nan]], [7])
    material = of_features(train, test, face=True)
    batch = material.train.tokens.plain(material.train.dialogues)
    assert batch.audio[:, 0, 0].mean() == 0
    torch.testing.assert_close(batch.audio[:, 0, 0].std(correction=0), torch.tensor(1.0))
    assert batch.audio[:, 0, 1].tolist() == [0, 0, 0]
    assert batch.video_mask.any(dim=1).tolist() == [True, False, True]
    assert batch.video[batch.video_mask].flatten().tolist() == [-1, 1]
    assert batch.lengths.tolist() == [2, 1]
    other = material.test.tokens.plain(material.test.dialogues)
    torch.testing.assert_close(other.audio[0, 0, 0], torch.tensor(4 / (8 / 3) ** 0.5))
    assert not other.video_mask.any()


def test_without_faces_no_turn_has_one():
    part = turns([[0], [2]], [[1], [3]], [0, 0])
    material = of_features(part, part, face=False)
    assert not material.test.tokens.plain(material.test.dialogues).video_mask.any()
    assert material.dev is None


def test_parts_of_encoded_media_keep_their_own_faces():
    def part(value):
        bank = TokenBank(
            voices={"a": [torch.tensor([[value], [value + 2]]), torch.zeros(1, 1)]},
            faces={0: torch.tensor([[[value], [value + 4]], [[0.0], [0.0]]])},
        )
        return [(Turn(speaker="A", label=2, voice="a", face=0),)], bank

    material = of_banks(part(1.0), part(2.0), part(3.0))
    assert material.dev is not None
    for one, shift in ((material.train, 0), (material.dev, 1), (material.test, 2)):
        batch = one.tokens.plain(one.dialogues)
        assert batch.audio.flatten().tolist() == [-1 + shift, 1 + shift]
        assert batch.video.flatten().tolist() == [-1 + shift / 2, 1 + shift / 2]
        assert one.labels.tolist() == [2]
