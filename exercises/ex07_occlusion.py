"""Occlusion : cacher un carré de l'image, et voir ce que la réponse y perd.

Document : S3 (diapositives), « Occlusion ».
Commande : python -m exercises.ex07_occlusion samples/chien.webp

L'exercice ne dérive rien et n'emploie pas Keras : on pose la même question au moteur léger de
`./predict`, une fois par endroit caché. Un pixel compte d'autant plus que la probabilité baisse
quand on cache ce qui l'entoure.
"""

import numpy as np

from convnets.core.cli import agreed, run
from convnets.explaining import maps, verdict
from convnets.explaining.methods import POINTS
from convnets.serving.images import THUMBNAIL_PX

# Pour une image de 32×32 ; ils grandissent avec elle (`default_square`).
PATCH_PX = 8  # côté du carré : le quart d'une image de CIFAR-10, de quoi cacher une tête
STRIDE_PX = 2  # d'un carré au suivant : 169 images de 32×32, moins d'une seconde
GREY = 128  # milieu de l'échelle des pixels, de 0 à 255
FILLS = ("mean", "black", "grey")
BATCH_SIZE = 256  # images cachées que l'on garde ensemble en mémoire


# --- Question : de quoi couvrir ------------------------------------------------------


def default_square(image: np.ndarray) -> tuple[int, int]:
    """Rend le côté du carré et son pas, en pixels.

    Ils grandissent avec l'image : le nombre de carrés reste à peu près le même.

    Args:
        image: `(H, W, 3)`.

    Returns:
        `PATCH_PX` et `STRIDE_PX`, multipliés par le nombre entier de fois, au moins une, que le
        petit côté contient `THUMBNAIL_PX`.
    """
    scale = max(1, min(image.shape[:2]) // THUMBNAIL_PX)
    return scale * PATCH_PX, scale * STRIDE_PX


def fill_color(image: np.ndarray, fill: str) -> np.ndarray:
    """Rend la couleur du carré, dans l'échelle de l'image.

    Args:
        image: `(H, W, 3)` uint8.
        fill: `"mean"`, la couleur moyenne de l'image, la plus discrète ; `"black"` ;
            `"grey"`, 128 partout.

    Returns:
        `(3,)` uint8, arrondie à l'entier le plus proche.

    Raises:
        ValueError: `fill` inconnu.
    """
    if fill not in FILLS:
        raise ValueError(f"Remplissage {fill!r} reçu ; au choix : {', '.join(FILLS)}.")
    color = {"mean": image.mean(axis=(0, 1)), "black": np.zeros(3), "grey": np.full(3, GREY)}
    return color[fill].round().astype(image.dtype)


def positions(length_px: int, patch_px: int, stride_px: int) -> list[int]:
    """Rend le premier pixel de chaque carré ; le dernier carré touche toujours le bord.

    Args:
        length_px: côté de l'image, en pixels.
        patch_px: côté du carré.
        stride_px: pas d'un carré au suivant.

    Returns:
        De 0, de pas en pas, puis contre le bord ; aucune place deux fois.
    """
    last = length_px - patch_px
    return [*range(0, last, stride_px), last]


# --- Question : ce que la classe y perd ----------------------------------------------


def drops(
    model,
    image: np.ndarray,
    class_index: int,
    *,
    patch_px: int | None = None,
    stride_px: int | None = None,
    fill: str = "mean",
) -> np.ndarray:
    """Mesure, pour chaque pixel, la baisse moyenne de la probabilité quand il est caché.

    Args:
        model: images uint8 `(n, H, W, 3)` → probabilités `(n, classes)` ; seul `predict` sert.
        image: `(H, W, 3)` uint8 dans [0, 255].
        class_index: classe expliquée.
        patch_px: côté du carré, en pixels ; par défaut, celui de `default_square`.
        stride_px: pas d'un carré au suivant, en pixels ; par défaut, celui de `default_square`.
        fill: voir `fill_color`.

    Returns:
        `(H, W)` float32 dans [-1, 1] : moyenne sur les carrés qui couvrent le pixel ; négative
        là où cacher l'image aide la classe.

    Raises:
        ValueError: carré plus grand que l'image, pas qui laisserait des pixels de côté.

    Source : Zeiler et Fergus, arXiv 1311.2901, 2013, figure 7.
    """
    height, width = image.shape[:2]
    default_patch_px, default_stride_px = default_square(image)
    patch_px = default_patch_px if patch_px is None else patch_px
    stride_px = default_stride_px if stride_px is None else stride_px
    if not 1 <= patch_px <= min(height, width):
        raise ValueError(
            f"Carré de {patch_px} pixels reçu, pour une image de {height}×{width} : "
            f"un côté de 1 à {min(height, width)} est attendu."
        )
    if not 1 <= stride_px <= patch_px:
        raise ValueError(
            f"Pas de {stride_px} pixels reçu : de 1 à {patch_px}, le côté du carré, "
            "est attendu ; au-delà, des pixels ne seraient jamais cachés."
        )
    rows, columns = (positions(side, patch_px, stride_px) for side in (height, width))
    squares = [
        np.s_[top : top + patch_px, left : left + patch_px] for top in rows for left in columns
    ]
    color = fill_color(image, fill)
    whole = model.predict(image[np.newaxis], verbose=0)[0, class_index]
    total, count = np.zeros((2, height, width), np.float32)
    for start in range(0, len(squares), BATCH_SIZE):
        batch = squares[start : start + BATCH_SIZE]
        hidden = np.repeat(image[np.newaxis], len(batch), axis=0)  # (n, H, W, 3)
        for variant, square in zip(hidden, batch, strict=True):
            variant[square] = color
        left = model.predict(hidden, verbose=0)[:, class_index]
        for square, probability in zip(batch, left, strict=True):
            total[square] += whole - probability
            count[square] += 1
    return total / count


def quick_drops(model, image: np.ndarray, class_index: int) -> np.ndarray:
    """Fait comme `drops`, en moins de carrés si l'image est grande : pour `./predict --explain`."""
    patch_px, _ = default_square(image)
    return drops(model, image, class_index, stride_px=patch_px // 3)


def occlusion(
    model,
    image: np.ndarray,
    class_index: int,
    *,
    patch_px: int | None = None,
    stride_px: int | None = None,
    fill: str = "mean",
) -> np.ndarray:
    """Rend la carte de `drops`, mêmes arguments : `(H, W)` float32 dans [0, 1].

    Le négatif y vaut zéro, le plus grand un ; des zéros si rien ne baisse.
    """
    found = drops(model, image, class_index, patch_px=patch_px, stride_px=stride_px, fill=fill)
    return maps.normalise(found)


def main(argv: list[str] | None = None) -> int:
    """Cache une image carré par carré et dessine ce que la classe y perd."""
    options = maps.explanation_parser("ex07_occlusion", __doc__).parse_args(argv)

    def body() -> int:
        subject = maps.load_subject(options, light=True)
        found = drops(subject.model, subject.image, subject.class_index)
        method = f"Occlusion par carrés de {agreed(default_square(subject.image)[0], 'pixel')}"
        verdict.show(subject, found, options, "occlusion", method=method, unit=POINTS)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
