"""Les figures : phrases et images, force de la phrase, du bruit à l'image, plus proches voisines.

D'après : S3, figure (6), phrase → image.
Commande : python -m exercises.ex26_text_to_image --show
"""

from pathlib import Path

import keras
import numpy as np

from convnets.core.reports import Report, format_metric, read_report
from convnets.figures.style import COLORS, INK, new_figure, output_dir, spreads
from convnets.training import saving
from exercises.ex26_text_to_image import flow, measures, network, sentences
from exercises.ex26_text_to_image.subjects import Subject

NUM_SHOWN = 8  # images par phrase
SHOWN_FORCES = (0, 0.5, 1, 2, 4, 8)
SHOWN_STEPS = (0, 4, 8, 12, 14, 16, 18, 20)  # sur les vingt
ROWS = 4  # phrases des deux bandes
FRECHET_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
SEED = 100  # du bruit de ces figures : aucune mesure ne s'en est servie
NAIVE = {  # clé → nom, couleur, trait
    "real": ("vraies images", COLORS[2], "--"),
    "exact": ("réseau parfait, qui recopie", COLORS[3], ":"),
    "mean": ("image moyenne de la classe", COLORS[4], "-."),
    "noise": ("bruit", "#7e7e7e", (0, (1, 3))),
}
MEASURES = {
    "named": ("nommées comme demandé", "%"),
    "obeyed": ("adjectifs vrais", "%"),
    "frechet": ("distance de Fréchet", ""),
    "distance": ("écart à la plus proche apprise, en niveaux", ""),
    "copied": ("presque recopiées", "%"),
}


def draw(model: keras.Model, subject: Subject, asked: list[str], *, columns: int, guidance: float):
    """Dessine des phrases, avec les mêmes bruits pour chacune.

    Returns:
        Images uint8 `(pas + 1, phrases, columns, h, w, c)`.
    """
    noise = network.draw_noise(subject, columns, seed=SEED)
    words = sentences.encode(subject, asked)
    drawn = network.draw_path(
        model,
        np.repeat(words, columns, axis=0),
        np.tile(noise, (len(asked), 1, 1, 1)),
        guidance=guidance,
    )
    return drawn.reshape(len(drawn), len(asked), columns, *subject.pixels)


def save_rows(
    path: Path, rows: dict[str, np.ndarray], *, title: str, names: list[list[str]] | None = None
) -> None:
    """Dessine des lignes d'images, chacune nommée à sa gauche.

    Args:
        path: fichier PNG.
        rows: nom de la ligne → images uint8 `(n, h, w, c)`, n le même partout.
        title: au-dessus.
        names: ce qui est écrit au-dessus de chaque image, ligne par ligne.
    """
    columns = len(next(iter(rows.values())))
    with new_figure(path, columns=columns, rows=len(rows), size=(1.2 + 2.4 / columns, 1.25)) as (
        figure,
        axes,
    ):
        figure.suptitle(title, fontsize=13)
        for k, (line, (name, images)) in enumerate(zip(axes, rows.items(), strict=True)):
            line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11, labelpad=8)
            for j, (axis, image) in enumerate(zip(line, images, strict=True)):
                axis.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(False)
                if names:
                    axis.set_title(names[k][j], fontsize=10)


# --- Question : que dessine une phrase ? ---------------------------------------------


def save_sentences(path: Path, model: keras.Model, subject: Subject) -> None:
    """Montre huit images par phrase ; une colonne part toujours du même bruit."""
    asked = list(subject.examples)
    images = draw(model, subject, asked, columns=NUM_SHOWN, guidance=flow.GUIDANCE)[-1]
    rows = {f"« {sentence} »": each for sentence, each in zip(asked, images, strict=True)}
    title = "Une phrase par ligne, un bruit par colonne : rien n'est choisi ni retouché"
    save_rows(path, rows, title=title)


# --- Question : que fait la force de la phrase ? -------------------------------------


def save_guidance(path: Path, model: keras.Model, subject: Subject) -> None:
    """Montre le même bruit, de la phrase non lue à la phrase trop écoutée."""
    asked = list(subject.examples[:ROWS])
    images = np.stack(
        [
            draw(model, subject, asked, columns=1, guidance=force)[-1, :, 0]
            for force in SHOWN_FORCES
        ],
        axis=1,
    )
    rows = {f"« {sentence} »": each for sentence, each in zip(asked, images, strict=True)}
    heads = [f"force {force:g}".replace(".", ",") for force in SHOWN_FORCES]
    names = [heads, *[[""] * len(heads)] * (len(asked) - 1)]
    title = "Le même bruit, la phrase de plus en plus écoutée (0 : elle n'est pas lue)"
    save_rows(path, rows, title=title, names=names)


# --- Question : comment l'image sort-elle du bruit ? ---------------------------------


def save_path(path: Path, model: keras.Model, subject: Subject) -> None:
    """Montre quelques points du chemin, du bruit à l'image."""
    asked = list(subject.examples[::2][:ROWS])
    points = draw(model, subject, asked, columns=1, guidance=flow.GUIDANCE)[:, :, 0]
    images = np.moveaxis(points[list(SHOWN_STEPS)], 0, 1)
    rows = {f"« {sentence} »": each for sentence, each in zip(asked, images, strict=True)}
    heads = [f"t = {step / flow.NUM_STEPS:g}".replace(".", ",") for step in SHOWN_STEPS]
    names = [heads, *[[""] * len(heads)] * (len(asked) - 1)]
    title = f"Du bruit à l'image, en {flow.NUM_STEPS} pas"
    save_rows(path, rows, title=title, names=names)


