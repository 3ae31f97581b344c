"""Combien de couches garder, sur une petite base."""

import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import pretrained

QUESTION = "S3 Fine-tuning approach"
pytestmark = [
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_whole_study_of_layers(ex05, tiny_blocks, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ex05.layers, "CUTS", ("mixed2", "mixed10"))
    monkeypatch.setattr(ex05.layers, "RELEARNED_AFTER", ("mixed9",))
    monkeypatch.setattr(ex05.layers, "RATES", (1e-5, 1e-2))
    monkeypatch.setattr(ex05.layers.top, "EPOCHS", 1)
    monkeypatch.setattr(pretrained, "inception_v3", lambda **_: (tiny_blocks, None))
    before = tiny_blocks.get_weights()
    assert ex05.layers.main(["--epochs", "1", "--limit", "50", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    titles = ["coupée après mixed2", "coupée après mixed10", "réapprise après mixed9"]
    assert all(title in printed for title in titles)
    for initial, weights in zip(before, tiny_blocks.get_weights(), strict=True):
        np.testing.assert_array_equal(initial, weights)  # la base est rendue intacte


@pytest.mark.question(QUESTION)
def test_published_study_of_layers_covers_the_question(ex05):
    metrics = reports.load_measures("ex05_layers").metrics
    cuts = [metrics[f"accuracy coupée après {name}"].mean for name in ex05.layers.CUTS]
    assert cuts[0] < cuts[-1]  # les dernières couches apportent quelque chose
    assert {f"accuracy réapprise après {name}" for name in ex05.layers.RELEARNED_AFTER} <= set(
        metrics
    )
