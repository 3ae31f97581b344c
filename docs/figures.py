"""Les figures des exercices 00 à 05 : animations, courbes, confusions, erreurs, filtres.

Commandes : python -m docs.figures
            python -m docs.figures --only 4 6
Résultat : docs/figures.md et les images de docs/figures/.

Rien n'est appris ici : chaque figure vient d'un modèle livré ou de son compte rendu, par le code de
l'exercice. Ce qui est écrit sous elle en est compté.
"""

import contextlib
import io
from argparse import Namespace
from functools import partial
from pathlib import Path

import numpy as np

from convnets.core.cli import agreed, percent
from convnets.core.reports import Report, load_measures, read_report
from docs.illustrated import Entry, Page, run_page

# --- Les exercices 00 et 01 ----------------------------------------------------------


def draw_convolution(folder: Path) -> str:
    """Dessine une convolution et un pooling qui glissent, et LeNet-5."""
    from exercises.ex00_convolution import figures

    with contextlib.redirect_stdout(io.StringIO()):  # les chemins des figures
        figures.save_all(folder)
    return ""


def draw_learned_filters(folder: Path) -> str:
    """Dessine les filtres du petit réseau de X et de O, avant et après l'apprentissage."""
    from convnets.training import saving
    from exercises.ex00_convolution import learned_filters

    model = saving.load_model("ex00_learned_filters")
    with contextlib.redirect_stdout(io.StringIO()):  # le chemin des figures
        learned_filters.save_figures(model, folder)
    named = learned_filters.name_pictures(model).items()
    found = ", ".join(f"{name} à {percent(share)}" for name, share in named)
    return f"Probabilité d'être un X : {found}.\n"


def draw_edges(folder: Path) -> str:
    """Dessine les sept filtres de l'exercice 01 sur le pont."""
    from convnets.core.images import open_image
    from exercises import ex01_filters

    image = np.array(open_image(ex01_filters.SAMPLE))
    responses = ex01_filters.filter_bank(image)
    ex01_filters.save_comparison(folder / "comparaison.png", image, responses)
    mean = responses["moyenne"]
    return f"Moyenne : de {mean.min():.0f} à {mean.max():.0f}, sur une échelle de 0 à 255.\n"


# --- Les réseaux appris --------------------------------------------------------------


def training_figures(slug: str, folder: Path) -> Report:
    """Dessine courbes et matrice de confusion, d'après le compte rendu d'un modèle livré."""
    from convnets.figures.charts import save_training_figures

    report = read_report(slug)
    with contextlib.redirect_stdout(io.StringIO()):  # le tableau par classe
        save_training_figures(Namespace(output=folder, module=slug), report)
    return report


def draw_network(slug: str, dataset: str, folder: Path) -> str:
    """Dessine courbes, confusions et erreurs les plus sûres d'un modèle livré.

    Args:
        slug: nom du modèle.
        dataset: fonction de `convnets.datasets.sources` qui lit ses images.
        folder: où dessiner.

    Returns:
        Voir `describe`.
    """
    from convnets.datasets import sources
    from convnets.figures.charts import save_mistakes
    from convnets.training import saving

    report = training_figures(slug, folder)
    _, (x_test, y_test) = getattr(sources, dataset)()
    probabilities = saving.load_model(slug).predict(x_test, batch_size=500, verbose=0)
    save_mistakes(Namespace(output=folder, module=slug), report, x_test, y_test, probabilities)
    return describe(report)


def describe(report: Report) -> str:
    """Dit ce que comptent les courbes et la matrice de confusion d'un compte rendu.

    Args:
        report: celui d'un modèle livré.

    Returns:
        Deux phrases : ce que la dernière époque a donné, puis la confusion la plus fréquente.
    """
    matrix = np.array(report.confusion_matrix)
    wrong = matrix - np.diag(np.diag(matrix))
    true, answered = np.unravel_index(wrong.argmax(), wrong.shape)
    thousands = f"{matrix.sum():,}".replace(",", " ")
    epochs = agreed(len(report.history["accuracy"]), "époque")
    # La tête d'ex05 est jugée sur deux vues ; ses courbes n'en ont qu'une.
    validation = percent(
        report.details.get("validation_accuracy", report.history["val_accuracy"][-1])
    )
    names = report.classes_fr
    return (
        f"Exactitude de validation après {epochs} : {validation} ; sur les {thousands} images "
        f"de test, {agreed(int(wrong.sum()), 'erreur')}.\n"
        f"Confusion la plus fréquente : « {names[true]} » pris pour « {names[answered]} », "
        f"{wrong[true, answered]} fois sur {matrix[true].sum()}.\n"
    )


