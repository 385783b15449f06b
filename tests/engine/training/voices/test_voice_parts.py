import numpy as np
import pytest
import torch

from engine.errors import ConfigurationError
from engine.features.builders import audio_encoder
from engine.features.spectral import LogMel
from engine.features.voice import standardise
from engine.training.corpora.base import Voice
from engine.training.recipe import FOLDER, VoiceAugmentation
from engine.training.voices.augmentation import Versions, mixup
from engine.training.voices.classifier import VoiceClassifier, learned_encoder
from engine.training.voices.conditions import CONDITIONS
from engine.training.voices.material import RAVDESS_CLASSES, read, trimmed
from engine.training.voices.recipe import describes, load

NUMBERS = {"name": "voice-residual", "n_mels": 16, "n_fft": 512, "win_length": 512, "hop_length": 320}
NUMBERS |= {"top_db": 60.0, "channels": [4, 6], "width": 8}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def voices():
    rng = np.random.default_rng(0)
    lengths = (5000, 3000, 9000, 4000)
    return [
        Voice(name=f"v{n}", speaker="ab"[n % 2], label=0, audio=(0.1 * rng.normal(size=size)).astype(np.float32))
        for n, size in enumerate(lengths)
    ]


def classifier():
    torch.manual_seed(0)
    return VoiceClassifier(audio_encoder(NUMBERS), classes=[3, 2], dropout=0.0).eval()


def test_silence_is_cut_off_both_ends_and_a_pause_stays():
    loud = 0.1 * np.ones(8000, dtype=np.float32)
    quiet = np.zeros(16_000, dtype=np.float32)
    kept = trimmed(np.concatenate((quiet, loud, quiet[:3200], loud, quiet)))
    assert len(kept) == 1600 + 8000 + 3200 + 8000 + 1600
    assert np.array_equal(trimmed(loud), loud)
    assert len(trimmed(loud[:100])) == 100
    assert len(trimmed(quiet)) == len(quiet)


def test_calm_is_a_class_of_its_own_and_boredom_is_none(small_recipe, small_corpora):
    ravdess, emodb = read(load(small_recipe).corpora, data=small_corpora.folder)
    for voice in ravdess.voices:
        assert ravdess.classes[voice.label] == RAVDESS_CLASSES[int(voice.name[6:8]) - 1]
    assert "calm" not in emodb.classes
    letters = {"W": "anger", "E": "disgust", "A": "fear", "F": "joy", "T": "sadness", "N": "neutral"}
    assert all(emodb.classes[voice.label] == letters[voice.name[5]] for voice in emodb.voices)


def test_a_class_of_another_corpus_is_never_said():
    frames, mask = torch.randn(4, 20, 16, generator=generator()), torch.ones(4, 20, dtype=torch.bool)
    corpus = torch.tensor([0, 1, 0, 1])
    with torch.no_grad():
        chances = classifier()(frames, mask, corpus).exp()
    assert torch.equal(chances[corpus == 0][:, 3:], torch.zeros(2, 2))
    assert torch.equal(chances[corpus == 1][:, :3], torch.zeros(2, 3))
    torch.testing.assert_close(chances.sum(dim=1), torch.ones(4))


def test_the_loss_is_smoothed_cross_entropy_over_the_classes_of_a_corpus():
    model, corpus = classifier(), torch.tensor([0, 1])
    logits = torch.randn(2, 5, generator=generator())
    said = logits.masked_fill(~model.belongs[corpus], -1e4).log_softmax(dim=1)
    targets = torch.eye(5)[[2, 3]]
    expected = torch.stack(
        [
            torch.nn.functional.cross_entropy(logits[0, :3], torch.tensor(2), label_smoothing=0.1),
            torch.nn.functional.cross_entropy(logits[1, 3:], torch.tensor(0), label_smoothing=0.1),
        ]
    ).mean()
    torch.testing.assert_close(model.loss(said, targets, corpus, smoothing=0.1), expected)


def test_a_longer_batch_and_a_gain_change_no_answer():
    model = classifier()
    wave = 0.05 * torch.randn(1, 8000, generator=generator())
    padded = torch.cat((3 * wave, torch.zeros(1, 5000)), dim=1)
    said = []
    for audio in (wave, padded):
        mask = torch.arange(audio.shape[1])[None] < 8000
        with torch.no_grad():
            tokens, real = model.encoder.extract(audio, mask)
        said.append(tokens[real])
    torch.testing.assert_close(*said, atol=1e-4, rtol=1e-4)


