import json
import shutil

import numpy as np
import pytest

from convnets.core import files, reports
from convnets.training import lessons, saving
from exercises import ex03_again, ex03_cifar10, ex03_twin

SLUG = "ex03_cifar10"


def arguments(folder, *more):
    return [
        "--seeds",
        "1",
        "--epochs",
        "1",
        "--precision",
        "float32",
        "--models-dir",
        str(folder),
        "--output",
        str(folder / "f"),
        *more,
    ]


@pytest.fixture
def partner(shipped_large):
    """Un second réseau, de mêmes formes et d'autres poids, dans son dossier."""
    folder = shipped_large / "second"
    folder.mkdir()
    recipe = ex03_cifar10.RECIPES["large"]
    network = ex03_cifar10.build_model(recipe)
    rng = np.random.default_rng(7)
    kernels = [rng.normal(size=w.shape) if w.ndim == 2 else w for w in network.get_weights()]
    network.set_weights(kernels)
    network.save(folder / f"{SLUG}.keras")
    report = reports.read_sidecar(SLUG, models_dir=shipped_large)
    report["files"] = {f"{SLUG}.keras": files.file_sha256(folder / f"{SLUG}.keras")}
    report["command"] = "python -m exercises.ex03_twin --seeds 1 --epochs 18"
    (folder / f"{SLUG}.json").write_text(json.dumps(report))
    return folder


@pytest.mark.usefixtures("training_alone")
def test_a_pupil_learns_the_mean_of_both_answers(shipped_large, partner, monkeypatch):
    learnt, start = [], reports.read_sidecar(SLUG, models_dir=shipped_large)
    first = shipped_large / "first"
    first.mkdir()
    for path in shipped_large.glob(f"{SLUG}.*"):
        shutil.copy(path, first)

    class Spy(lessons.Lessons):
        def __init__(self, x, labels, answers, **options):
            learnt.append((x, labels, answers))
            super().__init__(x, labels, answers, **options)

    monkeypatch.setattr(lessons, "Lessons", Spy)
    more = ("--partner", str(partner), "--force")
    assert ex03_again.main(arguments(shipped_large, *more)) == 0
    (x, labels, answers), expected = learnt[0], []
    images, _ = lessons.deform(x, labels, copy=0, translate_px=4)
    for folder in (first, partner):
        network = saving.load_model(SLUG, models_dir=folder)
        both = [network.predict(side, verbose=0) for side in (images, images[:, :, ::-1])]
        expected.append(np.mean(both, axis=0))
    assert np.abs(expected[0] - expected[1]).max() > 0.1  # ils ne répondent pas pareil
    np.testing.assert_allclose(answers[0], 2 / 3 * expected[0] + 1 / 3 * expected[1], atol=2e-3)

    report = reports.read_sidecar(SLUG, models_dir=shipped_large)
    wanted = f"python -m exercises.ex03_again --partner {partner} --seeds 1 --epochs 1 "
    assert report["command"].startswith(wanted)
    assert report["start"]["sha256"] == start["files"][f"{SLUG}.keras"]
    assert report["partner"]["share"] == pytest.approx(1 / 3)
    assert report["partner"]["command"].endswith("ex03_twin --seeds 1 --epochs 18")
    assert report["partner"]["sha256"] == files.file_sha256(partner / f"{SLUG}.keras")


def test_a_missing_partner_is_said_in_one_sentence(shipped_large, tmp_path, capsys):
    before = (shipped_large / f"{SLUG}.json").read_bytes()
    for exercise in (ex03_again, ex03_twin):
        capsys.readouterr()
        assert exercise.main(arguments(shipped_large, "--partner", str(tmp_path / "rien"))) == 1
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "rien" in error and f"{SLUG}.json" in error
    assert (shipped_large / f"{SLUG}.json").read_bytes() == before
