import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import pretrained

QUESTION = "TD keras & CNN, question 2"
pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")


@pytest.mark.question(QUESTION)
def test_photographs_pass_only_once_through_the_base(
    ex05, tiny_inception, tiny_clothes, monkeypatch
):
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    test, (whole, near, _) = tiny_clothes["test"], ex05.cached.VIEWS
    (x,) = ex05.cached.extract([test], *whole)
    assert x.shape == (50, 8)
    assert (x != ex05.cached.extract([test], *near)[0]).any()
    monkeypatch.setattr(ex05.features, "describe", lambda *_, **__: pytest.fail("deux fois"))
    (again,) = ex05.cached.extract([test], *whole)
    np.testing.assert_array_equal(again, x)


@pytest.mark.question(QUESTION)
def test_published_measures_reach_the_goal():
    metrics = reports.read_report("ex05_inception").metrics
    assert metrics["accuracy_tta"].mean >= 0.88
    assert metrics["control_accuracy"].mean < metrics["one_view_accuracy"].mean - 0.1
