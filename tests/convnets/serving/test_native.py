import mmap
import subprocess
import sys
from collections import Counter
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


@supported
@pytest.mark.parametrize("num_threads", [1, 2, 4])
def test_as_many_threads_as_asked_give_the_same_answer(repo, num_threads):
    content = (repo / "models" / "photos.tflite").read_bytes()
    image = np.random.default_rng(0).integers(0, 256, 192 * 192 * 3, np.uint8).tobytes()
    before = num_tasks()
    engine = native.native_engine(content, num_threads=num_threads)
    found = engine.answer([image])
    assert num_tasks() - before == num_threads - 1  # et celui qui appelle
    assert found == native.native_engine(content).answer([image])


def num_tasks() -> int:
    return len([*Path("/proc/self/task").iterdir()])


@supported
@pytest.mark.parametrize("slug", ["photos", "thumbnails"])
def test_only_a_photo_alone_takes_every_core(repo, slug):
    picture = str(repo / "samples" / "pont.png")
    before, shipped = num_tasks(), Classifier(slug, num_threads=2)
    (expected,) = shipped.classify([picture])
    assert num_tasks() == before
    alone = Classifier(slug, num_threads=2, alone=True)
    (found,) = alone.classify([picture])
    assert num_tasks() - before == (slug == "photos")
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


@pytest.mark.parametrize("version", [native.VERSION, "0.0.0"])
def test_one_image_alone_is_classified_as_among_others(monkeypatch, repo, version):
    paths = [str(path) for path in sorted((repo / "samples").glob("*.*")) if path.suffix != ".md"]
    monkeypatch.setattr(native, "VERSION", "0.0.0")
    together = [*Classifier().classify(paths)]  # par l'Interpreter
    monkeypatch.setattr(native, "VERSION", version)
    for path, expected in zip(paths, together, strict=True):
        (found,) = Classifier().classify([path])
        assert (found.path, found.error) == (path, None)
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
    (missing,) = Classifier().classify(["absente.png"])
    assert missing.probabilities is None and "absente.png" in missing.error


