"""Les deux figures de l'exercice 15 : ce que coûte un réseau, à quoi sert un raccourci.

D'après : S3 « Un grand nombre d'architectures ».
Commande : python -m exercises.ex15_architectures
"""

from pathlib import Path

from convnets.figures.charts import curves, means_and_sds
from convnets.figures.style import COLORS, INK, new_figure
from exercises.ex15_architectures.inception import PAIR, PAIR_NAMES_FR
from exercises.ex15_architectures.networks import NAMES_FR, NETWORKS
from exercises.ex15_architectures.operations import measure
from exercises.ex15_architectures.residual import DEEP_NAMES_FR

MARKS = ("o", "s", "D", "^", "P", "X")


def metric_of(name: str) -> str:
    """Rend le nom de la mesure d'un réseau : celle de ResNet-8, enregistré, est `accuracy`."""
    return "accuracy" if name == "resnet" else f"accuracy_{name}"


# --- Question : l'exactitude, face aux paramètres et aux opérations ------------------


def save_costs(metrics: dict, path: Path) -> None:
    """Place les architectures selon ce qu'elles coûtent et ce qu'elles rapportent.

    Args:
        metrics: mesures d'un compte rendu, ou celles d'une graine.
        path: fichier PNG ; son dossier est créé.

    Source : la forme est celle de Canziani, Paszke et Culurciello, arXiv 1605.07678, 2016.
    """
    sizes = {name: measure(build_model()) for name, build_model in (NETWORKS | PAIR).items()}
    panels = (
        ("parameters", "paramètres", (1e4, 1e6)),
        ("operations", "multiplications-additions par image", (1e5, 1e8)),
    )
    with new_figure(path, columns=2) as (figure, axes):
        for axis, (cost, title, limits) in zip(axes[0], panels, strict=True):
            for rank, (name, label) in enumerate((NAMES_FR | PAIR_NAMES_FR).items()):
                means, sds = means_and_sds([metrics[metric_of(name)]])
                look = {"fmt": MARKS[rank], "markersize": 9, "color": COLORS[rank]}
                axis.errorbar(getattr(sizes[name], cost), means, sds, label=label, **look)
            axis.set(xlabel=title, xscale="log", xlim=limits, ylabel="exactitude sur le test (%)")
            axis.grid(linewidth=0.4)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        figure.suptitle("CIFAR-10 : mêmes images, mêmes époques, coûts différents")


# --- Question : avec et sans raccourcis ----------------------------------------------


def save_depths(history: dict[str, list[float]], path: Path) -> None:
    """Trace l'apprentissage des réseaux profonds, avec et sans raccourcis.

    Args:
        history: courbes d'une graine, chacune précédée du nom de son réseau.
        path: fichier PNG ; son dossier est créé.

    Source : la forme est celle de la figure 6 de He et al., arXiv 1512.03385.
    """
    panels = (
        ("loss", "Perte d'entraînement", ""),
        ("val_accuracy", "Exactitude de validation", "%"),
    )
    with new_figure(path, columns=2) as (_, axes):
        for axis, (key, title, unit) in zip(axes[0], panels, strict=True):
            lines = {label: history[f"{name}_{key}"] for name, label in DEEP_NAMES_FR.items()}
            curves(axis, lines, unit=unit)
            axis.set_title(title)
        axes[0, 1].axhline(10, color=INK, linewidth=0.8)  # le hasard, dix classes à parts égales
