"""LIME : quels morceaux de l'image font sa classe, d'après un modèle linéaire local.

Document : S3 « Local Interpretable Model-Agnostic Expl. (LIME) ».
Commande : python -m exercises.ex10_lime samples/chien.webp

Le réseau n'est vu que par ses réponses, celles du moteur léger de `./predict` : on cache au hasard
des morceaux de l'image, et on ajuste une somme pondérée des morceaux visibles à la probabilité
qu'il donne à la classe.
"""

from pathlib import Path

import numpy as np
from scipy import ndimage

from convnets.core.cli import run
from convnets.explaining import maps, verdict
from convnets.explaining.methods import POINTS
from convnets.figures.style import INK, new_figure, output_dir

NUM_SEGMENTS = 49  # pour 32×32 pixels : une vingtaine chacun, une oreille ou une roue
NUM_SAMPLES = 192  # variantes de l'image, quatre par morceau
COLOR_SCALE = 0.15  # écart de couleur, de 0 à 1, qui compte autant qu'un pas de la grille
ITERATIONS = 10  # de k-moyennes : au-delà, les morceaux ne bougent plus guère
KERNEL_WIDTH = 0.25  # largeur du noyau : une variante très cachée compte peu
PENALTY = 0.01  # de la régression ridge ; assez petite pour ne pas changer un coefficient net
ROUNDING = 1e-6  # un coefficient plus petit n'est que l'arrondi d'une probabilité float32


# --- Question : découper l'image en morceaux -----------------------------------------


