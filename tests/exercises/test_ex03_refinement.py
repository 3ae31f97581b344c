import keras
import numpy as np
import pytest
from keras import layers

from convnets.training import distillation, study
from exercises import ex03_refinement as refinement


def network(seed):
    keras.utils.set_random_seed(seed)
    images = keras.Input((4, 6, 2), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Dense(3)(layers.Flatten()(x))
    return keras.Model(images, layers.Softmax()(x), name="sans_symetrie")


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (200, 4, 6, 2), dtype=np.uint8)


def test_mirrors_are_averaged(images):
    model = network(0)
    average = distillation.mirror_average(model)
    assert average.inputs[0].dtype == "uint8"
    found = average.predict(images, verbose=0)
    # Oracle : chaque ligne de pixels relue de droite à gauche.
    mirrored = np.stack([np.stack([row[::-1] for row in image]) for image in images])
    expected = (model.predict(images, verbose=0) + model.predict(mirrored, verbose=0)) / 2
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(average.predict(mirrored, verbose=0), found, atol=1e-6)


def trained_by(images, labels):
    def fit(student, *, schedule, epochs, cycle):
        student.compile(
            keras.optimizers.SGD(schedule(2.0, 20 * epochs), momentum=0.9),
            loss="categorical_crossentropy",
            jit_compile=study.JIT_COMPILE,
        )
        found = student.fit(images, labels, epochs=5 * epochs, batch_size=50, verbose=0)
        return found.history | {"cycle": [cycle]}

    return fit


def test_the_network_comes_nearer_to_its_mirrors_mean(images):
    model, copy = network(0), network(1)
    before, mean = model.predict(images, verbose=0), distillation.mirror_average(model)
    wanted = mean.predict(images, verbose=0)
    # Étiquettes : son propre avis, pour que seul le maître l'attire ailleurs.
    fit = trained_by(images, before)
    histories = refinement.refine(model, copy, fit, images, batch_size=50, cycles=3)
    assert [each["cycle"] for each in histories] == [[1], [2], [3]]
    after = model.predict(images, verbose=0)
    assert np.abs(after - wanted).mean() < 0.6 * np.abs(before - wanted).mean()


def test_each_cycle_starts_from_the_mean_of_all_before(images):
    model, copy = network(0), network(1)
    first, starts = model.get_weights(), []

    def fit(student, *, schedule, epochs, cycle):
        starts.append((student.get_weights(), copy.get_weights()))
        model.set_weights([w + 1 for w in student.get_weights()])
        assert student.count_params() == model.count_params()  # le maître n'en fait pas partie
        return {}

    refinement.refine(model, copy, fit, images, batch_size=50, cycles=2)
    # 0, puis 0 + 1 : moyenne 1/2 ; puis 1/2 + 1 : moyenne (0 + 1 + 3/2) / 3.
    for offset, pair in zip((0, 1 / 2), starts, strict=True):
        for weights in pair:  # l'élève, son maître
            for old, new in zip(first, weights, strict=True):
                np.testing.assert_allclose(new, old + offset, atol=1e-6)
    for old, new in zip(first, model.get_weights(), strict=True):
        np.testing.assert_allclose(new, old + 5 / 6, atol=1e-6)


def test_rate_goes_down_to_zero():
    rates = [float(refinement.schedule(2.0, 100)(step)) for step in (0, 50, 100, 150)]
    np.testing.assert_allclose(rates, [0.5, 0.25, 0, 0], atol=1e-7)
