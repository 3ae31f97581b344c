"""Les figures des exercices, dans un même style, écrites en PNG sans écran.

Les couleurs sont celles d'Okabe et Ito (2008), que distinguent aussi les daltoniens.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from convnets.core.cli import percent, printable
from convnets.core.reports import Metric

INK = "#1a1a1a"
POINT = re.compile(r"(?<=\d)\.(?=\d)")  # celui d'un nombre, et non d'une abréviation
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """Fixe, le temps d'un bloc, la police et les réglages de toutes les figures du cours."""
    import matplotlib

    with matplotlib.rc_context(
        {
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "text.color": INK,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "axes.grid": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 11,
            "axes.prop_cycle": matplotlib.cycler(color=COLORS),
            "legend.frameon": False,
            "savefig.dpi": 120,
            "hatch.linewidth": 0.6,
        }
    ):
        yield


@contextlib.contextmanager
def new_figure(path: Path, *, columns: int = 1, rows: int = 1, size=(6.0, 4.0)) -> Iterator[tuple]:
    """Ouvre une figure au style du cours et l'écrit à la sortie du bloc.

    Args:
        path: fichier PNG ; son dossier est créé.
        columns: nombre de cadres par ligne.
        rows: nombre de lignes.
        size: largeur et hauteur d'un cadre, en pouces.

    Yields:
        `(figure, axes)`, axes étant un tableau `(rows, columns)`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure((size[0] * columns, size[1] * rows), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots(rows, columns, squeeze=False)
        french_ticks(figure)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)


def french_ticks(figure) -> None:
    """Met une virgule aux graduations de tous les axes d'une figure, barres de couleurs comprises.

    `axes.formatter.use_locale` le ferait, là où le système a une langue française.

    Args:
        figure: figure de matplotlib, finie : un axe changé ensuite reprendrait ses points.
    """
    from matplotlib.axis import Axis

    for axis in figure.findobj(Axis):
        axis.set_major_formatter(_french(axis.get_major_formatter()))
        axis.set_minor_formatter(_french(axis.get_minor_formatter()))


def _comma(text) -> str:
    return POINT.sub(",", str(text))  # une graduation écrite à la main peut être un nombre


def _french(inner):
    from matplotlib.ticker import Formatter

    class French(Formatter):
        """Écrit ce qu'écrit un autre, une virgule à la place du point des nombres."""

        def set_axis(self, axis):
            super().set_axis(axis)
            inner.set_axis(axis)

        def set_locs(self, locs):
            inner.set_locs(locs)

        def __call__(self, x, pos=None):
            return _comma(inner(x, pos))

        def format_ticks(self, values):
            return [_comma(text) for text in inner.format_ticks(values)]

        def get_offset(self):
            return _comma(inner.get_offset())

    return French()


def spreads(metrics: Sequence[Metric], *, scale: float = 1) -> list[float] | None:
    """Rend les écarts-types à dessiner autour de moyennes, multipliés par `scale`.

    Returns:
        Un nombre par mesure, 0 si elle ne dépend pas des graines ; None, que matplotlib ne
        dessine pas, si aucune n'en a : une barre nulle dirait que des graines sont d'accord.
    """
    if all(metric.sd is None for metric in metrics):
        return None
    return [scale * (metric.sd or 0) for metric in metrics]


def set_epochs(axis, num_epochs: int) -> None:
    """Gradue des abscisses en époques : des entiers, même s'il n'y en a qu'une.

    Args:
        axis: cadre de matplotlib.
        num_epochs: nombre d'époques.
    """
    from matplotlib.ticker import MaxNLocator

    axis.set(xlabel="époque", xlim=(0.5, num_epochs + max(0.5, 0.03 * num_epochs)))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def output_dir(options) -> Path:
    """Rend le dossier des figures d'un exercice, `figures/exNN_slug` par défaut."""
    return options.output or Path("figures") / options.module


