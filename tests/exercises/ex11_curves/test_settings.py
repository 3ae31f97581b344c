"""Le réglage sur la validation : la part des copies bruitées qui gardent la réponse."""

from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import reports
from exercises.ex11_curves import settings
from exercises.ex11_curves.methods import WITNESS


def predict(x, **options):
    """Répond « clair » si la moyenne de l'image dépasse 130."""
    clear = (x.mean(axis=(1, 2, 3)) > 130).astype(float)
    return np.stack([1 - clear, clear], axis=1)


MODEL = SimpleNamespace(predict=predict)


def test_only_a_noise_that_spares_the_answer_keeps_it():
    image = np.zeros((8, 8, 3), np.uint8)
    image[:4] = 255  # moyenne 127,5 : un rien fait changer de réponse
    assert settings.kept_share(MODEL, image, 0) == 1
    assert settings.kept_share(MODEL, np.full((8, 8, 3), 40, np.uint8), 0.5) == 1  # uni : étendue 0
    assert settings.kept_share(MODEL, image, 1) < 1


def test_every_setting_is_compared_to_the_witness():
    methods = settings.variants()
    assert WITNESS in methods
    assert len(methods) == len(settings.NOISES) + len(settings.LAYERS) + 1


@pytest.mark.ci
@pytest.mark.slow
def test_the_command_writes_its_measures(small_data, tmp_path):
    small_data("cifar10")
    assert settings.main(["--limit", "1", "--output", str(tmp_path)]) == 0
    report = reports.load_report(tmp_path / "ex11_settings.json")
    assert report.num_images == {"val": 1} and "kept 0.02" in report.metrics
