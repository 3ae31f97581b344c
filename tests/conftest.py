"""Ce que plusieurs tests partagent : extraits réels, lancement de `./predict`."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import unix

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
REPO = Path(__file__).resolve().parents[1]
CI_FOLDERS = ("cluster", "web")  # des processus, et des paquets que requirements.txt n'a pas


def load_extract(name):
    with np.load(REPO / "tests" / "extracts" / f"{name}_test.npz") as file:
        return file["x"], file["y"]


@pytest.fixture(scope="session", autouse=True)
def unpacked_once(tmp_path_factory):
    """Les modèles livrés ne sont décompressés qu'une fois : bzip2 prend une seconde chacun."""
    import shutil

    import convnets.serving.command  # noqa: F401 : il retient MODELS_DIR, qu'un test remplace
    from convnets.core.paths import MODELS_DIR
    from convnets.training import saving

    rezip, folder = saving._rezip, tmp_path_factory.mktemp("modeles")

    def unpack(source, target, compression):
        if source.parent != MODELS_DIR:
            return rezip(source, target, compression)
        kept = folder / f"{source.name}.{source.stat().st_mtime_ns}"
        if not kept.exists():
            rezip(source, kept, compression)
        return shutil.copyfile(kept, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "_rezip", unpack)
        yield


@pytest.fixture
def repo():
    return REPO


@pytest.fixture
def extract():
    """extract("cifar10") -> x uint8, y uint8 : 400 images de test, dans l'ordre."""
    return load_extract


@pytest.fixture
def as_dataset():
    """Un jeu complet en miniature : 300 images pour apprendre, 100 pour mesurer."""

    def build(name):
        x, y = load_extract(name)
        return (x[:300], y[:300]), (x[300:], y[300:])

    return build


@pytest.fixture
def small_data(as_dataset, monkeypatch):
    """small_data("mnist") -> ce jeu en miniature, que les leçons lisent à la place du vrai."""
    from convnets.datasets import sources

    def use(name):
        dataset = as_dataset(name)
        monkeypatch.setattr(sources, f"load_{name}", lambda: dataset)
        return dataset

    return use


@pytest.fixture
def tiny_streets(tmp_path, monkeypatch):
    """CamVid en miniature, dans le cache : cinq rues par part, à droite claires et sans nom."""
    from convnets.datasets import streets

    folder = tmp_path / "keras" / "datasets" / "cours-cnn" / streets.ARCHIVE.name
    for part, k in ((part, k) for part in streets.COUNTS for k in range(5)):
        photograph, mask = np.zeros((360, 480, 3), np.uint8), np.zeros((360, 480), np.uint8)
        mask[180:] = k
        photograph[:, 240:], mask[:, 240:] = 100, streets.VOID
        for name, pixels in ((part, photograph), (f"{part}annot", mask)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / name / f"{k}.png")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(streets, "COUNTS", dict.fromkeys(streets.COUNTS, 5))
    monkeypatch.setattr(streets, "ARCHIVE", streets.ARCHIVE._replace(address="file:///absente"))
    return folder


