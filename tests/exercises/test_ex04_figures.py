import pytest


@pytest.fixture(scope="module")
def figures():
    from exercises import ex04_figures

    return ex04_figures


def fake_report(num_seeds):
    sd = 0.002 if num_seeds > 1 else None
    metric = {"mean": 0.98, "sd": sd, "n": num_seeds}
    names = ["accuracy", "accuracy_dense", "error", "error_dense"]
    names += [
        f"{n}_{w}_{d}" for n in ("lenet", "dense") for w in ("right", "down") for d in (-1, 0, 1)
    ]
    curve = {"mean": [0.5, 0.9], "sd": [0.1, 0.0]}
    curves = [
        f"{n}_{key}" for n in ("lenet", "dense") for key in ("loss", "val_loss", "val_accuracy")
    ]
    gap = {"mean": 0.0193, "confidence": 0.95, "low": 0.0168, "high": 0.0219}
    if num_seeds == 1:
        gap |= {"low": None, "high": None}
    return {
        "metrics": dict.fromkeys(names, metric),
        "difference": gap,
        "curves": dict.fromkeys(curves, curve),
    }


def test_summary_in_french(figures):
    assert figures.summary(fake_report(5)).splitlines()[::2] == [
        "LeNet : 98,00 % ± 0,20 de précision, 98,00 % ± 0,20 d'erreur (5 graines).",
        "Différence : 1,93 points, intervalle de confiance à 95 % (Welch) de 1,68 à 2,19.",
    ]
    alone = figures.summary(fake_report(1)).splitlines()
    assert alone[1:] == [
        "Réseau dense : 98,00 % de précision, 98,00 % d'erreur (1 graine).",
        "Différence : 1,93 points.",
    ]


@pytest.mark.parametrize("num_seeds", [1, 5])
def test_figures_come_from_the_report_alone(figures, tmp_path, num_seeds):
    figures.save_curves(fake_report(num_seeds), tmp_path / "a" / "comparison.png")
    figures.save_shifts(fake_report(num_seeds), tmp_path / "a" / "decalages.png")
    assert all(path.stat().st_size > 5000 for path in (tmp_path / "a").iterdir())
