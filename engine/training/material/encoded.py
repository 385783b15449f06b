"""Material encoded: the tokens of everything that its dialogues name, behind the turns that ask for them."""

from itertools import chain

from engine.features.base import FeatureExtractor
from engine.training.material import tokens
from engine.training.material.batches import Assembler
from engine.training.material.conditions import Material
from engine.training.recipe import EVERY_LOOK, FaceAugmentation, VoiceAugmentation


def encoded(
    material: Material,
    *,
    voice: FeatureExtractor,
    face: FeatureExtractor,
    versions: int = 1,
    seed: int = 0,
    augmentation: VoiceAugmentation | None = None,
    looks: FaceAugmentation = EVERY_LOOK,
) -> Assembler:
    """Every voice and every face of all conditions through both encoders, as `tokens.fill` has it."""
    dialogues = chain.from_iterable(material.conditions.values())
    bank = tokens.fill(
        voice_encoder=voice,
        face_encoder=face,
        voices=material.voices,
        faces=material.faces,
        face_indices=[turn.face for one in dialogues for turn in one if turn.face is not None],
        versions=versions,
        seed=seed,
        augmentation=augmentation,
        looks=looks,
    )
    return Assembler(bank=bank, audio_width=voice.width, video_width=face.width)
