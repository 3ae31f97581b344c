"""Le filtre qui porte la réponse est trouvé ; un filtre sans effet ne coûte rien."""

import keras
import numpy as np
import pytest
from keras import layers

from exercises.ex06_feature_maps import importance as ex06

QUESTION = "S3 Introspection d'un CNN"


@pytest.fixture
def model():
    """Trois filtres 1×1 : le rouge, le vert, et le bleu, que la suite ne lit pas."""
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            layers.Conv2D(3, 1, use_bias=False, name="colours"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.set_weights(
        [np.eye(3)[None, None], np.array([[4.0, -4], [-1, 1], [0, 0]]), np.array([0, 0.1])]
    )
    return model


@pytest.fixture
def pictures():
    """Des images rouges (classe 0), puis vertes (classe 1), toutes un peu bleues."""
    x = np.zeros((8, 4, 4, 3), np.float32)
    x[:4, ..., 0], x[4:, ..., 1], x[..., 2] = 1, 1, 0.5
    return x, np.repeat([0, 1], 4)


@pytest.mark.question(QUESTION)
def test_the_filter_that_carries_the_answer_costs_the_most(model, pictures):
    body, head = ex06.cut(model, "colours")
    maps = body.predict(pictures[0], verbose=0)
    before = maps.copy()
    found = ex06.losses(head, maps, pictures[1])
    np.testing.assert_array_equal(maps, before)  # les cartes données ne changent pas
    assert found[2] == pytest.approx(0, abs=1e-6)  # le bleu ne sert à rien
    whole, alone = 1 / (1 + np.exp([-7.9, -2.1])), 1 / (1 + np.exp([0.1, -0.1]))
    np.testing.assert_allclose(found[:2], (whole - alone) / 2, atol=1e-5)


def test_the_ranking_is_verified_on_other_pictures(model, pictures, monkeypatch):
    monkeypatch.setattr(ex06, "SHARE", 1 / 3)
    found = ex06.verify(model, "colours", pictures, pictures)
    assert found["réseau entier"] == found["sans les moins importants"] == 1
    assert found["sans les plus importants"] == 0.5 <= found["sans des filtres au hasard"] <= 1
