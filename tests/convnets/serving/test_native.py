import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convnets.core import files
from convnets.serving import native
from convnets.serving.classifier import Classifier
from convnets.serving.engine import Engine

supported = pytest.mark.skipif(
    native.library_path() is None, reason="l'API C de LiteRT n'est vérifiée que sous Linux"
)


@pytest.fixture
def content(repo):
    return (repo / "models" / "thumbnails.tflite").read_bytes()


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
    found = np.array([engine.answer([image.tobytes()])[0][0] for image in x[:50]])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for count in (3, 1, 7):  # des vues en plus ou moins grand nombre, par le même moteur
        several = [row for row, _ in engine.answer([image.tobytes() for image in x[:count]])]
        np.testing.assert_allclose(several, expected[:count], atol=1e-6)
    assert len({each.tobytes() for each in found}) > 40  # chaque image a sa réponse


def tasks() -> set[str]:
    return {each.name for each in Path("/proc/self/task").iterdir()}


@supported
@pytest.mark.parametrize("slug", ["photos", "thumbnails"])
def test_only_a_photo_alone_takes_every_core(repo, slug):
    picture = str(repo / "samples" / "pont.png")
    before, shipped = tasks(), Classifier(slug, num_threads=2)
    (expected,) = shipped.classify([picture])
    assert tasks() <= before  # ceux d'autres tests peuvent finir entre-temps
    alone = Classifier(slug, num_threads=2, alone=True)
    (found,) = alone.classify([picture])
    assert len(tasks() - before) == (slug == "photos")
    assert found[:3] == expected[:3]


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


@pytest.mark.ci
@supported
@pytest.mark.parametrize("names", [["avion.png"], ["chat.png", "voiture.jpg", "chien.webp"]])
def test_objects_are_named_without_numpy(repo, names):
    """Seul un vêtement le demande, pour être découpé."""
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from convnets.serving.command import main\n"
        "code = main()\n"
        "print([m for m in ('numpy', 'tensorflow', 'keras') if m in sys.modules], code)"
    )
    pictures = [str(repo / "samples" / name) for name in names]
    command = [sys.executable, "-I", "-c", code, str(repo), *pictures]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    lines = result.stdout.splitlines()
    assert len(lines) == len(names) + 1 and lines[-1] == "[] 0", result.stderr


def test_a_mapped_file_is_its_content(tmp_path, content):
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    assert bytes(files.map_file(path)) == content
    path.write_bytes(b"")
    assert files.map_file(path) == b""
    with pytest.raises(FileNotFoundError):
        files.map_file(tmp_path / "absent")
