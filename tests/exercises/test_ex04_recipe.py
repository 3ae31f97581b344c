from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import paths
from convnets.training import distillation, study
from exercises import ex04_lenet, ex04_recipe


@pytest.fixture
def parts(as_dataset):
    (x, y), _ = as_dataset("mnist")
    return x[:240], y[:240], x[240:], y[240:]


@pytest.fixture
def trained(monkeypatch):
    """Note, pour chaque entraînement, le réseau, ses images et sa reprise."""
    seen, real = [], study.fit

    def fit(model, batches, **kw):
        found = real(model, batches, **kw)
        seen.append(SimpleNamespace(model=model, x=batches.x, seed=batches.seed, **kw))
        return found

    monkeypatch.setattr(study, "fit", fit)
    return seen


def options(tmp_path, **chosen):
    return SimpleNamespace(
        **{
            "teacher": "wide",
            "precision": "float32",
            "batch_size": 60,
            "epochs": 2,
            "resume": False,
            "module": "ex04_lenet",
            "models_dir": tmp_path,
            **chosen,
        }
    )


def test_augmentation_keeps_a_digit_recognisable(extract):
    """Déformé, un chiffre reste plus près de lui-même que du suivant."""
    x, _ = extract("mnist")
    x = x[:100]
    warped = ex04_recipe.augment(x, indices=np.arange(100), epoch=0, rng=np.random.default_rng(0))
    assert warped.shape == x.shape and warped.dtype == np.uint8
    assert (warped != x).any(axis=(1, 2)).all()

    def correlation(first, second):
        return np.corrcoef(first.reshape(-1), second.reshape(-1))[0, 1]

    own = [correlation(a, b) for a, b in zip(x, warped, strict=True)]
    other = [correlation(a, b) for a, b in zip(x, np.roll(warped, 1, axis=0), strict=True)]
    assert np.mean(np.array(own) > other) > 0.95


def test_a_wider_lenet_has_the_same_layers():
    narrow, wide = ex04_lenet.build_lenet(), ex04_lenet.build_lenet(width=3)
    assert [type(layer) for layer in narrow.layers] == [type(layer) for layer in wide.layers]
    assert [wide.get_layer(name).output.shape[1:] for name in ("C1", "C3", "C5", "F6")] == [
        (28, 28, 18),
        (10, 10, 48),
        (360,),
        (252,),
    ]
    assert narrow.count_params() == 61_706


def test_one_teacher_for_every_seed(parts, trained, tmp_path):
    weights = []
    for seed in (0, 1):
        model, history = ex04_recipe.train(
            ex04_lenet.build_lenet, *parts, seed=seed, options=options(tmp_path)
        )
        assert model.count_params() == 61_706 and len(history["loss"]) == 2
        weights.append(model.get_weights())
    teacher, pupil, same_teacher, other = trained
    assert teacher.model.count_params() > 10 * 61_706
    assert isinstance(pupil.model, distillation.Student)
    assert (pupil.seed, other.seed) == (0, 1)
    assert not np.array_equal(weights[0][0], weights[1][0])
    # La graine 1 relit le maître de la graine 0, sans rien réapprendre.
    for first, again in zip(
        teacher.model.get_weights(), same_teacher.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(first, again)
    for each in trained:  # personne n'apprend la validation
        np.testing.assert_array_equal(each.x, parts[0])


def test_the_pupil_hears_the_teacher(parts, trained, tmp_path):
    """Les mêmes graines et les mêmes lots, avec et sans maître : d'autres poids."""
    both = [
        ex04_recipe.train(
            ex04_lenet.build_lenet, *parts, seed=0, options=options(tmp_path, teacher=teacher)
        )[0].get_weights()
        for teacher in ("wide", "none")
    ]
    assert len(trained) == 3  # le maître et son élève ; l'élève seul
    assert not isinstance(trained[2].model, distillation.Student)
    assert not np.array_equal(both[0][0], both[1][0])


def test_a_short_try_has_a_short_teacher(parts, trained, tmp_path):
    ex04_recipe.train(ex04_lenet.build_lenet, *parts, seed=0, options=options(tmp_path, epochs=1))
    assert [each.epochs for each in trained] == [1, 1]
    names = {path.name for path in paths.runs_dir("ex04_lenet", models_dir=tmp_path).iterdir()}
    assert names == {"seed0.npz", "teacher_seed0.npz"}


def test_the_command_names_the_teacher(tmp_path):
    for teacher, end in (("wide", ""), ("none", " --teacher none")):
        run = SimpleNamespace(variant="modern", output=tmp_path, teacher=teacher)
        found = ex04_lenet._options_for("modern", "ex04_lenet", run)
        assert found.command == f"ex04_lenet --recipe modern{end}"


def test_a_training_without_teacher_is_not_resumed_with_one(parts, tmp_path):
    run = options(tmp_path, teacher="none")
    ex04_recipe.train(ex04_lenet.build_lenet, *parts, seed=0, options=run)
    with pytest.raises(ValueError, match="vient d'un autre entraînement"):
        ex04_recipe.train(
            ex04_lenet.build_lenet, *parts, seed=0, options=options(tmp_path, resume=True)
        )
