"""Filtres : faire ressortir les lignes horizontales, puis verticales, d'une image.

Document : Jour 04, exercice 01 (a : motifs horizontaux ; b : motifs verticaux, les pylônes).
Commande : python -m exercises.ex01_filters [image] [--output DOSSIER]
Résultat : un PNG par filtre et comparaison.png, dans figures/ex01_filters/.

`tf.nn.conv2d` ne retourne pas le noyau : c'est une corrélation croisée, et pour un noyau
antisymétrique, l'opposé exact de la convolution des mathématiciens.

Une image en couleurs n'est pas réduite en gris. Comme le veut une convolution à plusieurs
canaux (S4), le noyau est appliqué au rouge, au vert et au bleu, puis les trois réponses
sont additionnées : c'est trois fois la réponse de leur moyenne. Un contour entre deux
couleurs de même somme, un rouge et un vert par exemple, y est donc invisible. La moyenne, elle,
est divisée aussi par le nombre de canaux : elle reste entre 0 et 255, comme l'image.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from convnets.core.cli import FrenchParser, run
from convnets.core.images import open_image
from convnets.figures.charts import Picture, picture_rows
from convnets.figures.style import output_dir

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "pont.png"
MAX_SIDE_PX = 2000  # une photo plus grande est réduite : il y a sept réponses par pixel
WHITE = 255  # la plus grande valeur d'un pixel
BORDERS = ("reflect", "same", "valid")

# Une ligne horizontale est un écart entre le dessus et le dessous : ces noyaux retranchent
# la rangée du dessus à celle du dessous, et leurs transposés la gauche à la droite.
SOBEL = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])  # le milieu compte double
PREWITT = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])  # le noyau de S4
BOX = np.full((3, 3), 1 / 9)  # la moyenne du voisinage : elle lisse, sans voir de contour


# --- L'outil : tf.nn.conv2d ----------------------------------------------------------


def as_filters(kernels: list[np.ndarray], num_channels: int) -> np.ndarray:
    """Assemble n noyaux `(kh, kw)` en filtres `(kh, kw, c, n)` float32, un noyau par canal.

    Source : S4, « Convolutions et réseaux de neurones ».
    """
    stack = np.stack(kernels, axis=-1)[:, :, None]  # (kh, kw, 1, n)
    return np.repeat(stack, num_channels, axis=2).astype(np.float32)  # (kh, kw, c, n)


def convolve(image: np.ndarray, filters: np.ndarray, *, border: str = "reflect") -> np.ndarray:
    """Applique n filtres à une image ; chacun additionne les réponses de tous les canaux.

    Args:
        image: `(h, w, c)`, de tout type de nombres.
        filters: `(kh, kw, c, n)`, signés.
        border: ce qui entoure l'image. `"reflect"`, son reflet, ne crée pas de contour ;
            `"same"`, des zéros, en dessine un faux tout autour ; `"valid"`, rien, et la
            réponse perd `kh - 1` lignes et `kw - 1` colonnes.

    Returns:
        Réponses `(h, w, n)` float32, signées ; `(h - kh + 1, w - kw + 1, n)` si `"valid"`.

    Raises:
        ValueError: canaux différents, bord inconnu, image plus petite que le filtre.

    Source : Jour 04, exercice 01 (tf.nn.conv2d).
    """
    (height, width, channels), (kh, kw, depth, _) = image.shape, filters.shape
    if channels != depth:
        raise ValueError(f"Image à {channels} canaux, filtres à {depth} : refaites les filtres.")
    if border not in BORDERS:
        raise ValueError(f"Bord {border!r} reçu ; au choix : {', '.join(BORDERS)}.")
    if border == "valid" and (height < kh or width < kw):
        raise ValueError(f"Image {height}×{width} plus petite que le filtre : prenez reflect.")
    if border == "reflect":
        around = [((side - 1) // 2, side // 2) for side in (kh, kw)]
        image = np.pad(image, [*around, (0, 0)], mode="reflect")  # (h + kh - 1, w + kw - 1, c)
    batch = tf.cast(image[None], tf.float32)  # (1, h, w, c)
    padding = "SAME" if border == "same" else "VALID"
    return tf.nn.conv2d(batch, tf.cast(filters, tf.float32), strides=1, padding=padding)[0].numpy()


# --- Question a : les motifs horizontaux ---------------------------------------------


def horizontal_patterns(image: np.ndarray, kernel: np.ndarray = SOBEL) -> np.ndarray:
    """Fait ressortir le tablier, l'horizon, les vagues.

    Le bord est le reflet, celui de `convolve` par défaut.

    Returns:
        Réponse `(h, w)` float32, positive là où le dessous est plus clair que le dessus.

    Source : Jour 04, exercice 01 a.
    """
    return convolve(image, as_filters([kernel], image.shape[2]))[..., 0]


# --- Question b : les motifs verticaux, les pylônes ----------------------------------


def vertical_patterns(image: np.ndarray, kernel: np.ndarray = SOBEL) -> np.ndarray:
    """Fait ressortir les pylônes : le même noyau, transposé, et le même bord.

    Returns:
        Réponse `(h, w)` float32, positive là où la droite est plus claire que la gauche.

    Source : Jour 04, exercice 01 b.
    """
    return convolve(image, as_filters([kernel.T], image.shape[2]))[..., 0]


# --- Côte à côte : Sobel, Prewitt, la norme du gradient et la moyenne ----------------


def filter_bank(image: np.ndarray) -> dict[str, np.ndarray]:
    """Applique tous les noyaux ; la norme du gradient réunit les deux directions.

    Returns:
        Sept réponses `(h, w)` float32 : `sobel_horizontal`, `sobel_vertical` (signées),
        `sobel_norme` (positive ou nulle), de même `prewitt_…`, et `moyenne`, celle du voisinage
        et des canaux, entre la plus petite et la plus grande valeur de l'image.
    """
    responses = {}
    for name, kernel in (("sobel", SOBEL), ("prewitt", PREWITT)):
        pair = horizontal_patterns(image, kernel), vertical_patterns(image, kernel)
        responses[f"{name}_horizontal"], responses[f"{name}_vertical"] = pair
        responses[f"{name}_norme"] = np.hypot(*pair)
    box = as_filters([BOX / image.shape[2]], image.shape[2])  # les canaux aussi sont moyennés
    return {**responses, "moyenne": convolve(image, box)[..., 0]}


def visible_limit(response: np.ndarray) -> float:
    """Rend la force qui vaudra l'intensité maximale sur une figure.

    Un pixel sur deux cents la dépasse. Si l'échelle allait jusqu'au pixel le plus fort, les autres
    seraient tous pâles.
    """
    strength = np.abs(response)
    return np.percentile(strength, 99.5, method="higher") or strength.max() or 1.0


def to_grey_levels(response: np.ndarray, *, limit: float | None = None) -> np.ndarray:
    """Rend une réponse visible : sa valeur absolue, `limit` et au-delà valant 255.

    Le signe est perdu, et deux PNG n'ont pas la même échelle ; `comparaison.png` a les deux.
    Rend `(h, w)` uint8 dans [0, 255], tout noir pour une réponse nulle ; `limit` est par défaut
    `visible_limit`.
    """
    limit = limit or visible_limit(response)
    return np.uint8(np.minimum(np.abs(response) * (255 / limit), 255).round())


def save_comparison(path: Path, image: np.ndarray, responses: dict[str, np.ndarray]) -> None:
    """Dessine l'image `(h, w, 3)` uint8 et ses réponses, avec leurs signes.

    Une réponse signée va du bleu (négatif) au rouge (positif), blanche à zéro, sur une échelle
    symétrique et commune aux deux directions d'un même opérateur.
    """
    shown = [Picture(image, "L'image")]
    for name, response in responses.items():
        operator, _, kind = name.partition("_")
        question = {"horizontal": "a) ", "vertical": "b) "}.get(kind, "")  # celles du sujet
        limit = visible_limit(responses[f"{operator}_norme"]) if kind else WHITE
        colors, low = ("RdBu_r", -limit) if question else ("gray", 0)
        caption = f"{question}{operator.capitalize()} {kind}".strip()
        shown.append(Picture(response, caption, cmap=colors, limits=(low, limit)))
    picture_rows(path, {"Sobel": shown[:4], "Prewitt": shown[4:]}, side=5)


def filter_picture(source, output: Path) -> int:
    """Filtre une image, écrit un PNG par réponse et la comparaison ; rend le code de sortie."""
    picture = open_image(source, min_side_px=MAX_SIDE_PX)
    picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    image = np.array(picture)  # (h, w, 3)
    responses = filter_bank(image)
    output.mkdir(parents=True, exist_ok=True)
    for name, response in responses.items():
        limit = WHITE if name == "moyenne" else None  # une image, à l'échelle de la sienne
        Image.fromarray(to_grey_levels(response, limit=limit)).save(output / f"{name}.png")
    save_comparison(output / "comparaison.png", image, responses)
    print(f"{len(responses) + 1} images écrites dans {output}/.")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Lit les options et filtre l'image."""
    description = __doc__.splitlines()[0]
    parser = FrenchParser(prog="python -m exercises.ex01_filters", description=description)
    add = parser.add_argument
    add("image", nargs="?", default=SAMPLE, help="image à filtrer (samples/pont.png par défaut)")
    add("--output", type=Path, metavar="DOSSIER", help="où écrire (figures/ex01_filters)")
    parser.set_defaults(module="ex01_filters")
    options = parser.parse_args(argv)
    return run(lambda: filter_picture(options.image, output_dir(options)))


if __name__ == "__main__":
    raise SystemExit(main())
