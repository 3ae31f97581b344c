import pytest

from convnets.core import reports
from convnets.core.reports import Metric, Report
from docs import tables


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Un seul modèle, une tête."""
    monkeypatch.setattr(tables, "MODELS", ("ex05_inception",))
    report = Report(
        "python -m exercises.ex05_inception",
        {"accuracy": Metric(0.5, 0.01, 3)},
        num_parameters=4098,
        size_bytes=35_000,
        duration_s=Metric(90.0, None, 1),
        base={"name": "inception_v3"},
    )
    report.environment = {"hardware": "deux cœurs"}
    reports.replace_report(report, tmp_path / "ex05_inception.json")
    return tmp_path


def test_results_table_says_what_a_head_needs(models, monkeypatch):
    short = tables.results_table(models_dir=models, short=True).splitlines()
    row = "| ex05_inception | 50,00 % en une passe (écart type 1,00 ; 3 graines) | 4 098 (tête) "
    row += "| 35 ko et sa base |"
    assert short[1:] == ["|---|---|---|---|", row]
    whole = tables.results_table(models_dir=models).splitlines()[-1]
    assert whole.startswith(f"{row} 2 min par graine, deux cœurs |")
    assert whole.endswith("| `python -m exercises.ex05_inception` |")


def test_headlines_of_systems_and_of_the_others_do_not_mix():
    systems, others = (tables.headlines_table(systems=each) for each in (True, False))
    assert "| ex17_detection |" in systems and "| ex04_comparison |" not in systems
    assert "| ex04_comparison |" in others and "| ex17_detection |" not in others


def test_update_writes_between_the_marks(tmp_path):
    readme, results = tmp_path / "README.md", tmp_path / "resultats.md"
    scale = tmp_path / "bareme.md"
    scale.write_text("\nvieux\n".join(tables.marks("barème")), encoding="utf-8")
    old = {name: "\nvieux\n".join(tables.marks(name)) for name in ("exercices", "résultats")}
    readme.write_text("avant\n" + "\nentre\n".join(old.values()) + "\naprès\n", encoding="utf-8")
    results.write_text(
        "\n".join(
            "\nvieux\n".join(tables.marks(name))
            for name in ("résultats", "comparaisons", "introspection", "systèmes")
        ),
        encoding="utf-8",
    )
    tables.update_pages(readme=readme, results=results, scale=scale)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("avant\n") and text.endswith("après\n") and "vieux" not in text
    assert f"{tables.marks('exercices')[1]}\nentre\n{tables.marks('résultats')[0]}" in text
    text = scale.read_text(encoding="utf-8")
    assert "vieux" not in text and text.count("\n### ") == 29
    assert "| respecter l'architecture (`architecture`) | 5 | **1,25** : " in text
    text = results.read_text(encoding="utf-8")
    assert "vieux" not in text and "au hasard" in text and "le milieu" in text  # les témoins
    before = readme.read_bytes()
    results.write_text("rien")
    with pytest.raises(ValueError, match="repères"):
        tables.update_pages(readme=readme, results=results, scale=scale)
    assert readme.read_bytes() == before
