import numpy as np
import pytest

QUESTION = "S3 Avant le deep"


@pytest.fixture(scope="module")
def comparison():
    from exercises.ex16_bag_of_words import comparison as ex16_comparison

    return ex16_comparison


def test_as_rows_keeps_every_pixel(comparison):
    x = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), np.uint8)
    rows = comparison.as_rows(x)
    assert rows.shape == (3, 60) and rows.dtype == np.float32
    np.testing.assert_allclose(rows[1, (2 * 5 + 3) * 3 + 1] * 255, x[1, 2, 3, 1], rtol=1e-6)


@pytest.mark.question(QUESTION)
def test_evaluate_scores_each_rival_on_its_own(comparison, monkeypatch):
    """Des concurrents plantés : l'un sait tout, les autres répondent toujours la même classe."""
    y = np.array([[0], [1], [1], [1]])
    x = y.reshape(4, 1, 1, 1).astype(np.uint8) * np.ones((4, 32, 32, 3), np.uint8)

    class Planted:
        def __init__(self, answer):
            self.answer = answer

        def predict(self, x, **options):
            return np.eye(10)[[self.answer(image) for image in x]]

        def score(self, x, y):
            return np.mean(self.predict(x).argmax(1) == y)

    def knows(image):
        return int(image.max() > 0)

    monkeypatch.setattr(comparison, "SIZES", (3, 5))
    monkeypatch.setattr(comparison, "encode", lambda encoder, x: x)
    monkeypatch.setattr(comparison, "features", lambda encoded, coding: encoded)
    from exercises.ex16_bag_of_words.classifier import Bag

    bags = {
        size: Bag(None, {"hard": Planted(lambda image, size=size: size), "soft": Planted(knows)})
        for size in (3, 5)
    }
    rivals = {
        "pixels": Planted(lambda row: 1),
        "cnn": Planted(lambda image: 0),
        "cnn_long": Planted(knows),
        **bags,
    }
    found = comparison.evaluate(rivals, Planted(knows), x, y)
    assert found.pop("probabilities").shape == (4, 10)
    assert found == {
        "accuracy": 1,
        "accuracy_pixels": 0.75,
        "accuracy_cnn": 0.25,
        "accuracy_cnn_long": 1,
        "hard_3": 0,
        "soft_3": 1,
        "hard_5": 0,
        "soft_5": 1,
        "accuracy_hard": 0,
    }
