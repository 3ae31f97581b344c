import json

import numpy as np
import pytest

from exercises import ex03_again, ex03_cifar10
from exercises.common import data, lessons, storage

SLUG = "ex03_cifar10"


@pytest.fixture
def small(as_dataset, tmp_path, monkeypatch):
    """Un petit réseau « livré » dans `tmp_path`, un cache vide."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    dataset = as_dataset("cifar10")
    monkeypatch.setattr(data, "load_cifar10", lambda: dataset)
    tiny = ex03_cifar10.RECIPES["large"]._replace(widths=(8, 12, 16), batch_size=90)
    monkeypatch.setattr(ex03_cifar10, "RECIPES", {"large": tiny})
    more = ("--recipe", "large", "--refine-cycles", "0")
    assert ex03_cifar10.main(arguments(tmp_path, "--epochs", "1", *more)) == 0
    return tmp_path


def arguments(folder, *more):
    return ["--seeds", "1", "--precision", "float32", "--models-dir", str(folder),
            "--output", str(folder / "f"), *more]  # fmt: skip


def weights(folder):
    return storage.load_model(SLUG, models_dir=folder).get_weights()


def test_it_starts_from_the_weights_of_its_teacher(small, monkeypatch, capsys):
    """À un taux nul, le réseau finit comme il a commencé, normalisations mises à part."""
    before = storage.read_sidecar(SLUG, models_dir=small)
    start = weights(small)
    monkeypatch.setattr(ex03_again, "PEAK", 0.0)
    assert ex03_again.main(arguments(small, "--epochs", "1", "--force")) == 0
    assert "Le maître répond à la copie 1 sur 1." in capsys.readouterr().out
    model = ex03_cifar10.build_model(ex03_cifar10.RECIPES["large"])
    for variable, a, b in zip(model.weights, start, weights(small), strict=True):
        if "moving" in variable.path:
            continue
        if a.ndim == 4 and a.shape[2] > 3:  # Muon donne aux noyaux une norme, pas une direction
            a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
        np.testing.assert_allclose(a, b, atol=2e-3)
    report = storage.read_sidecar(SLUG, models_dir=small)
    assert report["command"].startswith("python -m exercises.ex03_again --seeds 1 --epochs 1 ")
    assert report["start"] == {
        "command": before["command"],
        "shipped": before["shipped"],
        "duration_s": before["duration_s"]["mean"],
        "sha256": before["files"][f"{SLUG}.keras"],
    }
    assert report["views"] == before["views"] and report["num_views"] == 6


def test_it_learns_and_can_be_cut_and_resumed(small, monkeypatch, capfd):
    start = weights(small)

    def ctrl_c(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    more = ("--epochs", "2", "--force")
    with monkeypatch.context() as patch:
        patch.setattr(ex03_again.Lookahead, "on_epoch_begin", ctrl_c)
        assert ex03_again.main(arguments(small, *more)) == 130
    assert "--resume" in capfd.readouterr().err
    for before, after in zip(start, weights(small), strict=True):  # rien n'est perdu
        np.testing.assert_array_equal(before, after)
    assert ex03_again.main(arguments(small, *more, "--resume")) == 0
    resumed = storage.read_sidecar(SLUG, models_dir=small)
    assert len(resumed["history"]["loss"]) == 2
    assert any(np.abs(a - b).max() > 1e-2 for a, b in zip(start, weights(small), strict=True))
    # Le modèle en place est maintenant un autre départ : son point de reprise n'est pas le même.
    points = storage.runs_dir(SLUG, models_dir=small)
    assert ex03_again.main(arguments(small, *more, "--resume")) == 0
    assert len(list(points.glob("again-*_seed0.npz"))) == 2
    again = storage.read_sidecar(SLUG, models_dir=small)
    assert again["start"]["sha256"] == resumed["files"][f"{SLUG}.keras"]
    assert "start" not in resumed["start"] and again["start"]["start"] == resumed["start"]


def test_each_new_start_sees_other_copies(small, monkeypatch):
    deform, seen = lessons.deform, []

    def spy(x, labels, *, copy, translate_px):
        seen.append(copy)
        return deform(x, labels, copy=copy, translate_px=translate_px)

    monkeypatch.setattr(lessons, "deform", spy)
    for expected in ({0, 1}, {2, 3}, {4, 5}):
        assert ex03_again.main(arguments(small, "--epochs", "2", "--force")) == 0
        assert set(seen) == expected
        seen.clear()


def test_a_better_model_stays(small, capsys):
    path = small / f"{SLUG}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "score": 1.0}))
    before = weights(small)
    assert ex03_again.main(arguments(small, "--epochs", "1")) == 0
    assert "rien n'est remplacé sans --force" in capsys.readouterr().out
    for a, b in zip(before, weights(small), strict=True):
        np.testing.assert_array_equal(a, b)


def test_each_copy_is_seen_in_both_directions(monkeypatch):
    """Une image d'une copie est retournée une fois sur deux où la copie revient."""
    monkeypatch.setattr(ex03_again, "CUTOUT_PX", 0)
    monkeypatch.setattr(ex03_again, "SCALED", 0.0)
    x = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
    for copy in range(ex03_again.COPIES):
        flipped = []
        for epoch in range(copy, 4 * ex03_again.COPIES, ex03_again.COPIES):
            seen = ex03_again.augment(
                x.copy(), indices=np.arange(50), epoch=epoch, rng=np.random.default_rng(0)
            )
            mirrored = (seen == x[:, :, ::-1]).all((1, 2, 3))
            assert (mirrored | (seen == x).all((1, 2, 3))).all()
            flipped.append(mirrored)
        np.testing.assert_array_equal(flipped[0], ~flipped[1])
        np.testing.assert_array_equal(flipped[0], flipped[2])


def test_an_object_changes_its_size(monkeypatch):
    monkeypatch.setattr(ex03_again, "SCALED", 1.0)
    # Un objet blanc sur fond noir, de 16 pixels de côté ; rapetissé, il en a de 10 à 16.
    x = np.zeros((300, 32, 32, 3), np.uint8)
    x[:, 8:24, 8:24] = 255
    monkeypatch.setattr(ex03_again, "LOG_SCALE", (-0.5, -0.01))
    small = ex03_again.rescale(x.copy(), rng=np.random.default_rng(0))
    assert small.shape == x.shape and small.dtype == np.uint8
    monkeypatch.setattr(ex03_again, "LOG_SCALE", (0.01, 0.35))
    large = ex03_again.rescale(x.copy(), rng=np.random.default_rng(0))
    sizes = [np.median((images > 250).sum((1, 2))[:, 0]) for images in (small, x, large)]
    assert sizes[0] < sizes[1] < sizes[2], sizes
    monkeypatch.setattr(ex03_again, "SCALED", 0.25)
    mixed = ex03_again.rescale(x.copy(), rng=np.random.default_rng(1))
    changed = (mixed != x).any((1, 2, 3)).mean()
    assert 0.15 < changed < 0.35
