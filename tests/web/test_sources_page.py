"""La page « Deux sources » : spectrogrammes, masques et mesures sont ceux de l'exercice 20."""

import base64

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from convnets.core.paths import MODELS_DIR
from exercises.ex20_source_separation import spectrograms
from exercises.ex20_source_separation.baselines import ideal_masks
from tests.web.node import needs_node, run_script
from web.networks import read_networks
from web.sounds import mixtures

SLUG = "ex20_source_separation"
pytestmark = needs_node


@pytest.fixture(scope="module")
def sources():
    samples = [np.frombuffer(base64.b64decode(each), "<i2") for each in mixtures()[1]["sources"]]
    return np.stack(samples)[:, :6000] / np.float32(32767)


@pytest.fixture(scope="module")
def heard(sources):
    """Ce que la page calcule d'un mélange : modules, masque idéal, sons séparés, rapports."""
    return run_script(
        "const [melody, percussion] = given.sources.map((each) => Float32Array.from(each));"
        "const mixture = melody.map((value, i) => value + percussion[i]);"
        "const whole = spectrogram.stft(mixture);"
        "const sizes = [melody, percussion].map((each) =>"
        " spectrogram.magnitudes(spectrogram.stft(each)));"
        "const mask = spectrogram.idealMask(...sizes);"
        "const found = spectrogram.applyMask(whole, mask, mixture.length);"
        "const input = spectrogram.networkInput(spectrogram.magnitudes(whole));"
        "const [network] = Object.values(layers.readNetworks(given.networks));"
        "const read = await separator.findMask(network, input);"
        "console.log(JSON.stringify({frames: whole.frames, sdr: spectrogram.siSdr(found, melody),"
        " ...Object.fromEntries(Object.entries({mask, found, input, read})"
        ".map(([name, each]) => [name, Array.from(each)]))}));",
        {"sources": sources.tolist(), "networks": read_networks(MODELS_DIR / f"{SLUG}.keras")},
    )


def test_the_spectrogram_is_the_exercise_s(sources, heard):
    expected = spectrograms.network_input(spectrograms.stft(sources.sum(0))[np.newaxis])
    assert heard["frames"] == expected.shape[1]
    assert abs(np.array(heard["input"]) - expected.ravel()).max() < 1e-4


def test_an_ideal_mask_separates_as_in_the_exercise(sources, heard):
    masks = ideal_masks(spectrograms.stft(sources)[np.newaxis])
    assert abs(np.array(heard["mask"]) - masks.ravel()).max() < 1e-3
    mixture = spectrograms.stft(sources.sum(0))[np.newaxis]
    [[melody, _]] = spectrograms.apply_masks(mixture, masks, sources.shape[1])
    assert abs(np.array(heard["found"]) - melody).max() < 1e-4
    assert heard["sdr"] == pytest.approx(spectrograms.si_sdr(melody, sources[0]), abs=0.01)


def test_the_network_reads_the_mask_of_its_export(heard):
    runner = Interpreter(str(MODELS_DIR / f"{SLUG}.tflite")).get_signature_runner()
    given = np.array(heard["input"], np.float32).reshape(1, -1, spectrograms.NUM_BINS, 1)
    [expected] = runner(**{next(iter(runner.get_input_details())): given}).values()
    assert abs(np.array(heard["read"]) - expected.ravel()).max() < 1e-3


def test_a_mask_and_its_opposite_give_the_sound_back():
    found = run_script(
        "const sound = Float32Array.from(given);"
        "const whole = spectrogram.stft(sound), mask = whole.re.map((_, i) => i % 7 / 7);"
        "const both = [mask, mask.map((value) => 1 - value)].map((each) =>"
        " spectrogram.applyMask(whole, each, sound.length));"
        "console.log(JSON.stringify(Array.from(both[0], (value, i) => value + both[1][i])));",
        (sound := np.random.default_rng(0).normal(size=1500)).tolist(),
    )
    assert abs(np.array(found) - sound).max() < 1e-5
