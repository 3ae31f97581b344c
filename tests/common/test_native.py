import subprocess
import sys

import numpy as np
import pytest

from exercises.common import native
from exercises.common.prediction import Classifier, Engine

supported = pytest.mark.skipif(
    native.library_path() is None, reason="l'API C de LiteRT n'est vérifiée que sous Linux"
)


@pytest.fixture
def content(repo):
    return (repo / "models" / "ex03_cifar10.tflite").read_bytes()


def test_version_is_the_pinned_one(repo):
    # Une version plus récente, sans relire ses en-têtes, ferait perdre le démarrage rapide.
    requirements = (repo / "requirements.txt").read_text(encoding="utf-8").split()
    assert f"ai-edge-litert=={native.VERSION}" in requirements
    if sys.platform == "linux":
        assert native.library_path() is not None


@supported
def test_same_probabilities_as_the_interpreter(content, extract):
    x, _ = extract("cifar10")
    expected = Engine(content).predict(x[:50])
    engine = native.native_engine(content)
    assert engine.input_shape == (32, 32, 3) and engine.num_outputs == 10
    found = np.array([engine.predict([image.tobytes()])[0] for image in x[:50]])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for count in (3, 1, 7):  # des vues en plus ou moins grand nombre, par le même moteur
        several = engine.predict([image.tobytes() for image in x[:count]])
        np.testing.assert_allclose(several, expected[:count], atol=1e-6)
    assert len({each.tobytes() for each in found}) > 40  # chaque image a sa réponse


@supported
@pytest.mark.parametrize("damage", [b"", b"x" * 4000, "tronqué", "abîmé"])
def test_another_content_is_refused(content, damage):
    if isinstance(damage, str):
        damage = content[: len(content) // 3] if damage == "tronqué" else content[9000:]
    assert native.native_engine(damage) is None


@supported
@pytest.mark.parametrize("slug", ["ex00_position", "ex04_comparison"])
def test_a_model_with_two_outputs_is_refused(repo, slug):
    assert native.native_engine((repo / "models" / f"{slug}.tflite").read_bytes()) is None


@pytest.mark.parametrize("version", [native.VERSION, "0.0.0"])
def test_one_image_alone_is_classified_as_among_others(monkeypatch, repo, version):
    monkeypatch.setattr(native, "VERSION", version)
    paths = [str(path) for path in sorted((repo / "samples").glob("*.*")) if path.suffix != ".md"]
    together = Classifier().classify(paths)
    for path, expected in zip(paths, together, strict=True):
        (found,) = Classifier(alone=True).classify([path])
        assert (found.path, found.error) == (path, None)
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
    (missing,) = Classifier(alone=True).classify(["absente.png"])
    assert missing.probabilities is None and "absente.png" in missing.error


@supported
def test_one_image_does_not_import_numpy(repo):
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from exercises.common.prediction import main\n"
        "code = main()\n"
        "print([m for m in ('numpy', 'tensorflow', 'keras') if m in sys.modules], code)"
    )
    command = [sys.executable, "-I", "-c", code, str(repo), str(repo / "samples" / "avion.png")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines() == ["Prédiction: Avion", "[] 0"], result.stderr