def pytest_collection_modifyitems(items):
    """Marque `ci` les dossiers entiers ; passe sous Windows ce qui est d'Unix, en le disant."""
    for item in items:
        if item.path.is_relative_to(REPO / "tests") and item.path.parent.name in CI_FOLDERS:
            item.add_marker(pytest.mark.ci)
    if os.name == "nt":
        skip = pytest.mark.skip(reason="emploie un shell, des signaux ou des tubes d'Unix")
        for item in items:
            if hasattr(item, "function") and unix.needed_by(item.function):
                item.add_marker(skip)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Un module d'essais va à un processus ; tous ceux du site, au même, qui le construit."""
    from xdist.scheduler import LoadScopeScheduling

    class OneSite(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            site = "tests/web/"
            return site if nodeid.startswith(site) else super()._split_scope(nodeid)

    return OneSite(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.fixture
def predict_env():
    """L'environnement où ./predict trouve le Python des tests."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


@pytest.fixture
def run_predict(predict_env):
    """Lance ./predict comme depuis un terminal."""

    def run(*arguments, cwd=REPO, stdin=None, env=None, program=REPO / "predict"):
        command, known = [str(program)], predict_env
        if os.name == "nt":  # predict est un script du shell
            command = [sys.executable, "-m", "convnets.serving.command"]
            known = {**predict_env, "PYTHONPATH": str(REPO)}
        return subprocess.run(
            [*command, *map(str, arguments)],
            cwd=cwd,
            input=stdin,
            capture_output=True,
            env={**known, **(env or {})},
            timeout=120,
        )

    return run


@pytest.fixture
def run_module():
    """Lance `python -m module` dans le dépôt, comme un élève."""

    def run(module, *arguments, env=None):
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=REPO,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, **(env or {})},
            timeout=3600,
        )

    return run


# --- Exercice 05 : de petits réseaux et de petites images -----------------------------


@pytest.fixture
def eager():
    """Sans construire de graphe : les réseaux sont minuscules, et il y en a beaucoup."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def unrendered():
    """with unrendered(): … les figures y sont composées, mais leur fichier reste vide.

    Pour un essai de bout en bout, quand d'autres tests dessinent déjà ces figures.
    """
    from matplotlib.figure import Figure

    @contextlib.contextmanager
    def block():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Figure, "savefig", lambda self, path, **options: Path(path).touch())
            yield

    return block


@pytest.fixture
def tiny_inception():
    """tiny_inception() -> une base de quelques poids, avec deux noms de couches d'InceptionV3."""
    import keras
    from keras import layers

    from convnets.datasets import pretrained

    def build(*, input_px=150, weights="imagenet", seed=0, sha256=None, cache_dir=None):
        keras.utils.set_random_seed(seed + (weights is None))
        images = keras.Input((input_px, input_px, 3))
        x = layers.AveragePooling2D(input_px // 5)(images)
        x = layers.BatchNormalization(scale=False)(x)
        for name in ("mixed2", "mixed8"):
            x = layers.Conv2D(8, 1, activation="leaky_relu", name=name)(x)
        base = keras.Model(images, x)
        found = pretrained.weights_sha256(base)
        if sha256 not in (None, found):
            raise FileNotFoundError(f"pas de poids d'empreinte {sha256}")
        return base, pretrained.Provenance("base d'essai", found, "")

    return build


@pytest.fixture
def tiny_blocks(monkeypatch, tiny_clothes):
    """Une petite base à la place d'InceptionV3, quelques vêtements, un cache à part.

    La base a des noms de couches d'InceptionV3 et des normalisations.
    """
    import keras
    from keras import layers

    from convnets.datasets import pretrained

    def build(*, input_px=150):
        keras.utils.set_random_seed(0)
        images = keras.Input((input_px, input_px, 3))
        x = layers.AveragePooling2D(input_px // 5)(images)
        for k in (2, 8, 9, 10):
            x = layers.Conv2D(6, 1, use_bias=False)(x)
            x = layers.BatchNormalization(scale=False)(x)
            x = layers.LeakyReLU(name=f"mixed{k}")(x)
        base = keras.Model(images, x)
        return base, pretrained.Provenance("base d'essai", pretrained.weights_sha256(base), "")

    monkeypatch.setattr(pretrained, "inception_v3", build)
    return build()[0]


@pytest.fixture
def tiny_clothes(tmp_path, monkeypatch):
    """Dix vêtements, une couleur chacun, à la place des photographies ; un cache à part."""
    from convnets.datasets import clothes, folders

    rng = np.random.default_rng(0)
    for part in clothes.COUNTS:
        for name, color in zip(clothes.CLASSES_FR, rng.integers(0, 256, (10, 3)), strict=True):
            folder = tmp_path / "vetements" / part / name
            folder.mkdir(parents=True)
            for k in range(5):
                pixels = np.clip(rng.normal(color, 20, (24, 16, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{k}.png")
    parts = {part: folders.scan(tmp_path / "vetements" / part) for part in clothes.COUNTS}
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(clothes, "load_clothes", lambda: parts)
    return parts


def color_writer():
    """Des classes que leur couleur moyenne suffit à séparer."""
    colors = {"bleu": (40, 60, 200), "rouge": (200, 50, 40), "vert": (30, 180, 60)}
    rng = np.random.default_rng(0)

    def write(root, names, *, num=10, size=(24, 16)):
        for name in names:
            (root / name).mkdir(parents=True, exist_ok=True)
            for k in range(num):
                noise = rng.normal(0, 40, (size[1], size[0], 3)) + colors[name]
                pixels = np.clip(noise, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(root / name / f"{k:02}.png")
        return root

    return write


@pytest.fixture
def write_colors():
    """write_colors(dossier, ["bleu", "rouge"]) : voir `color_writer`."""
    return color_writer()


@pytest.fixture
def two_colors(tmp_path, write_colors):
    return write_colors(tmp_path / "images", ["bleu", "rouge"])
