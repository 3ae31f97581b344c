import numpy as np
import pytest

from convnets.serving.engine import Engine
from convnets.training import export
from exercises.ex16_bag_of_words import __main__ as ex16
from exercises.ex16_bag_of_words import dictionary as ex16_dictionary
from exercises.ex16_bag_of_words import encoding

QUESTION = "S3 Avant le deep"


def test_a_missing_class_is_refused():
    with pytest.raises(ValueError, match="9 images .* aucune de la classe 9 .* Augmentez --limit"):
        ex16.fit_linear(np.zeros((9, 2)), np.arange(9), strength=1.0)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_the_network_is_the_scikit_learn_pipeline(extract, eager, monkeypatch):
    """Morceaux, distances et quarts par NumPy, classifieur de scikit-learn, face aux couches."""
    monkeypatch.setattr(ex16_dictionary, "NUM_PATCHES", 2000)
    x, y = extract("cifar10")
    dictionary = ex16_dictionary.learn_dictionary(x[:300], 12, seed=0)
    codes = encoding.build_encoder(dictionary).predict(x[:300], verbose=0)
    inputs = encoding.features(codes, "soft_quarters")
    classifier = ex16.fit_linear(inputs, y[:300].reshape(-1), strength=1e-2)
    images = x[300:340]
    windows = np.lib.stride_tricks.sliding_window_view(images, (6, 6), axis=(1, 2))[:, ::2, ::2]
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 108).astype(np.float64)
    v = ex16_dictionary.normalise(patches) @ dictionary.whitening
    distances = np.linalg.norm(v[:, None] - dictionary.words, axis=2)  # (n·196, 12)
    codes = np.maximum(0, distances.mean(1, keepdims=True) - distances).reshape(40, 14, 14, 12)
    quarters = [codes[:, i : i + 7, j : j + 7].mean((1, 2)) for i in (0, 7) for j in (0, 7)]
    expected = classifier.predict_proba(np.concatenate(quarters, axis=1))

    model = ex16.build_model(dictionary, classifier)
    assert model.input_shape == (None, 32, 32, 3) and model.inputs[0].dtype == "uint8"
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-4)
    engine = Engine(export.export_litert(model))
    np.testing.assert_allclose(engine.predict(images), expected, atol=1e-4)
