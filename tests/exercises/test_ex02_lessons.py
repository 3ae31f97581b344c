from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.training import study
from exercises import ex02_fashion


@pytest.fixture
def options(tmp_path):
    return SimpleNamespace(
        teacher="ex02_teacher",
        epochs=2,
        batch_size=50,
        precision="float32",
        resume=False,
        module="ex02_fashion",
        models_dir=tmp_path / "m",
    )


def test_the_pupil_learns_from_its_teacher_or_from_the_labels(
    fashion_teacher, options, extract, monkeypatch
):
    x, y = extract("fashion_mnist")
    seen = {}
    real = study.fit

    def fit(model, batches, **chosen):
        seen.update(batches=batches, smoothing=model.loss.label_smoothing)
        return real(model, batches, **chosen)

    monkeypatch.setattr(study, "fit", fit)
    parts = x[:200], y[:200], x[200:300], y[200:300]
    ex02_fashion.train(*parts, seed=0, options=options)
    assert seen["batches"].answers.shape == (2, 200, 10) and seen["smoothing"] == 0
    np.testing.assert_array_equal(seen["batches"].dataset[0], x[:200])  # pas la validation
    assert paths.checkpoint_path(options, 0, network="taught").exists()
    options.teacher = "none"
    ex02_fashion.train(*parts, seed=0, options=options)
    np.testing.assert_array_equal(seen["batches"].y.argmax(1), y[:200])
    assert seen["smoothing"] == ex02_fashion.LABEL_SMOOTHING
    assert paths.checkpoint_path(options, 0).exists()  # l'un ne reprend pas l'autre


def test_a_resumed_lesson_ends_the_same(fashion_teacher, options, extract, monkeypatch):
    """Coupé après une époque sur deux, l'élève finit avec les mêmes poids."""
    x, y = extract("fashion_mnist")
    parts = x[:200], y[:200], x[200:300], y[200:300]
    whole, _ = ex02_fashion.train(*parts, seed=0, options=options)
    real = study.Checkpoint.on_epoch_end

    def cut(self, epoch, logs=None):
        real(self, epoch, logs)
        raise KeyboardInterrupt

    monkeypatch.setattr(study.Checkpoint, "on_epoch_end", cut)
    with pytest.raises(KeyboardInterrupt):
        ex02_fashion.train(*parts, seed=0, options=options)
    monkeypatch.setattr(study.Checkpoint, "on_epoch_end", real)
    options.resume = True
    resumed, history = ex02_fashion.train(*parts, seed=0, options=options)
    assert len(history["loss"]) == 2
    for one, two in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_teacher_option(fashion_teacher, as_dataset, tmp_path, monkeypatch, capsys):
    from convnets.datasets import sources

    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    with pytest.raises(SystemExit) as caught:
        ex02_fashion.main(["--teacher", "personne"])
    assert caught.value.code == 2 and "choix impossible" in capsys.readouterr().err
    arguments = [
        "--epochs",
        "1",
        "--seeds",
        "1",
        "--batch-size",
        "60",
        "--force",
        "--models-dir",
        str(tmp_path),
        "--output",
        str(tmp_path / "f"),
    ]
    for more, named in (([], {"targets": "réponses du maître"}), (["--teacher", "none"], {})):
        assert ex02_fashion.main([*arguments, *more]) == 0
        report = reports.read_report("ex02_fashion", models_dir=tmp_path)
        start = " ".join(["python -m exercises.ex02_fashion", *more, "--seeds 1"])
        assert report.command.startswith(start)
        # La légende des courbes dit à quoi les réponses de l'élève sont comparées.
        assert {key: report[key] for key in ("targets",) if key in report} == named
