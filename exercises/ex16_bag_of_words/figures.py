"""Les figures du sac de mots : le dictionnaire, une image en mots, la comparaison.

D'après : S3 « Avant le deep ».
Commande : python -m exercises.ex16_bag_of_words samples/chat.png
"""

from pathlib import Path

import keras
import numpy as np

from convnets.core.reports import Report, format_metric, format_seeds
from convnets.datasets import sources
from convnets.figures.charts import save_confusion_matrix
from convnets.figures.style import COLORS, new_figure, output_dir
from convnets.serving.classifier import prepare
from convnets.training import saving
from exercises.ex16_bag_of_words.dictionary import Dictionary, word_pictures
from exercises.ex16_bag_of_words.encoding import CODINGS, build_distances, read_dictionary

SHOWN_WORDS = 200  # les plus fréquents du dictionnaire
TOP_WORDS = 8  # les plus fréquents d'une image
CODINGS_FR = {
    "hard": "histogramme",
    "hard_quarters": "histogramme de chaque quart",
    "soft": "codage doux",
    "soft_quarters": "codage doux de chaque quart",
}
STYLES = dict(zip(CODINGS, ("s--", "s-", "o--", "o-"), strict=True))


# --- Question : que dit le dictionnaire ? --------------------------------------------


def tile(pictures: np.ndarray, columns: int, *, gap_px: int = 1) -> np.ndarray:
    """Range des vignettes en lignes, séparées par du blanc.

    Args:
        pictures: `(n, h, w, 3)` dans [0, 1].
        columns: vignettes par ligne.
        gap_px: largeur du blanc, en pixels.

    Returns:
        `(lignes·(h + gap) - gap, colonnes·(w + gap) - gap, 3)` float32.
    """
    n, height, width, _ = pictures.shape
    rows = -(-n // columns)
    page = np.ones((rows * columns, height + gap_px, width + gap_px, 3), np.float32)
    page[:n, :height, :width] = pictures
    page = page.reshape(rows, columns, *page.shape[1:]).swapaxes(1, 2)
    page = page.reshape(rows * (height + gap_px), columns * (width + gap_px), 3)
    return page[: page.shape[0] - gap_px, : page.shape[1] - gap_px]


def save_dictionary(dictionary: Dictionary, path: Path) -> None:
    """Montre les mots les plus fréquents, comme des morceaux d'image."""
    pictures = word_pictures(dictionary)
    with new_figure(path, size=(8.0, 2.9)) as (_, axes):
        axes[0, 0].imshow(tile(pictures[:SHOWN_WORDS], 25), interpolation="nearest")
        axes[0, 0].axis("off")
        shown = min(SHOWN_WORDS, len(pictures))
        axes[0, 0].set_title(f"Les {shown} mots les plus fréquents, sur {len(pictures)}")


# --- Question : que devient une image ? ----------------------------------------------


def nearest_words(dictionary: Dictionary, x: np.ndarray) -> np.ndarray:
    """Rend le mot de chaque morceau : images uint8 `(n, 32, 32, 3)` → `(n, 14, 14)` entiers."""
    distances = build_distances(dictionary)(x, training=False)
    return keras.ops.convert_to_numpy(distances).argmin(-1)


def save_words(dictionary: Dictionary, x: np.ndarray, titles: list[str], path: Path) -> None:
    """Montre des images, chaque morceau remplacé par son mot, et leur histogramme.

    Args:
        dictionary: celui du modèle livré.
        x: images uint8 `(n, 32, 32, 3)`.
        titles: un titre par image.
        path: fichier PNG ; son dossier est créé.
    """
    pictures, found = word_pictures(dictionary), nearest_words(dictionary, x)
    with new_figure(path, columns=3, rows=len(x), size=(3.6, 3.2)) as (_, axes):
        for row, image, title, words in zip(axes, x, titles, found, strict=True):
            row[0].imshow(image)
            row[0].set_title(title)
            row[1].imshow(tile(pictures[words.ravel()], words.shape[1], gap_px=0))
            row[1].set_title("chaque morceau, son mot")
            counts = np.bincount(words.ravel(), minlength=len(pictures))
            row[2].vlines(np.arange(len(counts)), 0, counts, linewidth=1.5)
            row[2].set(
                title="histogramme, et ses premiers mots",
                ylim=(0, 1.3 * counts.max()),
                xlabel="mot, du plus fréquent au plus rare",
                ylabel="morceaux",
            )
            row[2].yaxis.get_major_locator().set_params(integer=True)
            top = np.argsort(-counts, kind="stable")[: min(TOP_WORDS, np.count_nonzero(counts))]
            strip = row[2].inset_axes((0.0, 0.84, 1.0, 0.16))
            strip.imshow(tile(pictures[top], len(top)), interpolation="nearest")
            for axis in (row[0], row[1], strip):
                axis.axis("off")


# --- Question : lequel est le meilleur ? ---------------------------------------------


def save_comparison(report: Report, path: Path) -> None:
    """Trace l'exactitude selon la taille du dictionnaire, puis selon le temps de processeur.

    Args:
        report: compte rendu, `models/ex16_bag_of_words.json`.
        path: fichier PNG ; son dossier est créé.
    """
    metrics, sizes = report.metrics, report.details["sizes"]
    others = {
        "pixels": ("pixels bruts", COLORS[6], "X"),
        "cnn": ("réseau, même temps", COLORS[2], "^"),
        "cnn_long": ("réseau, plus longtemps", COLORS[3], "^"),
    }
    with new_figure(path, columns=2, size=(6.0, 4.6)) as (figure, axes):
        by_size, by_time = axes[0]
        for coding, label in CODINGS_FR.items():
            color = COLORS[coding.startswith("soft")]
            accuracy, sd = _series(metrics, [f"{coding}_{size}" for size in sizes])
            by_size.errorbar(sizes, accuracy, sd, fmt=STYLES[coding], color=color, label=label)
            seconds = [report.details["cpu_s"][f"{coding}_{size}"]["mean"] for size in sizes]
            by_time.plot(seconds, accuracy, STYLES[coding], color=color)
        for name, (label, color, mark) in others.items():
            accuracy, sd = _series(metrics, [f"accuracy_{name}"])
            by_size.axhline(accuracy[0], color=color, linestyle=":")
            seconds = report.details["cpu_s"][name]["mean"]
            # Un seul point : le pointillé n'est que dans la légende, qui nomme ainsi les deux.
            by_time.errorbar(seconds, accuracy, sd, fmt=f"{mark}:", color=color, label=label)
        by_size.set(xscale="log", xlabel="mots du dictionnaire", ylabel="exactitude (%)")
        by_size.set_xticks(sizes, sizes)
        by_size.minorticks_off()
        by_time.set(xscale="log", xlabel="apprentissage, secondes de processeur")
        by_time.xaxis.get_major_locator().set_params(subs=(1, 3))
        by_time.xaxis.set_major_formatter("{x:g}")
        by_time.xaxis.set_minor_formatter("")
        for axis in axes[0]:
            axis.set_ylim(0, 80)
            axis.axhline(10, color="0.6", linewidth=0.8)
            axis.grid(axis="y", linewidth=0.4)
        figure.legend(loc="outside lower center", ncols=4)
        by_size.text(sizes[0], 11, "hasard", color="0.4", fontsize=8)
        seeds = format_seeds(metrics["accuracy"])
        figure.suptitle(
            f"{report.num_images['train']} images d'entraînement, exactitude de test ({seeds})"
        )


def _series(metrics: dict, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    found = [metrics[name] for name in names]
    return tuple(
        100 * np.array([getattr(each, key) or 0 for each in found]) for key in ("mean", "sd")
    )


def summary(report: Report) -> str:
    """Dit le résultat, une ligne par mesure mise en avant, puis les temps.

    Args:
        report: compte rendu, `models/ex16_bag_of_words.json`.

    Returns:
        Quelques lignes de texte.
    """
    metrics, cpu_s = report.metrics, report.details["cpu_s"]
    lines = [f"{each.label} : {format_metric(metrics[each.metric])}" for each in report.headline]
    shipped = cpu_s[f"soft_quarters_{report.details['sizes'][-1]}"]["mean"]
    lines.append(
        f"Secondes de processeur : sac {shipped:.0f}, réseau {cpu_s['cnn']['mean']:.0f}, "
        f"plus longtemps {cpu_s['cnn_long']['mean']:.0f}. Nombres appris : sac "
        f"{report.parameters['bag']}, réseau {report.parameters['cnn']}."
    )
    return "\n".join(lines)


def show(options, report, x_test, y_test, probabilities) -> None:
    """Dit le résultat et écrit les figures."""
    print(summary(report))
    folder = output_dir(options)
    save_comparison(report, folder / "comparaison.png")
    save_confusion_matrix(folder / "confusion.png", report.confusion_matrix, report.classes_fr)
    dictionary = read_dictionary(saving.load_model(options.module, models_dir=options.models_dir))
    save_dictionary(dictionary, folder / "dictionnaire.png")
    names = [report.classes_fr[label] for label in y_test.reshape(-1)[:2]]
    save_words(dictionary, x_test[:2], names, folder / "histogramme.png")
    print(f"Figures écrites dans {folder}/")


def show_image(options) -> int:
    """Montre une image en mots, avec le modèle livré ; rend 0."""
    model = saving.load_model(options.module, models_dir=options.models_dir)
    image = prepare(options.image, model.input_shape[1:])
    guess = sources.CIFAR10_CLASSES_FR[model.predict(image[None], verbose=0)[0].argmax()]
    path = output_dir(options) / f"{Path(options.image).stem}_mots.png"
    save_words(read_dictionary(model), image[None], [f"prédiction : {guess}"], path)
    print(path)
    return 0
