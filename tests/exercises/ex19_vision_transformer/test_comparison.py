from types import SimpleNamespace

import numpy as np
import pytest

QUESTION = "S3 The Transformer Wave"


@pytest.fixture(scope="module")
def comparison():
    from exercises.ex19_vision_transformer import comparison as ex19_comparison

    return ex19_comparison


@pytest.mark.question(QUESTION)
def test_evaluate_sees_a_planted_dependence_on_the_order(comparison):
    """Un faux réseau compte l'encre, l'autre ne la cherche qu'en haut à gauche."""

    def counts(x, **options):
        return np.eye(2)[(x.sum(axis=(1, 2)) > 0).astype(int)]

    def corner(x, **options):
        return np.eye(2)[(x[:, :4, :4].sum(axis=(1, 2)) > 0).astype(int)]

    x = np.zeros((2000, 8, 8), np.uint8)
    x[:, 1, 2] = 255  # un morceau sur quatre ; mélangé, il reste dans le coin une fois sur quatre
    networks = {
        "transformer": SimpleNamespace(predict=corner),
        "cnn": SimpleNamespace(predict=counts),
    }
    found = comparison.evaluate(networks, x, np.ones((2000, 1), int), patch_px=4)
    assert found["accuracy"] == found["accuracy_cnn"] == found["accuracy_cnn_shuffled"] == 1
    assert found["accuracy_shuffled"] == pytest.approx(0.25, abs=0.04)
    np.testing.assert_array_equal(found["probabilities"], np.eye(2)[np.ones(2000, int)])


def test_describe_averages_the_seeds(comparison):
    tables = {
        "positions": np.repeat([[1, 0], [0, 1]], 2, axis=0).reshape(1, 8),
        "class_token": np.zeros((1, 2)),
    }
    model = SimpleNamespace(
        get_layer=lambda name: SimpleNamespace(get_weights=lambda: [tables[name]])
    )
    runs = [
        {
            "history": {"a_val_accuracy": [x, 2 * x], "a_loss": [1, 1], "a_duration_s": [1, x]},
            "model": model,
        }
        for x in (0.2, 0.4)
    ]
    networks = {"a": SimpleNamespace(count_params=lambda: 7)}
    found = comparison.describe(runs, networks)
    details = found["details"]
    assert found["parameters"] == {"a": 7} and list(details["curves"]) == ["a_val_accuracy"]
    assert details["curves"]["a_val_accuracy"]["mean"] == pytest.approx([0.3, 0.6])
    assert details["curves"]["a_val_accuracy"]["sd"] == pytest.approx([0.02**0.5, 0.08**0.5])
    assert details["durations_s"]["a"].mean == pytest.approx(1.3)
    one = comparison.describe(runs[:1], networks)["details"]
    assert one["curves"]["a_val_accuracy"]["sd"] == [0, 0]
    # Deux morceaux par ligne, les deux lignes à angle droit : un voisin sur deux est pareil.
    cosines = {name: each.values for name, each in details["position_similarity"].items()}
    assert cosines == {"neighbours": [0.5, 0.5], "others": [0, 0]}
    assert {shown.unit for shown in found["headline"]} == {"%"}
