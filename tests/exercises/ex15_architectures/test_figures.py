import pytest

from convnets.core import reports

QUESTION = "S3 Un grand nombre d'architectures"


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_figures_of_the_published_measures(tmp_path):
    from exercises.ex15_architectures import figures

    measures = reports.load_measures("ex15_architectures")
    figures.save_costs(measures.metrics, tmp_path / "sous" / "couts.png")
    history = reports.read_report("ex15_architectures").history
    figures.save_depths(history, tmp_path / "sous" / "profondeurs.png")
    for path in (tmp_path / "sous").iterdir():
        assert path.stat().st_size > 20_000
