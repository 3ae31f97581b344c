import numpy as np
import pytest

from exercises.ex20_source_separation import baselines
from exercises.ex20_source_separation.sounds import make_mixtures
from exercises.ex20_source_separation.timbres import UNSEEN


@pytest.fixture(scope="module")
def ex20():
    from exercises.ex20_source_separation import report

    return report


def test_means_by_source(ex20):
    found = ex20.by_source("essai", np.array([[1.0, 10], [3, 20]]))
    assert found == {"essai": 8.5, "essai_melody": 2, "essai_percussion": 15}


def test_a_perfect_and_a_useless_network(ex20):
    from exercises.ex20_source_separation.spectrograms import stft

    sources = make_mixtures(2, UNSEEN, seed=0)

    class Planted:
        def __init__(self, masks):
            self.masks = masks

        def predict(self, magnitudes, **options):
            return self.masks[..., None]

    ideal = baselines.ideal_masks(stft(sources))
    assert ex20.gain(Planted(ideal), sources).min() > 10
    assert np.abs(ex20.gain(Planted(0 * ideal + 0.5), sources)).max() < 1e-3  # le mélange


def test_baselines_are_in_their_order(ex20):
    sources = make_mixtures(4, UNSEEN, seed=0)
    setting = baselines.MedianSetting(1024, 17, 17)
    found = ex20.measure_masks(sources, setting) | ex20.measure_two_microphones(sources)
    assert found["svd"] < found["medians"] < found["ideal"] < found["ica"]
    for name in ("medians", "ideal"):
        halves = found[f"{name}_melody"], found[f"{name}_percussion"]
        assert found[name] == pytest.approx(np.mean(halves))
    again = ex20.measure_masks(sources, setting, suffix="_learned")
    assert again["ideal_learned"] == found["ideal"]
    assert {name for name, _ in ex20.HEADLINE} <= {"network", "network_learned", *found}
