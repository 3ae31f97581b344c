"""Le style des figures du cours, écrites en PNG sans écran.

Les couleurs sont celles d'Okabe et Ito (2008), que distinguent aussi les daltoniens.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from convnets.core import session
from convnets.core.cli import check_writable, printable
from convnets.core.files import own_suffix, replacing

INK = "#1a1a1a"
GREY = "#b5b5b5"  # les témoins, à côté de ce qui est appris
POINT = re.compile(r"(?<=\d)\.(?=\d)")  # celui d'un nombre, et non d'une abréviation
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

SETTINGS = {  # de toutes les figures du cours
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.prop_cycle": f"cycler(color={COLORS})",
    "legend.frameon": False,
    "savefig.dpi": 120,
}


def house_style() -> contextlib.AbstractContextManager:
    """Fixe, le temps d'un bloc, les réglages de toutes les figures du cours."""
    import matplotlib

    return matplotlib.rc_context(SETTINGS)


@contextlib.contextmanager
def new_figure(path: Path, *, columns: int = 1, rows: int = 1, size=(6.0, 4.0)) -> Iterator[tuple]:
    """Ouvre une figure au style du cours et l'écrit à la sortie du bloc.

    Si le temps a manqué à la leçon, son titre, qui pourrait conclure, est remplacé par cet avis.

    Args:
        path: fichier PNG ; son dossier est créé.
        columns: nombre de cadres par ligne.
        rows: nombre de lignes.
        size: largeur et hauteur d'un cadre, en pouces.

    Yields:
        `(figure, axes)`, axes étant un tableau `(rows, columns)`.
    """
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure((size[0] * columns, size[1] * rows), layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False)
        french_ticks(figure)
        if not session.is_fair():
            figure.suptitle(session.UNFAIR)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Un disque plein ne laisse pas de fichier vide ; un lien reste un lien.
        with replacing(path.resolve(), suffix=own_suffix()) as temporary:
            figure.savefig(temporary, format=path.suffix[1:].lower() or "png")


def french_ticks(figure) -> None:
    """Met une virgule aux graduations de tous les axes d'une figure, barres de couleurs comprises.

    `axes.formatter.use_locale` le ferait, là où le système a une langue française.

    Args:
        figure: figure de matplotlib, finie : un axe changé ensuite reprendrait ses points.
    """
    from matplotlib.axis import Axis

    for axis in figure.findobj(Axis):
        for formatter in (axis.get_major_formatter(), axis.get_minor_formatter()):
            formatter.format_ticks = _with_commas(formatter.format_ticks)


def _with_commas(format_ticks):
    # Une graduation écrite à la main peut être un nombre.
    return lambda values: [POINT.sub(",", str(text)) for text in format_ticks(values)]


def output_dir(options) -> Path:
    """Rend le dossier des figures d'un exercice, s'il convient.

    Par défaut, c'est `figures/exNN_slug`, ou `runs/figures/exNN_slug` d'une leçon abrégée.
    """
    folder = options.output or session.figures_dir() / options.module
    check_writable(folder, "--output")
    return folder


def output_file(options, name: str) -> Path:
    """Rend le fichier qu'écrit une commande qui n'en écrit qu'un.

    Args:
        options: options de `cli.lesson_parser` ; `output` y est un fichier ou un dossier.
        name: nom par défaut ; un `.png` est une image.

    Returns:
        `--output` s'il nomme un fichier, sinon `name` dans le dossier des figures.

    Raises:
        ValueError: une image serait écrite en PNG sous un nom qui dit autre chose.
    """
    if not options.output or options.output.is_dir():
        return output_dir(options) / name
    if name.endswith(".png") and options.output.suffix.lower() != ".png":
        raise ValueError(
            f"--output : {printable(str(options.output))} ne se termine pas par .png, et l'image "
            "s'écrit en PNG."
        )
    return options.output
