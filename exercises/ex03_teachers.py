"""Les maîtres du grand réseau : celui qui est livré et, si l'on veut, un second.

D'après : Jour 04, exercice 3.
Commande : python -m exercises.ex03_again --partner DOSSIER

Un thème de l'exercice 03, dont l'entrée est `ex03_cifar10`.

Avec `--partner`, un second réseau de même forme répond aux mêmes images que le réseau livré, et
l'élève apprend une moyenne de leurs réponses, où le second compte pour un tiers : il a eu moins
d'époques. Deux réseaux partis de poids différents n'hésitent pas sur les mêmes images ; leur
moyenne ne coûte rien à qui se sert de l'élève.

Source : Hinton, Vinyals et Dean, arXiv 1503.02531, 2015 (apprendre ce que répondent, en moyenne,
plusieurs réseaux).
"""

from collections.abc import Sequence
from pathlib import Path

import keras

from convnets.core import reports
from convnets.training import distillation
from exercises import ex03_cifar10

RECIPE = "large"
PARTNER_SHARE = 1 / 3  # part du second maître, choisie sur les images de validation


def add_partner(parser) -> None:
    """Ajoute `--partner` à l'analyseur d'un exercice."""
    parser.add_argument(
        "--partner",
        type=Path,
        metavar="DOSSIER",
        help="dossier d'un second ex03_cifar10.keras et de son compte rendu : l'élève apprend la "
        "moyenne de ses réponses, pour un tiers, et de celles du réseau livré (aucun par défaut)",
    )


def name_command(options, command: str) -> None:
    """Note dans les options le module mesuré, et la commande que dira son compte rendu."""
    options.module = ex03_cifar10.RECIPES[RECIPE].slug
    options.command = command + (f" --partner {options.partner}" if options.partner else "")


def load_teachers(options) -> list[keras.Model]:
    """Charge le réseau livré, puis, avec `--partner`, le second maître.

    Args:
        options: celles de l'exercice.

    Raises:
        FileNotFoundError: modèle absent.
        ValueError: compte rendu qui ne correspond pas aux poids.
    """
    slug = ex03_cifar10.RECIPES[RECIPE].slug
    return [
        distillation.load_teacher(slug, precision=options.precision, models_dir=folder)
        for folder in _folders(options)
    ]


def describe_teachers(options, first: str) -> dict:
    """Rend ce que le compte rendu dit de chaque maître : sa commande, ses mesures, son fichier.

    Args:
        options: celles de l'exercice.
        first: nom donné au réseau livré, `"start"` ou `"teacher"`.

    Returns:
        `{first: {"command", "shipped", "duration_s", "sha256"}}`, et `"partner"`, de même forme,
        avec sa part (`"share"`). S'y ajoutent, de même forme, ceux dont un maître était lui-même
        parti ou l'élève.
    """
    slug, found = ex03_cifar10.RECIPES[RECIPE].slug, {}
    for name, folder in zip((first, "partner"), _folders(options), strict=False):
        report = reports.read_sidecar(slug, models_dir=folder)
        found[name] = {
            "command": report["command"],
            "shipped": report["shipped"],
            "duration_s": report["duration_s"]["mean"],
            "sha256": report["files"][f"{slug}.keras"],
            **{key: report[key] for key in ("start", "teacher", "partner") if key in report},
        }
    if "partner" in found:
        found["partner"]["share"] = PARTNER_SHARE
    return found


def share(teachers: Sequence) -> list[float]:
    """Rend la part de chaque maître dans ce que l'élève apprend : somme 1."""
    return [1 - PARTNER_SHARE, PARTNER_SHARE] if len(teachers) > 1 else [1.0]


def _folders(options) -> list[Path]:
    slug = ex03_cifar10.RECIPES[RECIPE].slug
    folders = [distillation.folder_of(slug, options.models_dir)]
    if options.partner and not (options.partner / f"{slug}.json").exists():
        raise FileNotFoundError(f"{options.partner} : pas de {slug}.json dans ce dossier.")
    return folders + [options.partner] * bool(options.partner)