def output_file(options, name: str) -> Path:
    """Rend le fichier qu'écrit une commande qui n'en écrit qu'un.

    Args:
        options: options de `cli.training_parser` ; `output` y est un fichier ou un dossier.
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


def save_learning_curves(path: Path, history: dict[str, list[float]], *, targets: str = "") -> None:
    """Trace perte et exactitude, entraînement et validation.

    Args:
        path: fichier PNG.
        history: courbes de `training.fit`, une valeur par époque.
        targets: ce qu'il fallait répondre à l'entraînement, si ce n'est pas l'étiquette : les deux
            pertes ne se comparent alors pas, et la légende le dit.
    """
    learned = f"entraînement ({targets})" if targets else "entraînement"
    panels = (("loss", "Perte"), ("accuracy", "Exactitude"))
    with new_figure(path, columns=2) as (_, axes):
        for axis, (name, title) in zip(axes[0], panels, strict=True):
            for key, label in ((name, learned), (f"val_{name}", "validation")):
                num_epochs = len(history[key])
                epochs = range(1, num_epochs + 1)
                axis.plot(epochs, history[key], marker="o", markersize=3, label=label)
            axis.set_title(title)
            set_epochs(axis, num_epochs)
            axis.legend()


def save_confusion_matrix(path: Path, matrix: np.ndarray, classes: list[str]) -> None:
    """Dessine une matrice de confusion, avec les effectifs dans les cases.

    Args:
        path: fichier PNG.
        matrix: `(classes, classes)` entiers, lignes : vérité, colonnes : prédiction.
        classes: noms des classes, dans l'ordre.
    """
    matrix = np.asarray(matrix)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = max(3.4, 1 + 0.6 * len(classes))  # en pouces ; un titre tient dans la plus petite
    with new_figure(path, size=(side + 1, side)) as (figure, axes):
        axis = axes[0, 0]
        image = axis.imshow(share, cmap="cividis", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(matrix):
            color = "black" if share[row, column] > 0.5 else "white"
            axis.text(column, row, count, ha="center", va="center", color=color, fontsize=8)
        ticks = range(len(classes))
        axis.set_xticks(ticks, classes, rotation=45, ha="right")
        axis.set_yticks(ticks, classes)
        axis.set(
            xlabel="prédiction", ylabel="vérité", title="Matrice de confusion (images non apprises)"
        )
        figure.colorbar(image, label="part de la classe vraie", shrink=0.8)


def class_table(matrix: np.ndarray, classes: list[str]) -> str:
    """Met en tableau précision, rappel et F1 de chaque classe.

    Args:
        matrix: matrice de confusion `(classes, classes)`.
        classes: noms des classes.

    Returns:
        Un texte de `classes + 2` lignes ; « - » là où une classe n'a aucune image.
    """
    matrix = np.asarray(matrix)
    rows = [f"{'classe':<18} {'précision':>9} {'rappel':>9} {'F1':>9} {'images':>7}"]

    def share(part: float, whole: float) -> str:
        return percent(part / whole) if whole else "-"

    for i, name in enumerate(classes):
        right, actual, predicted = matrix[i, i], matrix[i].sum(), matrix[:, i].sum()
        rows.append(
            f"{name:<18} {share(right, predicted):>9} {share(right, actual):>9} "
            f"{share(2 * right, actual + predicted):>9} {actual:>7}"
        )
    rows.append(
        f"{'toutes':<18} {'':>9} {share(np.trace(matrix), matrix.sum()):>9} {'':>9} "
        f"{matrix.sum():>7}"
    )
    return "\n".join(rows)


def save_training_figures(options, report, x_test, y_test, probabilities) -> None:
    """Écrit courbes et matrice de confusion, et affiche le tableau par classe.

    Args:
        options: options de `cli.training_parser`.
        report: compte rendu de l'entraînement ; `targets`, s'il y est, va dans la légende.
        x_test: images de test, non utilisées ici.
        y_test: classes vraies `(n,)`, non utilisées ici.
        probabilities: `(n, classes)`, non utilisées ici.
    """
    folder, matrix = output_dir(options), np.array(report.confusion_matrix)
    save_learning_curves(folder / "courbes.png", report.history, targets=report.targets)
    save_confusion_matrix(folder / "confusion.png", matrix, report.classes_fr)
    print(class_table(matrix, report.classes_fr))
    print(f"Figures écrites dans {folder}/")


def save_mistakes(options, report, x_test, y_test, probabilities) -> None:
    """Écrit la page des erreurs dont le modèle était le plus sûr.

    Args:
        options: options de `cli.training_parser`.
        report: compte rendu de l'entraînement.
        x_test: images de test `(n, h, w)` ou `(n, h, w, 3)`, uint8.
        y_test: classes vraies `(n,)` ou `(n, 1)`.
        probabilities: `(n, classes)` dans [0, 1].
    """
    classes, y_test = report.classes_fr, y_test.reshape(-1)
    y_pred = probabilities.argmax(1)
    wrong = np.flatnonzero(y_pred != y_test)
    worst = wrong[np.argsort(-probabilities[wrong, y_pred[wrong]])][:24]
    path = output_dir(options) / "erreurs.png"
    rows = max(1, -(-len(worst) // 6))
    with new_figure(path, columns=6, rows=rows, size=(1.9, 2.1)) as (figure, axes):
        for axis in axes.flat:
            axis.axis("off")
        for axis, i in zip(axes.flat, worst, strict=False):
            axis.imshow(x_test[i], cmap="gray", vmin=0, vmax=255)
            share = f"{100 * probabilities[i, y_pred[i]]:.0f} %"
            axis.set_title(
                f"{classes[y_pred[i]]} à {share}\nvrai : {classes[y_test[i]]}", fontsize=8
            )
        figure.suptitle("Les erreurs dont le modèle était le plus sûr")


def save_filters(path: Path, rows: dict[str, np.ndarray], *, title: str) -> None:
    """Dessine des filtres, une ligne par étape : bleu négatif, blanc nul, rouge positif.

    Args:
        path: fichier PNG.
        rows: nom de la ligne → filtres `(n, h, w)`, n le même partout ; chacun est divisé par sa
            plus grande valeur absolue.
        title: au-dessus.
    """
    columns = len(next(iter(rows.values())))
    with new_figure(path, columns=columns, rows=len(rows), size=(1.2, 1.25)) as (figure, axes):
        figure.suptitle(title)
        for line, (name, filters) in zip(axes, rows.items(), strict=True):
            line[0].set_ylabel(name)
            for axis, each in zip(line, filters, strict=True):
                limit = np.abs(each).max() or 1.0
                axis.imshow(each, cmap="RdBu_r", vmin=-limit, vmax=limit)
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(True)
