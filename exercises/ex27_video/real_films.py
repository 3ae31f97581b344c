"""Suivre de vrais passants : les quatre suivis de la leçon, sur deux films de rue.

Document : S3 « Object Tracking ».
Commande : python -m exercises.ex27_video.real_films
Résultat mesuré : leçon 27 (`python -m recipes.witnesses ex27_video.real_films`).

Aucun réglage n'est changé : ceux de `tracking.py` ont été choisis sur des films composés. Les
suivis reçoivent les vraies boîtes, comme si le détecteur ne se trompait jamais, puis celles d'un
vrai détecteur, qui oublie un passant sur quatre. Suivre n'a pas de graine : chaque film donne un
nombre, et deux films ne donnent pas d'intervalle.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from convnets.core.cli import lesson_parser, percent, reason
from convnets.datasets import films
from convnets.figures.charts import table
from convnets.figures.style import new_figure, output_dir
from convnets.training import lesson
from exercises.ex27_video.metrics import IOU_FOUND, Tracks, count, idf1, mota, overlaps
from exercises.ex27_video.tracking import METHODS, Method, track

LABELS = {
    "neighbour": "de voisin en voisin",
    "memory": "avec une mémoire",
    "kalman": "et la vitesse",
    "hungarian": "et l'affectation hongroise",
    "sort": "à la façon de SORT",
}
SORT = Method(optimal=True, moving=True, memory=2)  # une seule image d'absence
HITS = 3  # détections de suite avant que SORT ne montre une piste, sans compter celle qui l'ouvre
SHOWN_FILM = "TUD-Stadtmitte"
NOBODY = -1


# --- Question : que montre SORT ? ----------------------------------------------------


def follow(boxes: list[np.ndarray], name: str) -> Tracks:
    """Suit les boîtes d'un film.

    Args:
        boxes: par image, des boîtes `(n, 4)`.
        name: une clé de `LABELS`.
    """
    if name == "sort":
        return confirmed(Tracks(track(boxes, SORT), boxes))
    return Tracks(track(boxes, METHODS[name]), boxes)


def confirmed(found: Tracks, *, hits: int = HITS) -> Tracks:
    """Ne montre une piste qu'après `hits` détections de suite, sauf dans les premières images.

    Une fausse alarme ne dure pas : elle n'est jamais montrée. Un vrai passant l'est plus tard.

    Args:
        found: ce que rend un suivi.
        hits: détections de suite, sans compter celle qui ouvre la piste ; les `hits` premières
            images du film montrent tout.

    Source : Bewley et al., arXiv 1602.00763, section 3.4.
    """
    last, streaks, ids, boxes = {}, {}, [], []
    for t, (numbers, corners) in enumerate(zip(*found, strict=True)):
        shown = np.zeros(len(numbers), bool)
        for k, number in enumerate(numbers):
            if number not in last:
                streaks[number] = 0
            elif last[number] == t - 1:
                streaks[number] += 1
            else:  # elle revient d'une absence
                streaks[number] = 1
            last[number] = t
            shown[k] = streaks[number] >= hits or t < hits
        ids.append(numbers[shown])
        boxes.append(corners[shown])
    return Tracks(ids, boxes)


# --- Question : que vaut chaque suivi ? ----------------------------------------------


def measure(truths: dict[str, films.Boxes], seen: dict[str, films.Boxes]) -> dict[str, float]:
    """Mesure chaque suivi sur chaque film.

    Args:
        truths: la vérité.
        seen: les boîtes que reçoit le suivi.

    Returns:
        `TUD-Campus_idf1_neighbour`, `TUD-Campus_mota_neighbour`…
    """
    metrics = {}
    for film, truth in truths.items():
        for name in LABELS:
            counts = count(Tracks(*truth), follow(seen[film].boxes, name))
            metrics[f"{film}_mota_{name}"] = mota(counts)
            metrics[f"{film}_idf1_{name}"] = idf1(counts)
    return metrics


def witnesses() -> dict[str, float]:
    """Mesure les suivis sur les boîtes du détecteur, et sur les vraies (`true_…`)."""
    truths = films.load_truths()
    exact = {f"true_{name}": value for name, value in measure(truths, truths).items()}
    return measure(truths, films.load_detections()) | exact


def show(title: str, metrics: dict[str, float]) -> None:
    """Affiche les mesures de `measure`, un suivi par ligne."""
    columns = [(film, kind) for film in films.FILMS for kind in ("mota", "idf1")]
    rows = [
        [label, *(percent(metrics[f"{film}_{kind}_{name}"]) for film, kind in columns)]
        for name, label in LABELS.items()
    ]
    print(table([title, *(f"{film} : {kind.upper()}" for film, kind in columns)], rows))


# --- Question : qui porte quel numéro, du début à la fin ? ---------------------------


def numbers_given(truth: Tracks, found: Tracks) -> np.ndarray:
    """Rend le numéro que porte chaque passant dans chaque image.

    Args:
        truth: la vérité.
        found: ce que rend un suivi.

    Returns:
        `(passants, images)` entiers : `NOBODY` là où le passant est absent, ou n'est pas trouvé.
    """
    people = np.unique(np.concatenate(truth.ids))
    given = np.full((len(people), len(truth.ids)), NOBODY)
    for t, (true_ids, true_boxes, ids, boxes) in enumerate(zip(*truth, *found, strict=True)):
        shared = overlaps(true_boxes, boxes)
        for i, j in zip(*linear_sum_assignment(-shared), strict=True):
            if shared[i, j] >= IOU_FOUND:
                given[np.searchsorted(people, true_ids[i]), t] = ids[j]
    return given


def save_lines(path: Path, truth: Tracks, boxes: list[np.ndarray]) -> None:
    """Dessine, pour trois suivis, une ligne par passant et une couleur par numéro."""
    from matplotlib import colormaps

    names = ("neighbour", "memory", "kalman")
    palette = np.concatenate([colormaps[each](range(20)) for each in ("tab20", "tab20b")])
    with new_figure(path, rows=len(names), size=(8, 2.6)) as (_, axes):
        for axis, name in zip(axes[:, 0], names, strict=True):
            given = numbers_given(truth, follow(boxes, name))
            ranks = np.unique(given, return_inverse=True)[1].reshape(given.shape)
            colors = palette[ranks % len(palette)]
            colors[given == NOBODY] = 1  # blanc
            axis.imshow(colors, aspect="auto", interpolation="nearest")
            axis.set(title=LABELS[name], ylabel="passant", yticks=[])
        axes[-1, 0].set_xlabel("image du film")


def teach(options) -> None:
    """Mesure les suivis sur les vraies boîtes, puis sur celles du détecteur."""
    truths = films.load_truths()
    show("sur les vraies boîtes", measure(truths, truths))
    try:
        seen = films.load_detections()
    except FileNotFoundError as error:
        print(reason(error), file=sys.stderr)
        print("Sans les détections, seules les vraies boîtes sont suivies.")
        return
    show("sur les boîtes du détecteur", measure(truths, seen))
    path = output_dir(options) / "passants.png"
    save_lines(path, Tracks(*truths[SHOWN_FILM]), seen[SHOWN_FILM].boxes)
    print(f"Figure : {path}")


def main(argv: list[str] | None = None) -> int:
    """Lit les options, et suit les deux films."""
    parser = lesson_parser("ex27_video.real_films", __doc__.splitlines()[0], epochs=None)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
