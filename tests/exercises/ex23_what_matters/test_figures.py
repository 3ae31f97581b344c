"""Les phrases et le tableau disent ce que disent les mesures, rien d'autre."""

import pytest

from convnets.core.reports import Report, summarise
from exercises.ex23_what_matters import __main__ as ex23
from exercises.ex23_what_matters import figures, networks

QUESTION = "S1, exercice 2 : ce qui fonctionne le mieux"


def make_report(gaps, *, seeds=3):
    """Un compte rendu inventé : `gaps` donne la différence et sa portée, en points."""
    datasets = {name: {} for name in figures.DATASETS_FR}
    metrics = {"accuracy": summarise([0.5] * seeds)}
    for dataset, key, *_ in ex23.make_jobs():
        middle, reach = gaps.get(key, (0.0, 1.0))
        gap = [(middle + k * reach) / 100 for k in (0, -1, 1)]
        compared = [] if key.startswith("reference") else gap
        datasets[dataset][key] = {"parameters": 1000, "operations": 2500, "gap": compared}
        metrics[f"accuracy_{dataset}_{key}"] = summarise([0.5 + middle / 100] * seeds)
    return Report(command="", metrics=metrics, details={"datasets": datasets})


@pytest.mark.question(QUESTION)
def test_sentences_follow_the_measures():
    report = make_report({"deep": (2.0, 1.0), "half": (-3.0, 1.0), "double": (0.9, 1.0)})
    told = figures.tell_dataset(report, "cifar10")
    assert told.startswith(
        "CIFAR-10, référence à 50,0 % ; au-dessus : six convolutions (+2,0) ; au-dessous : deux "
        "fois moins de filtres (−3,0) ; indiscernables : deux fois plus de filtres (+0,9), "
    )
    assert "témoin" not in told and told.count("(") == len(networks.CHANGES)
    told = figures.tell_dataset(make_report({}), "fashion_mnist")
    assert "au-dessus : aucune ; au-dessous : aucune" in told


@pytest.mark.question("S3, Dropout et data-augmentation")
def test_the_budget_is_said_to_change_the_verdict_only_if_it_does():
    report = make_report({"dropout": (-4.0, 1.0), "dropout_long": (3.0, 1.0)})
    linear, dropout, augmented = figures.tell_budget(report, "cifar10")
    assert dropout == (
        "CIFAR-10, dropout : au-dessous au budget court (−4,0 [−5,0 ; −3,0]), au-dessus au budget "
        "long (+3,0 [+2,0 ; +4,0])."
    )
    assert augmented.count("indiscernable") == linear.count("indiscernable") == 2
    assert figures.tell_budget(report, "fashion_mnist") == []


def test_chance_is_told():
    one, three = (figures.tell_chance(make_report({}, seeds=seeds)) for seeds in (1, 3))
    assert "ne comptent que le hasard des images de test" in one
    assert "comptent le hasard des 3 graines et des images de test" in three
    assert "Sur 26 intervalles à 95 %, 1,3 en moyenne" in three


def test_the_table_has_a_line_per_network():
    lines = figures.results_table(make_report({"half": (-3.0, 1.0)}), "cifar10").splitlines()
    assert lines[1].split() == ["référence", "1", "000", "2", "500", "50,0", "%", "-"]
    (half,) = [line for line in lines if line.startswith("deux fois moins")]
    assert half.split("47,0 %")[1].strip() == "−3,0 [−4,0 ; −2,0]"