def test_silence_around_a_voice_changes_no_token():
    encoder = classifier().encoder
    voice, quiet = 0.05 * torch.randn(1, 9600, generator=generator()), torch.zeros(1, 6400)
    said = []
    for audio in (torch.cat((quiet, voice, quiet), dim=1), torch.cat((quiet, quiet, voice, quiet, quiet), dim=1)):
        with torch.no_grad():
            tokens, real = encoder.extract(audio, torch.ones_like(audio, dtype=torch.bool))
        assert bool(real.all())
        said.append(tokens)
    torch.testing.assert_close(*said, atol=1e-4, rtol=1e-4)
    assert said[0].shape[1] < 22_400 // 320 // 2


def test_mixup_stays_within_a_corpus_and_keeps_the_larger_share():
    frames = torch.arange(6.0)[:, None, None].expand(6, 2, 2)
    targets = torch.eye(6)
    groups = torch.tensor([0, 1, 0, 1, 0, 1])
    mixed, said = mixup(frames, targets, groups, beta=0.5, generator=generator())
    assert bool((said.diagonal() >= 0.5).all())
    torch.testing.assert_close(said.sum(dim=1), torch.ones(6))
    assert not bool(said[groups == 0][:, groups == 1].any())
    torch.testing.assert_close(mixed[:, 0, 0], said @ torch.arange(6.0))
    unmixed = mixup(frames, targets, groups, beta=0, generator=generator())
    assert torch.equal(unmixed[0], frames)


@pytest.mark.parametrize("option", ["speed", "noise", "babble", "reverberation", "telephone"])
def test_every_option_changes_the_versions_and_the_seed_says_how(option):
    def made(numbers, seed=0):
        versions = Versions(voices(), numbers, LogMel(n_mels=16), seed=seed)
        return versions.stretches([0, 1, 2], generator(), frames=30)

    changing = VoiceAugmentation(**{option: 0.9}, versions=2)
    plain, first = made(VoiceAugmentation(versions=2)), made(changing)
    assert first.shape == plain.shape == (3, 30, 16)
    assert torch.isfinite(first).all()
    assert torch.equal(first, made(changing))
    assert not torch.equal(first, plain)


def test_without_options_a_stretch_is_of_the_recording_itself_over_and_over():
    recordings, spectrum = voices(), LogMel(n_mels=16)
    stretch = Versions(recordings, VoiceAugmentation(), spectrum, seed=0).stretches([1], generator(), frames=30)
    wave = torch.from_numpy(recordings[1].audio)[None]
    decibels = spectrum.extract(wave, torch.ones_like(wave, dtype=torch.bool))[0]
    twice = decibels.half().float().repeat(1, 2, 1)
    real = torch.ones(1, 30, dtype=torch.bool)
    starts = range(twice.shape[1] - 29)
    assert any(torch.equal(stretch, standardise(twice[:, start : start + 30], real)) for start in starts)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_what_a_voice_is_heard_under_does_not_change_from_call_to_call(condition):
    everybody = voices()
    first, again = (list(CONDITIONS[condition](everybody[:2], everybody)) for _ in range(2))
    assert [voice.name for voice in first] == ["v0", "v1"]
    for one, other, plain in zip(first, again, everybody, strict=False):
        assert np.array_equal(one.audio, other.audio)
        assert one.audio.shape == plain.audio.shape
        assert np.array_equal(one.audio, plain.audio) == (condition == "clean")


def test_an_encoder_that_is_not_learned_here_is_refused():
    with pytest.raises(ConfigurationError, match="logmel"):
        learned_encoder({"name": "logmel", "n_mels": 16, "n_fft": 512, "win_length": 400, "hop_length": 160})


@pytest.mark.parametrize(
    ("line", "message"),
    [("folds = 1", "greater than or equal to 2"), ('name = "guess"', "speakers"), ("seeed = 1", "seeed")],
)
def test_a_recipe_that_is_wrong_is_named(small_recipe, line, message):
    small_recipe.write_text(small_recipe.read_text().replace('name = "speakers"\nfolds = 3', line))
    with pytest.raises(ConfigurationError, match=message):
        load(small_recipe)


def test_a_recipe_without_corpora_is_refused(small_recipe):
    text = small_recipe.read_text().replace('ravdess = "ravdess_speech_16k.tar"\nemodb = "emodb_16k.tar"\n', "")
    small_recipe.write_text(text)
    with pytest.raises(ConfigurationError, match="name ravdess, emodb, or both"):
        load(small_recipe)


def test_the_recipe_that_comes_with_turntone_is_read():
    assert describes(FOLDER / "voice.toml")
    assert not describes(FOLDER / "default.toml")
    assert load(FOLDER / "voice.toml").protocol.name == "speakers"