# --- Question : a-t-il seulement retenu une image ? ----------------------------------


def save_neighbours(
    path: Path, model: keras.Model, subject: Subject, train: np.ndarray, test: np.ndarray
) -> None:
    """Montre des images et, dessous, la plus proche de toutes celles d'apprentissage.

    Args:
        path: fichier PNG.
        model: le réseau.
        subject: le sujet.
        train: images d'apprentissage uint8 `(n, h, w, c)`.
        test: images de test, de même : de quoi comparer les écarts.
    """
    drawn = draw(model, subject, list(subject.examples), columns=1, guidance=flow.GUIDANCE)[
        -1, :, 0
    ]
    rows, names = {}, []
    for name, images in (("fabriquée", drawn), ("vraie, non apprise", test[: len(drawn)])):
        near = measures.neighbours(images, train)
        rows |= {name: images, f"la plus proche apprise de la {name}": train[near.nearest]}
        names += [[""] * len(images), [f"écart {each:.0f}" for each in near.distance]]
    rows = {name.replace(" de la ", "\nde la "): images for name, images in rows.items()}
    title = "A-t-il retenu une image ? La plus proche de toutes celles qu'il a apprises"
    save_rows(path, rows, title=title, names=names)


# --- Question : que vaut chaque force ? ----------------------------------------------


def save_measures(path: Path, report: Report) -> None:
    """Trace chaque mesure selon la force, les réponses naïves en traits horizontaux.

    Args:
        path: fichier PNG.
        report: compte rendu.
    """
    shown = ("named", "obeyed", "frechet")
    forces = measured_forces(report)
    with new_figure(path, columns=len(shown), size=(4.4, 4.2)) as (figure, axes):
        for axis, name in zip(axes[0], shown, strict=True):
            label, unit = MEASURES[name]
            scale = 100 if unit else 1
            found = [report.metrics[f"{name}_{force}"] for force in forces]
            axis.errorbar(
                range(len(forces)),
                [scale * each.mean for each in found],
                spreads(found, scale=scale),
                marker="o",
                capsize=3,
                color=COLORS[0],
                label="images fabriquées",
            )
            for key, (text, color, style) in NAIVE.items():
                value = scale * report.metrics[f"{name}_{key}"].mean
                axis.axhline(value, color=color, linestyle=style, label=text)
            axis.set_xticks(range(len(forces)), forces)
            axis.set(xlabel="force de la phrase", title=label + (f" ({unit})" if unit else ""))
            if unit:
                axis.set_ylim(0, 104)
            else:
                axis.set_yscale("log")
                low, high = axis.get_ylim()
                ticks = [tick for tick in FRECHET_TICKS if low <= tick <= high]
                axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
                axis.minorticks_off()
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=10)
        seeds = len(report.seeds)
        how = f"{seeds} graines, moyenne et écart-type" if seeds > 1 else "une graine"
        figure.suptitle(f"{report.num_images['test']} phrases de test ({how})", color=INK)


def measured_forces(report: Report) -> list[int]:
    """Rend les forces que le compte rendu mesure, de la plus petite à la plus grande."""
    ends = (name.removeprefix("named_") for name in report.metrics if name.startswith("named_"))
    return sorted(int(end) for end in ends if end.isdigit())


def table(report: Report) -> str:
    """Met en tableau toutes les mesures d'un compte rendu."""
    heads = ["nommées", "adjectifs", "Fréchet", "écart", "recopiées"]
    lines = [f"{'images':<32}" + "".join(f"{head:>17}" for head in heads)]
    rows = {f"fabriquées, force {force}": force for force in measured_forces(report)}
    for label, key in (rows | {text: key for key, (text, *_) in NAIVE.items()}).items():
        cells = [
            format_metric(report.metrics[f"{name}_{key}"], unit)
            for name, (_, unit) in MEASURES.items()
        ]
        lines.append(f"{label:<32}" + "".join(f"{cell:>17}" for cell in cells))
    return "\n".join(lines)


def save_all(options, subject: Subject, report: Report, model: keras.Model, dataset) -> None:
    """Écrit les cinq figures et affiche le tableau.

    Args:
        options: options de `cli.training_parser`.
        subject: le sujet.
        report: compte rendu.
        model: le réseau livré.
        dataset: le jeu d'images.
    """
    print(table(report))
    folder = output_dir(options)
    save_examples(folder, model, subject, dataset)
    save_measures(folder / "mesures.png", report)
    print(f"Figures écrites dans {folder}/")


def save_examples(folder: Path, model: keras.Model, subject: Subject, dataset) -> None:
    """Écrit les quatre figures que dessine le réseau."""
    train, test = (x.reshape(-1, *subject.pixels) for x, _ in dataset)
    save_sentences(folder / "phrases.png", model, subject)
    save_guidance(folder / "force.png", model, subject)
    save_path(folder / "chemin.png", model, subject)
    save_neighbours(folder / "voisines.png", model, subject, train, test)


def show_again(options, subject: Subject) -> int:
    """Redit et redessine ce que le réseau enregistré a mesuré, sans apprendre ; rend 0."""
    report = read_report(options.module, models_dir=options.models_dir)
    model = saving.load_model(options.module, models_dir=options.models_dir)
    save_all(options, subject, report, model, subject.load())
    return 0
