"""Ce que voient les réseaux de CIFAR-10, et ce que devient celui qui s'apprend lui-même."""

import numpy as np
import pytest

from convnets.training import augmentation
from recipes import digits, thumbnails


def test_each_copy_is_seen_in_both_directions(monkeypatch):
    """Une image d'une copie est retournée une fois sur deux où la copie revient."""
    monkeypatch.setattr(thumbnails, "ROUND_CUTOUT_PX", 0)
    monkeypatch.setattr(augmentation, "SCALED", 0.0)
    monkeypatch.setattr(augmentation, "RELIT", 0.0)
    x = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
    for copy in range(2):
        flipped = []
        for epoch in range(copy, 8, 2):
            rng, rows = np.random.default_rng(0), np.arange(50)
            found = thumbnails.harden(x.copy(), indices=rows, epoch=epoch, rng=rng, copies=2)
            mirrored = (found == x[:, :, ::-1]).all((1, 2, 3))
            assert (mirrored | (found == x).all((1, 2, 3))).all()
            flipped.append(mirrored)
        np.testing.assert_array_equal(flipped[0], ~flipped[1])
        np.testing.assert_array_equal(flipped[0], flipped[2])


@pytest.mark.ci
def test_the_teacher_of_digits_answers_softly(extract, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))  # un cache vide
    monkeypatch.setattr(digits, "TEACHER_WIDTHS", (8, 12, 16))
    x, teacher = extract("mnist")[0][:20], digits.build_teacher()
    copies = np.stack([digits.copy(x, number) for number in range(2)])
    found = digits.answers(teacher, copies)
    softened = np.asarray(digits.soften(teacher.predict(copies[1], verbose=0)))
    np.testing.assert_allclose(found[1], softened, atol=1e-5)


def test_the_loss_compares_softened_answers():
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 3, (2, 5, 10)).astype(np.float32)
    answered, guessed = (each / each.sum(1, keepdims=True) for each in np.exp(scores))
    powers = np.exp(scores / digits.TEMPERATURE)
    wanted, softened = (each / each.sum(1, keepdims=True) for each in powers)
    found = np.asarray(digits.soften(answered))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    loss = np.asarray(digits.resemblance(found, guessed))
    expected = -(digits.TEMPERATURE**2) * (wanted * np.log(softened)).sum(1)
    np.testing.assert_allclose(loss, expected, rtol=1e-4)
    sure = np.eye(10, dtype=np.float32)[:5]  # un maître sûr de lui : ni infini ni nan
    assert np.isfinite(np.asarray(digits.resemblance(digits.soften(sure), sure))).all()