def segment(image: np.ndarray, *, num_segments: int = NUM_SEGMENTS) -> np.ndarray:
    """Regroupe les pixels voisins et de même couleur, par k-moyennes.

    Args:
        image: `(H, W, 3)` uint8.
        num_segments: nombre de morceaux voulu, à peu près : la grille de départ est régulière.

    Returns:
        Numéros des morceaux, `(H, W)` entiers, de 0 au nombre de morceaux moins 1 ; chaque
        morceau est d'un seul tenant.

    Source : Achanta et al., « SLIC Superpixels », IEEE TPAMI 34(11), 2012.
    """
    height, width, _ = image.shape
    step = max(1.0, np.sqrt(height * width / num_segments))  # pixels
    down, across = (max(1, round(side / step)) for side in (height, width))
    rows, columns = np.mgrid[:height, :width]
    features = np.dstack([rows / step, columns / step, image / (255 * COLOR_SCALE)]).reshape(-1, 5)
    labels = (rows * down // height * across + columns * across // width).reshape(-1)
    for _ in range(ITERATIONS):
        counts = np.bincount(labels)
        centres = np.stack([np.bincount(labels, each) for each in features.T], axis=1)
        centres = (centres / np.maximum(counts, 1)[:, None])[counts > 0]  # (k, 5)
        # |f - c|² à |f|² près, qui ne change pas le plus proche.
        labels = ((centres**2).sum(1) - 2 * features @ centres.T).argmin(1)
    labels = _connect(labels.reshape(height, width))
    return np.unique(labels, return_inverse=True)[1].reshape(height, width)


def _connect(labels: np.ndarray) -> np.ndarray:
    """Garde le plus grand bloc de chaque morceau, et donne le reste au bloc le plus proche."""
    kept = np.zeros(labels.shape, bool)
    for number in np.unique(labels):
        blocks, _ = ndimage.label(labels == number)
        kept |= blocks == np.bincount(blocks.flat)[1:].argmax() + 1
    nearest = ndimage.distance_transform_edt(~kept, return_distances=False, return_indices=True)
    return labels[tuple(nearest)]


# --- Question : cacher des morceaux, et ajuster un modèle linéaire local -------------


def variants(image: np.ndarray, segments: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Cache des morceaux sous la couleur moyenne de l'image : rend `(n, H, W, 3)` uint8.

    Args:
        image: `(H, W, 3)` uint8.
        segments: `(H, W)`, rendus par `segment`.
        visible: `(n, morceaux)` booléens.
    """
    ground = image.mean((0, 1)).round().astype(np.uint8)
    return np.where(visible[:, segments, None], image, ground)


def fit_linear(visible: np.ndarray, outputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ajuste une somme pondérée des morceaux visibles, par régression ridge pondérée.

    Args:
        visible: `(n, morceaux)` booléens.
        outputs: `(n,)`, réponse du réseau à chaque variante.
        weights: `(n,)`, ce que compte le carré de l'erreur sur chaque variante.

    Returns:
        Coefficients `(morceaux,)` float64 ; la pénalité vaut 0,01 fois la somme de leurs carrés.
        La constante du modèle, non pénalisée, est omise.
    """
    shares = weights / weights.sum()
    centred = visible - shares @ visible
    gram = (centred.T * weights) @ centred + PENALTY * np.eye(visible.shape[1])
    return np.linalg.solve(gram, (centred.T * weights) @ (outputs - shares @ outputs))


def lime_coefficients(
    model,
    image: np.ndarray,
    class_index: int,
    *,
    num_samples: int = NUM_SAMPLES,
    num_segments: int = NUM_SEGMENTS,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Mesure ce que chaque morceau ajoute à la probabilité d'une classe.

    Dans une variante, chaque morceau est visible une fois sur deux. Elle pèse exp(−(d / 0,25)²),
    où d vaut 1 moins la racine de la part des morceaux visibles. Une variante presque entière pèse
    donc plus : c'est près de l'image que le modèle linéaire doit être juste.

    Args:
        model: images uint8 → probabilités ; il n'est pas modifié.
        image: `(H, W, 3)` uint8.
        class_index: classe expliquée.
        num_samples: variantes, l'image entière comprise.
        num_segments: nombre de morceaux voulu.
        seed: graine des morceaux cachés.

    Returns:
        `(coefficients, segments)` : `(morceaux,)` float64, différences de probabilité de signe
        quelconque, et `(H, W)` entiers.

    Raises:
        ValueError: graine négative.

    Source : Ribeiro, Singh et Guestrin, arXiv 1602.04938, équation 2 et algorithme 1.
    """
    segments = segment(image, num_segments=num_segments)
    visible = np.random.default_rng(seed).random((num_samples, segments.max() + 1)) < 0.5
    visible[0] = True  # l'image elle-même
    outputs = model.predict(variants(image, segments, visible), batch_size=256, verbose=0)
    changes = outputs[:, class_index].astype(np.float64) - outputs[0, class_index]
    distances = 1 - np.sqrt(visible.mean(1))  # du cosinus, entre la variante et l'image
    coefficients = fit_linear(visible, changes, np.exp(-((distances / KERNEL_WIDTH) ** 2)))
    coefficients[abs(coefficients) < ROUNDING] = 0
    return coefficients, segments


def gains(model, image: np.ndarray, class_index: int, **options) -> np.ndarray:
    """Donne à chaque pixel le coefficient de son morceau : `(H, W)`, de signe quelconque."""
    coefficients, segments = lime_coefficients(model, image, class_index, **options)
    return coefficients[segments]


def lime(model, image: np.ndarray, class_index: int, **options) -> np.ndarray:
    """Rend la carte de `gains`, mêmes options : `(H, W)` float32 dans [0, 1].

    Le négatif y vaut zéro, le plus grand un ; des zéros si rien n'est positif.
    """
    return maps.normalise(gains(model, image, class_index, **options))


# --- Question : ce qu'on voit --------------------------------------------------------


def save_segments(subject, coefficients, segments: np.ndarray, path: Path) -> None:
    """Dessine les morceaux d'une image et ce que chacun ajoute à la classe.

    Args:
        subject: rendu par `load_subject`.
        coefficients: rendus, avec les morceaux, par `lime_coefficients`.
        segments: `(H, W)`.
        path: fichier PNG.
    """
    gained = 100 * coefficients[segments]
    highest = max(abs(gained).max(), verdict.FLOOR)
    with new_figure(path, columns=2, size=(4.4, 4.2)) as (figure, axes):
        picture, signed = axes[0]
        picture.imshow(subject.image)
        picture.set_title(f"Les {len(coefficients)} morceaux")
        drawn = signed.imshow(gained, cmap="PuOr_r", vmin=-highest, vmax=highest)
        signed.set_title(f"Coefficients : ce que chacun ajoute à « {subject.class_fr} »")
        figure.colorbar(drawn, ax=signed, shrink=0.75, label=POINTS)
        for axis in axes[0]:
            axis.set_axis_off()
            for direction, draw in enumerate((axis.hlines, axis.vlines)):
                edges = np.argwhere(np.diff(segments, axis=direction))
                fixed, start = edges[:, direction] + 0.5, edges[:, 1 - direction] - 0.5
                draw(fixed, start, start + 1, color=INK, linewidth=0.8)


def main(argv: list[str] | None = None) -> int:
    """Explique une image et écrit les figures."""
    options = maps.explanation_parser("ex10_lime", __doc__).parse_args(argv)

    def body() -> int:
        subject = maps.load_subject(options, light=True)
        coefficients, segments = lime_coefficients(
            subject.model, subject.image, subject.class_index
        )
        verdict.show(subject, coefficients[segments], options, "lime", method="LIME", unit=POINTS)
        path = output_dir(options) / f"{Path(options.image).stem}_morceaux.png"
        save_segments(subject, coefficients, segments, path)
        print(path)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
