import numpy as np
import pytest

from convnets.serving import calibration


def sample(rng, n, temperature):
    """Des probabilités, des classes tirées selon elles, puis une confiance faussée."""
    scores = rng.normal(0, 2, (n, 5))
    true = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    y = (true.cumsum(1) > rng.random((n, 1))).argmax(1)
    shown = np.exp(scores * temperature)
    return shown / shown.sum(1, keepdims=True), y


def test_error_of_a_hand_made_case():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.35, 0.65], [0.45, 0.55]])
    y = [0, 1, 1, 0]
    # Trois intervalles sur dix sont occupés : 0,9 (1 juste sur 2), 0,65 (juste), 0,55 (faux).
    expected = (abs(1 - 1.8) + abs(1 - 0.65) + abs(0 - 0.55)) / 4
    assert calibration.expected_calibration_error(probabilities, y, num_bins=10) == pytest.approx(
        expected
    )
    one_bin = abs(2 - (0.9 + 0.9 + 0.65 + 0.55)) / 4
    assert calibration.expected_calibration_error(probabilities, y, num_bins=1) == pytest.approx(
        one_bin
    )


def test_a_temperature_of_two_takes_square_roots():
    probabilities = np.array([[0.64, 0.36], [0.5, 0.5]])
    expected = [[0.8 / 1.4, 0.6 / 1.4], [0.5, 0.5]]
    np.testing.assert_allclose(calibration.soften(probabilities, 2), expected)
    loss = calibration.cross_entropy(probabilities, np.array([[1], [0]]), 2)
    assert loss == pytest.approx(-np.log([0.6 / 1.4, 0.5]).mean())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found_again(temperature):
    probabilities, y = sample(np.random.default_rng(0), 20_000, temperature)
    found = calibration.fit_temperature(probabilities, y)
    assert found == pytest.approx(temperature, rel=0.05)
    softened = calibration.soften(probabilities, found)
    np.testing.assert_allclose(softened.sum(1), 1)
    assert (softened.argmax(1) == probabilities.argmax(1)).all()
    assert calibration.expected_calibration_error(softened, y) < 0.015


def test_calibrate_reports_both_errors():
    rng = np.random.default_rng(1)
    report = calibration.calibrate(*sample(rng, 5000, 2.0), *sample(rng, 5000, 2.0))
    assert report["ece_before"] > 0.05 > 0.02 > report["ece_after"]
    assert report["temperature"] == pytest.approx(2, rel=0.1) and report["num_bins"] == 15
