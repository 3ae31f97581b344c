"""Les scènes et leur phrase, les questions et leur réponse, où il regarde, les mesures.

D'après : S3, figures (4) et (5).
Commande : python -m exercises.ex25_captions --show
"""

from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Report, format_metric, read_report
from convnets.datasets import sources
from convnets.figures.style import COLORS, INK, new_figure, output_dir, spreads
from convnets.training import saving
from exercises.ex25_captions import decoding, training
from exercises.ex25_captions.questions import ASKED, TYPES_FR
from exercises.ex25_captions.scenes import SCENE_PX, Album

RIGHT, WRONG = COLORS[2], COLORS[1]  # vert, orange : ceux d'Okabe et Ito
NUM_SEEN, NUM_UNSEEN = 6, 4  # scènes montrées : les premières de chaque test, sans choix
FONT_PT = 9.5
CHARACTER = 0.602  # largeur d'un caractère de chasse fixe, en parts de sa hauteur
LINE = 1.35  # interligne, de même
WIDTH = 44  # caractères par ligne, à côté d'une scène
NUM_WORDS_SHOWN = 12  # d'une phrase, sur la figure de l'attention
CAPTIONING = {
    "constant": "la phrase la plus fréquente",
    "neighbour": "la phrase de la scène la plus proche",
    "network": "le réseau",
}
ANSWERING = {
    "constant": "la réponse la plus fréquente",
    "blind": "le même réseau sans l'image",
    "network": "le réseau",
}
PARTS = {"seen": "couples vus", "unseen": "couples jamais vus"}


class Word(NamedTuple):
    """Un mot à écrire, et sa couleur."""

    text: str
    color: str


def parts(model: keras.Model) -> list[keras.Model]:
    """Rend les trois réseaux que réunit le modèle."""
    return [model.get_layer(name) for name in ("encoder", "speaker", "answerer")]


# --- Question : quels mots sont justes ? ---------------------------------------------


def color_words(said: list[str], truth: list[str]) -> list[Word]:
    """Colore les mots d'une phrase : en vert ceux de la vraie, à leur place ; en orange les autres.

    Args:
        said: mots dits.
        truth: mots de la vraie phrase.

    Returns:
        Les mots dits ; un mot de trop décale les suivants sans les rendre faux.
    """
    blocks = SequenceMatcher(None, said, truth, autojunk=False).get_matching_blocks()
    right = {k for block in blocks for k in range(block.a, block.a + block.size)}
    return [Word(word, RIGHT if k in right else WRONG) for k, word in enumerate(said)]


def _write(axis, words: list[Word], *, first_line: float) -> float:
    """Écrit des mots à droite d'une scène, ligne à ligne ; rend la ligne qui suit."""
    line, column = first_line, 0
    for word in words:
        if word.text == ",":
            column -= 1  # contre le mot qui précède
        elif column + len(word.text) > WIDTH:
            line, column = line + 1, 0
        axis.annotate(
            word.text,
            (SCENE_PX, 0),
            xytext=(8 + column * CHARACTER * FONT_PT, -2 - line * LINE * FONT_PT),
            textcoords="offset points",
            color=word.color,
            family="DejaVu Sans Mono",
            fontsize=FONT_PT,
            va="top",
            annotation_clip=False,
        )
        column += len(word.text) + 1
    return line + 1


def _show(axis, image: np.ndarray) -> None:
    axis.imshow(image)
    axis.axis("off")
    axis.set_anchor("W")  # le texte tient à droite


def _each(first: Album, second: Album) -> Iterator[tuple[Album, int, str]]:
    """Parcourt les scènes montrées : `(partie, rang, mention)`."""
    for k in range(min(NUM_SEEN, len(first.images))):
        yield first, k, ""
    for k in range(min(NUM_UNSEEN, len(second.images))):
        yield second, k, "couple jamais vu"


