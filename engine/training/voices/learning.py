"""A voice classifier's training: stretches of augmented recordings, mixed, under a head for each corpus."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from engine.features.precision import computing
from engine.training.fitting.fit import Following, fit
from engine.training.recipe import VoiceAugmentation, VoiceTraining
from engine.training.voices.augmentation import Versions, mixup
from engine.training.voices.classifier import VoiceClassifier
from engine.training.voices.material import Corpus


def learn(
    classifier: VoiceClassifier,
    corpora: Sequence[Corpus],
    *,
    schedule: VoiceTraining,
    augmentation: VoiceAugmentation,
    seed: int,
    following: Following,
) -> None:
    """Train the classifier on the voices of its corpora; an interrupted call goes on to the same weights."""
    generator = Generator().manual_seed(seed)
    voices = [voice for corpus in corpora for voice in corpus.voices]
    spectrum = classifier.encoder.spectrum
    versions = Versions(voices, augmentation, spectrum, seed=seed)
    frames = round(schedule.crop_s * spectrum.sample_rate_hz / spectrum.hop_length)
    sizes = torch.tensor([len(corpus.classes) for corpus in corpora])
    corpus_of = torch.repeat_interleave(torch.arange(len(corpora)), torch.tensor([len(one.voices) for one in corpora]))
    labels = torch.tensor([voice.label for voice in voices]) + (sizes.cumsum(0) - sizes)[corpus_of]
    targets = F.one_hot(labels, int(sizes.sum())).float()

    def loss_of(chosen: Tensor) -> Tensor:
        heard = versions.stretches(chosen.tolist(), generator, frames=frames)
        corpus = corpus_of[chosen]
        heard, meant = mixup(heard, targets[chosen], corpus, beta=augmentation.mixup, generator=generator)
        heard, meant, corpus = (one.to(following.device) for one in (heard, meant, corpus))
        with computing("bfloat16", following.device):
            said = classifier(heard, torch.ones(heard.shape[:2], dtype=torch.bool, device=heard.device), corpus)
        return classifier.loss(said, meant, corpus, smoothing=schedule.label_smoothing)

    fit("voice", [classifier], loss_of, items=len(voices), schedule=schedule, generator=generator, following=following)