@supported
@pytest.mark.parametrize("name", ["avion.png", ""])
def test_neither_an_image_nor_a_folder_imports_numpy(repo, name):
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from convnets.serving.command import main\n"
        "code = main()\n"
        "print([m for m in ('numpy', 'tensorflow', 'keras') if m in sys.modules], code)"
    )
    command = [sys.executable, "-I", "-c", code, str(repo), str(repo / "samples" / name)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    lines = result.stdout.splitlines()
    if name:
        assert lines == ["Prédiction: Avion", "[] 0"], result.stderr
    else:
        assert "Prédiction: Avion" in lines[0] and lines[-1] == "[] 0", result.stderr


@supported
def test_an_engine_gives_its_memory_back(content):
    def resident_mib():
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE / 2**20

    for count in (2, 12):  # les premiers chargent la bibliothèque
        before = resident_mib()
        for _ in range(count):
            native.native_engine(content).answer([bytes(32 * 32 * 3)])
    assert resident_mib() - before < 40  # plus de 120 sans rien rendre


class Counting:
    """La bibliothèque, qui compte ce qu'elle crée et détruit ; un de ses appels échoue."""

    def __init__(self, library, failing):
        self.library, self.failing = library, failing
        self.created, self.destroyed, self.called = Counter(), Counter(), 0

    def __getattr__(self, name):
        function = getattr(self.library, name)
        if not name.startswith("LiteRt"):  # strdup et free, de la bibliothèque C
            return function

        def call(*arguments):
            self.called += 1
            if self.called == self.failing:
                return 1
            status = function(*arguments)
            kind = name.removeprefix("LiteRt")
            if kind == "AddOpaqueOptions":  # celui à qui on les donne les détruira
                self.destroyed["OpaqueOptions"] += not status
            elif kind.startswith("Destroy"):
                self.destroyed[kind.removeprefix("Destroy")] += 1
            elif kind.startswith("Create") and not status:
                kind = kind.removeprefix("Create").removeprefix("Managed")
                self.created[kind.removesuffix("FromBuffer")] += 1
            return status

        return call


def one_answer(content, library):
    native.NativeEngine(library, content, num_threads=2).answer([bytes(32 * 32 * 3)])


@supported
def test_whatever_call_fails_everything_is_given_back(monkeypatch, content):
    real, path = native.ctypes.CDLL(native.library_path()), native.library_path()
    whole = Counting(real, failing=0)
    monkeypatch.setattr(native.ctypes, "CDLL", lambda path: whole)
    one_answer(content, path)
    assert whole.created == whole.destroyed
    assert set(whole.created) == {
        "Environment",
        "Model",
        "Options",
        "OpaqueOptions",
        "CompiledModel",
        "TensorBuffer",
    }
    num_calls = whole.called - sum(whole.destroyed.values()) + 1  # AddOpaqueOptions en est un
    for failing in range(1, num_calls + 1):
        broken = Counting(real, failing=failing)
        monkeypatch.setattr(native.ctypes, "CDLL", lambda path, broken=broken: broken)
        with pytest.raises(ValueError, match="a échoué"):
            one_answer(content, path)
        assert broken.created == broken.destroyed, failing


def test_a_mapped_file_is_its_content(tmp_path, content):
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    assert bytes(files.map_file(path)) == content
    path.write_bytes(b"")
    assert files.map_file(path) == b""
    with pytest.raises(FileNotFoundError):
        files.map_file(tmp_path / "absent")


@supported
def test_a_mapped_engine_keeps_no_second_copy(repo):
    code = """if True:
        import os, sys
        from convnets.core import files
        from convnets.serving import native
        path = "models/thumbnails.tflite"
        read = files.map_file if sys.argv[1] == "mapped" else lambda p: open(p, "rb").read()
        content = read(path)
        sum(content[::4096])  # chaque page est lue, comme pour l'empreinte
        engine = native.native_engine(content)
        pages = int(open("/proc/self/statm").read().split()[1])
        print(pages * os.sysconf("SC_PAGESIZE") / 2**20, engine.answer([bytes(3072)])[0])"""
    found = {}
    for how in ("mapped", "read"):
        done = subprocess.run(
            [sys.executable, "-c", code, how], cwd=repo, capture_output=True, text=True, check=True
        )
        resident, answer = done.stdout.split(maxsplit=1)
        found[how] = float(resident), answer
    assert found["mapped"][1] == found["read"][1]
    assert found["read"][0] - found["mapped"][0] > 7  # sur les 9,5 du fichier


@supported
def test_a_mapped_file_can_be_replaced(tmp_path, repo, content):
    path, other = tmp_path / "m.tflite", tmp_path / "autre"
    path.write_bytes(content)
    other.write_bytes((repo / "models" / "thumbnails_light.tflite").read_bytes())
    mapped, image = files.map_file(path), bytes(range(256)) * 12
    engine = native.native_engine(mapped)
    expected = engine.answer([image])
    other.replace(path)
    assert engine.answer([image]) == expected == native.native_engine(mapped).answer([image])


@pytest.mark.parametrize("version", [native.VERSION, "0.0.0"])
@pytest.mark.parametrize("num_threads", [1, 2, 3])
def test_engines_are_kept_from_one_call_to_the_next(monkeypatch, repo, version, num_threads):
    monkeypatch.setattr(native, "VERSION", version)
    made, new_engine = [], Classifier._new_engine
    monkeypatch.setattr(
        Classifier, "_new_engine", lambda self: made.append(new_engine(self)) or made[-1]
    )
    names = ("avion.png", "chat.png", "bateau.gif")
    paths = [str(repo / "samples" / name) for name in names] * 10
    classifier = Classifier("thumbnails_light", num_threads=num_threads)  # il répond vite
    for _ in range(3):
        found = [classifier.classes[result.best] for result in classifier.classify(paths)]
        assert found == ["Avion", "Chat", "Bateau"] * 10
    assert len(made) <= num_threads