def save_captions(said: np.ndarray, seen: Album, unseen: Album, path: Path) -> None:
    """Dessine des scènes et la phrase que le réseau en dit.

    Args:
        said: phrases des scènes montrées, dans l'ordre de `_each`, `(n, mots)`.
        seen: scènes aux couples vus.
        unseen: scènes dont un couple ne l'a jamais été.
        path: fichier PNG.
    """
    shown = [*_each(seen, unseen)]
    rows = -(-len(shown) // 2)
    with new_figure(path, columns=2, rows=rows, size=(5.5, 1.45)) as (figure, axes):
        for axis in axes.flat:
            axis.axis("off")
        for axis, numbers, (album, k, note) in zip(axes.flat, said, shown, strict=False):
            _show(axis, album.images[k])
            words = decoding.to_words(numbers)
            truth = decoding.to_words(album.captions[k])
            line = _write(axis, [Word(note, COLORS[0])], first_line=0) if note else 0
            line = _write(axis, color_words(words, truth), first_line=line)
            if words != truth:
                _write(axis, [Word(word, INK) for word in ["Vérité :", *truth]], first_line=line)
        figure.suptitle(
            "Ce que le réseau dit de scènes qu'il n'a jamais vues (vert : mots justes ; orange : "
            "mots faux)"
        )


def save_questions(replies: np.ndarray, seen: Album, unseen: Album, path: Path) -> None:
    """Dessine des scènes, des questions et les réponses du réseau.

    Args:
        replies: réponses aux scènes montrées, dans l'ordre de `_each`, `(n, q)`.
        seen: scènes aux couples vus.
        unseen: scènes dont un couple ne l'a jamais été ; les questions portent sur lui.
        path: fichier PNG.
    """
    shown = [*_each(seen, unseen)]
    rows = -(-len(shown) // 2)
    with new_figure(path, columns=2, rows=rows, size=(5.5, 1.45)) as (figure, axes):
        for axis in axes.flat:
            axis.axis("off")
        for axis, given, (album, k, note) in zip(axes.flat, replies, shown, strict=False):
            _show(axis, album.images[k])
            line = _write(axis, [Word(note, COLORS[0])], first_line=0) if note else 0
            asked = zip(album.questions[k], given, album.answers[k], strict=True)
            for numbers, reply, truth in dict.fromkeys((tuple(q), a, t) for q, a, t in asked):
                said, true = decoding.to_answers([reply, truth])
                question = " ".join(ASKED.words[number] for number in numbers if number)
                words = [Word(word, INK) for word in question.capitalize().split()]
                words += [Word(word, RIGHT if reply == truth else WRONG) for word in said.split()]
                if reply != truth:
                    words += [Word(word, INK) for word in f"({true})".split()]
                line = _write(axis, words, first_line=line) + 0.25
        figure.suptitle(
            "Ce que le réseau répond (vert : juste ; orange : faux, et la vérité entre parenthèses)"
        )


# --- Question : où regarde-t-il ? ----------------------------------------------------


def save_attention(image: np.ndarray, words: list[str], attention: np.ndarray, path: Path) -> None:
    """Dessine où le réseau regarde pour dire chaque mot.

    Args:
        image: scène uint8 `(64, 64, 3)`.
        words: mots dits.
        attention: `(mots, 64)` : par mot, la part de chaque case de la carte.
        path: fichier PNG.
    """
    count = min(len(words), NUM_WORDS_SHOWN)
    columns = -(-count // 2)
    side = int(attention.shape[1] ** 0.5)
    with new_figure(path, columns=columns, rows=2, size=(1.7, 1.95)) as (figure, axes):
        for axis in axes.flat:
            axis.axis("off")
        for axis, word, looked in zip(axes.flat, words[:count], attention, strict=False):
            axis.imshow(image)
            mask = 1 - looked.reshape(side, side) / looked.max()
            axis.imshow(
                np.zeros((side, side)),
                alpha=0.6 * mask,
                cmap="gray",
                extent=(-0.5, SCENE_PX - 0.5, SCENE_PX - 0.5, -0.5),
            )
            axis.set_title(word, weight="bold")
        figure.suptitle("Où le réseau regarde pour dire chaque mot (clair : beaucoup)")


# --- Question : que vaut-il, à côté de qui devine ? ----------------------------------


def save_measures(report: Report, path: Path) -> None:
    """Compare le réseau à ses témoins ; la barre d'erreur est l'écart-type.

    Args:
        report: compte rendu, `models/ex25_captions.json`.
        path: fichier PNG.
    """
    panels = (
        ("Décrire", {"exact": "phrases exactes", "bleu4": "BLEU-4"}, CAPTIONING),
        ("Répondre, selon la question", TYPES_FR, ANSWERING),
    )
    colors = dict(zip(("constant", "neighbour", "blind", "network"), _SHADES, strict=True))
    with new_figure(path, columns=2, size=(6.6, 4.2)) as (_, axes):
        for axis, (title, measures, who) in zip(axes[0], panels, strict=True):
            groups = [(key, part) for part in PARTS for key in measures]
            for k, (name, label) in enumerate(who.items()):
                for place, (key, part) in enumerate(groups):
                    metric = report.metrics[f"{key}_{name}_{part}"]
                    x, value = place + 0.27 * (k - 1), 100 * metric.mean
                    axis.bar(
                        x,
                        value,
                        yerr=spreads([metric], scale=100),
                        width=0.25,
                        color=colors[name],
                        capsize=2,
                        label=label if not place else None,
                    )
                    text = percent(metric.mean).replace(" %", "").replace("100,0", "100")
                    axis.text(x, value + 100 * (metric.sd or 0) + 2, text, ha="center", fontsize=8)
            axis.axvline(len(measures) - 0.5, color=INK, linewidth=1, linestyle=":")
            for k, text in enumerate(PARTS.values()):
                axis.text((k + 0.5) * len(measures) - 0.5, 112, text, ha="center", weight="bold")
            axis.set_xticks(
                range(len(groups)),
                [
                    measures[key].replace("quelle ", "quelle\n").replace("phrases ", "phrases\n")
                    for key, _ in groups
                ],
            )
            axis.set(ylim=(0, 120), ylabel="%", title=title, yticks=range(0, 101, 20))
            axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, fontsize=8.5)


_SHADES = ("#bbbbbb", COLORS[4], COLORS[4], COLORS[0])


def tables(report: Report) -> str:
    """Met en tableau les phrases, puis les réponses : chaque témoin, chaque test."""
    lines = []
    kinds = (
        ("décrire", {"exact": "exactes"} | {f"bleu{n}": f"BLEU-{n}" for n in (1, 4)}, CAPTIONING),
        ("répondre", TYPES_FR, ANSWERING),
    )
    for title, measures, who in kinds:
        for part, label in PARTS.items():
            lines.append(
                f"{title + ', ' + label:<40} "
                + " ".join(f"{text:>20}" for text in measures.values())
            )
            for name, text in who.items():
                values = [format_metric(report.metrics[f"{m}_{name}_{part}"]) for m in measures]
                lines.append(f"  {text:<38} " + " ".join(f"{value:>20}" for value in values))
    return "\n".join(lines)


def save_examples(model: keras.Model, seen: Album, unseen: Album, folder: Path) -> None:
    """Écrit `legendes.png`, `questions.png` et `regard.png`.

    Args:
        model: construit par `network.build_model`.
        seen: scènes aux couples vus.
        unseen: scènes dont un couple ne l'a jamais été.
        folder: dossier des figures.
    """
    shown = [*_each(seen, unseen)]
    maps = decoding.see(model, np.stack([album.images[k] for album, k, _ in shown]))
    said, attention = decoding.say(model, maps)
    save_captions(said, seen, unseen, folder / "legendes.png")
    asked = np.stack([album.questions[k] for album, k, _ in shown])
    replies = decoding.reply(model.get_layer("answerer"), maps, asked)
    save_questions(replies, seen, unseen, folder / "questions.png")
    words = [decoding.to_words(each) for each in said]
    k = max(range(len(words)), key=lambda k: min(len(words[k]), NUM_WORDS_SHOWN))
    album, row, _ = shown[k]
    save_attention(album.images[row], words[k], attention[k], folder / "regard.png")


def save_all(options, report: Report, model: keras.Model, seen: Album, unseen: Album) -> None:
    """Écrit les quatre figures et affiche les mesures.

    Args:
        options: options de `cli.training_parser`.
        report: compte rendu.
        model: construit par `network.build_model`.
        seen: scènes aux couples vus.
        unseen: scènes dont un couple ne l'a jamais été.
    """
    print(tables(report))
    folder = output_dir(options)
    save_examples(model, seen, unseen, folder)
    save_measures(report, folder / "legendes_mesures.png")
    print(f"Figures écrites dans {folder}/")


def show_again(options) -> int:
    """Redit et redessine ce que le modèle enregistré a mesuré, sans apprendre ; rend 0."""
    report = read_report(options.module, models_dir=options.models_dir)
    model = saving.load_model(options.module, models_dir=options.models_dir)
    datasets = sources.load_fashion_mnist(), sources.load_cifar10()
    albums = training.make_albums(*datasets, limit=max(NUM_SEEN, NUM_UNSEEN))
    save_all(options, report, model, albums["seen"], albums["unseen"])
    return 0