def draw_inception(folder: Path) -> str:
    """Dessine la tête apprise sur InceptionV3, et l'oubli quand la fin de la base change."""
    from exercises.ex05_inception import forgetting

    report = training_figures("ex05_inception", folder)
    forgetting.save_figure(load_measures("ex05_forgetting").metrics, folder / "oubli.png")
    return describe(report)


# --- La page -------------------------------------------------------------------------

ENTRIES = (
    Entry(
        "convolution",
        "00. Une convolution, un pooling, et une chaîne des deux",
        "python -m exercises.ex00_convolution --figures figures",
        "La fenêtre glisse sur l'image, et chaque position donne un nombre. LeNet-5 enchaîne des "
        "convolutions et des poolings, puis des couches denses.",
        draw_convolution,
    ),
    Entry(
        "filtres_appris",
        "00. Des filtres posés à la main, ou appris",
        "python -m exercises.ex00_convolution.learned_filters",
        "Le réseau du cours apprend ses trois filtres sur des X et des O. La figure montre les "
        "filtres tirés au hasard, puis appris. Rien n'oblige le réseau à retrouver ceux du cours.",
        draw_learned_filters,
    ),
    Entry(
        "filtres",
        "01. Lignes horizontales, lignes verticales",
        "python -m exercises.ex01_filters",
        "Un contour est un écart entre des pixels voisins. Le signe de l'écart dit de quel côté "
        "l'image est claire.",
        draw_edges,
    ),
    Entry(
        "fashion",
        "02. Fashion-MNIST",
        "python -m exercises.ex02_fashion",
        "La dernière figure montre les erreurs dont le réseau était le plus sûr ; plusieurs de ces "
        "vêtements sont difficiles à nommer à l'œil.",
        partial(draw_network, "ex02_fashion", "load_fashion_mnist"),
    ),
    Entry(
        "cifar10",
        "03. CIFAR-10",
        "python -m exercises.ex03_cifar10",
        "Le taux d'apprentissage monte, puis redescend. Tant que ce taux est grand, l'exactitude "
        "de validation change beaucoup d'une époque à l'autre ; à la fin, elle ne change presque "
        "plus. Environ la moitié des erreurs dont le réseau était le plus sûr prennent un animal "
        "pour un autre.",
        partial(draw_network, "ex03_cifar10", "load_cifar10"),
    ),
    Entry(
        "lenet",
        "04. LeNet sur MNIST",
        "python -m exercises.ex04_lenet",
        "La dernière figure montre les erreurs dont le réseau était le plus sûr ; plusieurs de ces "
        "chiffres sont difficiles à lire à l'œil.",
        partial(draw_network, "ex04_lenet", "load_mnist"),
    ),
    Entry(
        "inception",
        "05. InceptionV3, réemployé pour des vêtements",
        "python -m exercises.ex05_inception",
        "La tête est apprise sur une base figée. La dernière figure montre l'oubli : quand on "
        "réapprend la fin de la base pour une seconde tâche, l'exactitude de la première tâche "
        "baisse, à partir d'un taux d'apprentissage de 3·10⁻⁴, de 20 ± 8 points (cinq graines).",
        draw_inception,
    ),
)


PAGE = Page(
    "figures",
    "# Les figures des exercices 00 à 05\n\n"
    "Ces figures montrent les modèles livrés. La commande de chaque exercice dessine les mêmes "
    "figures, dans `figures/`, pour le modèle qu'elle apprend. `python -m docs.figures` refait "
    "cette page.",
    ENTRIES,
)


def main(argv: list[str] | None = None) -> int:
    """Refait les figures, toutes ou celles que dit `--only`, puis la page."""
    return run_page(PAGE, argv, module="figures", description=__doc__.splitlines()[0])


if __name__ == "__main__":
    raise SystemExit(main())
