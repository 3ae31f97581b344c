"""Les phrases et la figure disent ce que disent les mesures, rien d'autre."""

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from convnets.core.reports import Report
from convnets.training.study import summarise
from exercises.ex23_what_matters import comparison, figures, networks, sentences

QUESTION = "S1, exercice 2 : ce qui fonctionne le mieux"


def make_report(gaps, *, seeds=3):
    """Un compte rendu inventé : `gaps` donne la différence et sa portée, en points."""
    datasets, metrics = {}, {"accuracy": summarise([0.5] * seeds)}
    for dataset in sentences.DATASETS_FR:
        datasets[dataset] = {}
        for job in comparison.make_jobs(0, dataset):
            middle, reach = gaps.get(job.key, (0.0, 1.0))
            datasets[dataset][job.key] = {
                "parameters": 1000,
                "operations": 2500 if job.key == "deep" else 1000,
                "gap": []
                if job.name == "reference"
                else [(middle + k * reach) / 100 for k in (0, -1, 1)],
            }
            metrics[f"accuracy_{dataset}_{job.key}"] = summarise([0.5 + middle / 100] * seeds)
    return Report(command="", metrics=metrics, details={"datasets": datasets})


@pytest.mark.question(QUESTION)
def test_sentences_follow_the_measures():
    report = make_report({"deep": (2.0, 1.0), "half": (-3.0, 1.0), "double": (0.9, 1.0)})
    told = sentences.tell_dataset(report, "cifar10")
    assert told.startswith(
        "CIFAR-10, référence à 50,0 % ; au-dessus : six convolutions (+2,0) ; au-dessous : deux "
        "fois moins de filtres (−3,0) ; indiscernables : deux fois plus de filtres (+0,9), "
    )
    assert "témoin" not in told and told.count("(") == len(networks.CHANGES)
    report = make_report({"deep": (-2.0, 1.0), "half": (3.0, 1.0)})
    told = sentences.tell_dataset(report, "cifar10")
    assert "au-dessus : deux fois moins de filtres (+3,0) ; au-dessous : six convo" in told
    assert "au-dessus : aucune ; au-dessous : aucune" in sentences.tell_dataset(
        make_report({}), "fashion_mnist"
    )


@pytest.mark.question("S3, Dropout et data-augmentation")
def test_the_budget_is_said_to_change_the_verdict_only_if_it_does():
    report = make_report({"dropout": (-4.0, 1.0), "dropout_long": (3.0, 1.0)})
    linear, dropout, augmented = sentences.tell_budget(report, "cifar10")
    assert dropout == (
        "CIFAR-10, dropout : au-dessous au budget court (−4,0 [−5,0 ; −3,0]), au-dessus au budget "
        "long (+3,0 [+2,0 ; +4,0])."
    )
    assert augmented.count("indiscernable") == linear.count("indiscernable") == 2
    assert sentences.tell_budget(report, "fashion_mnist") == []


@pytest.mark.question(QUESTION)
def test_chance_is_told():
    one, three = (" ".join(sentences.tell(make_report({}, seeds=seeds))) for seeds in (1, 3))
    assert "pas celui de l'apprentissage (--seeds 3" in one and "à tort" not in one
    assert "Les intervalles comptent le hasard des 3 graines et des images de test" in three
    assert "Sur 26 intervalles à 95 %, 1,3 en moyenne" in three
    lucky = sentences.tell_twin(make_report({"twin": (-2.0, 1.0)}))
    assert lucky.count("on l'en distinguerait, à tort") == 2 and "−2,0 [−3,0 ; −1,0]" in lucky


@pytest.mark.question(QUESTION)
def test_what_cannot_be_told_apart_is_grey_and_named(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: drawn.append(figure))
    report = make_report({"deep": (2.0, 1.0), "half": (-3.0, 1.0)})
    figures.save_gaps(report, tmp_path / "pieces.png")
    for axis in drawn[0].axes:
        colors = {}
        for container in axis.containers:
            (x,), (row,) = container[0].get_data()
            colors[row] = (round(x), to_hex(container[0].get_color()))
        rows = [text.get_text() for text in drawn[0].axes[0].get_yticklabels()]
        assert len(rows) == 17
        found = {rows[row]: color for row, color in colors.items()}
        assert len(found) == (17 if "CIFAR-10" in axis.get_title() else 14)
        assert found.pop("six convolutions") == (2, figures.STYLES[1][0].lower())
        assert found.pop("deux fois moins de filtres") == (-3, figures.STYLES[-1][0].lower())
        assert {*found.values()} == {(0, figures.GREY)}
        assert sum(text.get_text() == "× 2,5" for text in axis.texts) == 1
    caption = drawn[0].get_supxlabel().replace("\n", " ")
    assert caption.count("noyaux 1×1") == 2 and "six convolutions" not in caption
    assert f"Les lignes du bas : {figures.LONG} fois plus d'époques" in caption
    assert "--seeds" not in caption and "En gris" in caption


def test_the_table_has_a_line_per_network():
    lines = figures.table(make_report({"half": (-3.0, 1.0)}), "cifar10").splitlines()
    assert len(lines) == 1 + len(comparison.make_jobs(0, "cifar10"))
    assert lines[1].split() == ["référence", "1", "000", "1", "000", "50,0", "%"]
    (half,) = [line for line in lines if line.startswith("deux fois moins")]
    assert half.endswith("47,0 %   −3,0 [−4,0 ; −2,0]")
