"""Les taux de la leçon 15, choisis en validation, et ses témoins."""

import keras
import numpy as np
import pytest
from keras import layers

from convnets.core import reports
from exercises.ex15_architectures import __main__ as ex15

pytestmark = pytest.mark.usefixtures("eager")


def linear() -> keras.Model:
    """Un réseau d'une couche : quelques millièmes de seconde par lot."""
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = layers.Flatten()(layers.Rescaling(1 / 255, dtype="float32")(images))
    return keras.Model(images, layers.Dense(10, activation="softmax")(x), name="linear")


@pytest.mark.ci
def test_each_trial_is_kept_and_the_best_rate_chosen(small_data, tmp_path, monkeypatch, capsys):
    """Le taux nul n'apprend rien ; celui qui apprend reconnaît les images mêmes qu'il a vues."""
    from recipes import ex15_architectures as recipe

    (x, y), _ = small_data("cifar10")
    monkeypatch.setattr(ex15, "BUILDERS", {"lenet": linear, "vgg": linear})
    monkeypatch.setattr(recipe, "RATES", (0.0, 1e-3))
    monkeypatch.setattr(recipe, "NUM_VAL", len(x))
    path = tmp_path / "m" / "ex15_rates.json"
    arguments = ["--epochs", "4", "--output", str(path.parent)]
    assert recipe.main(arguments) == 0
    chosen = [row.split()[-1] for row in capsys.readouterr().out.splitlines() if " % " in row]
    assert chosen[-2:] == ["0.001", "0.001"]
    tried = reports.load_report(path).metrics
    assert set(tried) == {f"{name} {rate:g}" for name in ex15.BUILDERS for rate in recipe.RATES}
    monkeypatch.setattr(ex15, "train", None)  # tout est déjà essayé : rien n'est réappris
    assert recipe.main(arguments) == 0


def test_trials_stop_at_the_first_rate_that_does_no_better(small_data, tmp_path, monkeypatch):
    from recipes import ex15_architectures as recipe

    small_data("cifar10")
    monkeypatch.setattr(ex15, "BUILDERS", {"lenet": linear})
    accuracies = {1e-3: 0.3, 2e-3: 0.5, 4e-3: 0.5}
    monkeypatch.setattr(ex15, "train", lambda *_, rate, **__: (rate, None))
    monkeypatch.setattr(ex15, "is_right", lambda rate, *_: np.array(accuracies[rate]))
    found = recipe.choose(tmp_path / "ex15_rates.json")
    assert found == {"lenet": accuracies} and recipe.preferred(accuracies) == 2e-3


@pytest.mark.ci
@pytest.mark.slow
def test_witnesses_learn_the_pictures_of_the_networks(small_data, monkeypatch):
    from recipes import ex15_architectures as recipe
    from recipes import seeds

    small_data("cifar10")
    monkeypatch.setattr(ex15, "BUILDERS", dict.fromkeys(ex15.BUILDERS, linear))
    monkeypatch.setattr(recipe, "SIZES", (20,))
    run = seeds.find_run("ex15_architectures")
    assert run is recipe.run  # et non celle de la leçon, qui n'a pas les témoins
    found = run(0, epochs=1)
    pooled = found.kept["pooled"]
    assert set(pooled) == {*ex15.BUILDERS, *recipe.WITNESSES}
    for name, right in pooled.items():
        assert found.metrics[ex15.metric_of(name)] == pytest.approx(np.mean(right))
    gaps = recipe.pool([pooled, pooled])["gaps"]
    assert gaps["lenet - bag"][0] == pytest.approx(
        found.metrics["accuracy_lenet"] - found.metrics["accuracy_bag"]
    )
