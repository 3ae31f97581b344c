"""Transfert de style : le contenu d'une image, peint comme une autre.

Document : diapositives « Réseaux convolutionnels pour l'image », « Image Reconstruction ».
Commande : python -m exercises.ex14_style [contenu] [style]
Résultat : resultat.png et comparaison.png, dans figures/ex14_style/.

Le contenu est ce que répond une couche, case par case. Le style est ce qui répond ensemble,
où que ce soit : les produits scalaires des cartes deux à deux, la matrice de Gram. On change
les pixels jusqu'à ce que l'image ait le contenu de l'une et les matrices de Gram de l'autre.
"""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from convnets.core.cli import run
from convnets.explaining import dreams
from convnets.figures.charts import curves, number, show
from convnets.figures.style import new_figure, output_dir

CONTENT = dreams.SAMPLES / "chat.png"
STYLE = dreams.SAMPLES / "tableau.jpg"  # peint pour ce cours : samples/README.md
CONTENT_LAYERS = ("mixed2",)
STYLE_LAYERS = ("activation", "activation_2", "activation_4", "mixed0", "mixed1")
SIZE_PX = 400
STEPS = 200
RATE = 4.0  # taux d'apprentissage d'Adam au début (donné) : ce dont un pixel change, de 0 à 255
CONTENT_WEIGHT = 1.0
STYLE_WEIGHT = 30.0
TV_WEIGHT = 10.0  # de la variation totale, l'image étant ramenée à [0, 1]
JITTER_PX = 4  # sans bouger, le pas de 2 de la première convolution dessinerait une grille


# --- Question : le contenu -----------------------------------------------------------


def content_loss(maps: dict, target: dict):
    """Compare deux images case par case.

    Args:
        maps: `{couche: cartes (1, h, w, c)}` de l'image.
        target: les mêmes, de l'image de contenu.

    Returns:
        Tenseur sans dimension : moyenne, sur les couches, de ‖cartes − voulues‖² / ‖voulues‖².

    Source : Gatys, Ecker et Bethge, arXiv 1508.06576, rapportée au contenu.
    """
    return ops.mean(ops.stack([_distance(maps[name], target[name]) for name in target]))


def _distance(found, target):
    return ops.sum(ops.square(found - target)) / ops.maximum(ops.sum(ops.square(target)), 1e-12)


# --- Question : le style -------------------------------------------------------------


def gram_matrix(maps):
    """Rend les produits scalaires des cartes deux à deux, quel que soit leur nombre.

    Args:
        maps: cartes `(1, h, w, c)`.

    Returns:
        Tenseur `(c, c)`, divisé par h·w : deux images de tailles différentes se comparent.

    Source : Gatys, Ecker et Bethge, arXiv 1508.06576, la matrice G.
    """
    places = ops.reshape(maps, (-1, maps.shape[-1]))  # (h·w, c)
    num_places = ops.cast(ops.shape(places)[0], places.dtype)
    return ops.matmul(ops.transpose(places), places) / num_places


def style_loss(maps: dict, target: dict):
    """Compare ce qui répond ensemble, sans regarder où.

    Args:
        maps: `{couche: cartes (1, h, w, c)}` de l'image.
        target: `{couche: matrice de Gram (c, c)}` de l'image de style.

    Returns:
        Tenseur sans dimension : moyenne, sur les couches, de ‖G − A‖² / ‖A‖².

    Source : Gatys, Ecker et Bethge, arXiv 1508.06576, rapportée au style.
    """
    return ops.mean(
        ops.stack([_distance(gram_matrix(maps[name]), target[name]) for name in target])
    )


# --- Question : les deux ensemble ----------------------------------------------------


def transfer(
    base: keras.Model,
    content: np.ndarray,
    style: np.ndarray,
    *,
    content_layers: tuple[str, ...] = CONTENT_LAYERS,
    style_layers: tuple[str, ...] = STYLE_LAYERS,
    options,
):
    """Change les pixels du contenu jusqu'à ce qu'ils aient le style.

    La variation totale se mesure sur l'image divisée par 255, donc de 0 à 1.

    Args:
        base: modèle de `dreams.load_base`.
        content: `(h, w, 3)` float32 dans [0, 255].
        style: `(h', w', 3)` float32 dans [0, 255], d'une autre taille s'il le faut.
        content_layers: couches où comparer le contenu.
        style_layers: couches où comparer le style.
        options: les poids `content_weight`, `style_weight` et `tv_weight` ; `steps`, le nombre
            de pas ; `seed`, la graine de tout ce qui est tiré au hasard.

    Returns:
        `(image, pertes)` : float32 `(h, w, 3)` dans [0, 255], et les trois pertes pondérées
        avant chaque pas, `{nom: liste}`.

    Source : Gatys, Ecker et Bethge, arXiv 1508.06576, la perte totale.
    """
    see, feel = (dreams.extractor(base, names) for names in (content_layers, style_layers))
    for model, image in ((see, content), (feel, content), (feel, style)):
        dreams.check_size(model, *image.shape[:2])
    wanted = see(content[np.newaxis])
    grams = {name: gram_matrix(maps) for name, maps in feel(style[np.newaxis]).items()}
    generator = keras.random.SeedGenerator(options.seed)

    def losses(pixels):
        offset = keras.random.randint((2,), -JITTER_PX, JITTER_PX + 1, seed=generator)
        # Décaler l'image n'en change pas le style ; le contenu, lui, se compare case par case.
        moved = feel(ops.roll(pixels, offset, axis=(1, 2)))
        return {
            "contenu": options.content_weight * content_loss(see(pixels), wanted),
            "style": options.style_weight * style_loss(moved, grams),
            "variation totale": options.tv_weight * dreams.total_variation(pixels / 255),
        }

    return dreams.descend(losses, content, steps=options.steps, rate=RATE, title="Style")


# --- Question : le montrer -----------------------------------------------------------


def save_comparison(path: Path, pictures: dict[str, np.ndarray], losses: dict) -> None:
    """Dessine les images `{titre: (h, w, 3)}` et les pertes au fil des pas."""
    with new_figure(path, columns=2, rows=2, size=(5.0, 4.2)) as (_, axes):
        for axis, (title, image) in zip(axes.flat, pictures.items(), strict=False):
            show(axis, dreams.to_picture(image))
            axis.set(title=title, xticks=[], yticks=[])
        curves(axes[1, 1], losses, x=range(len(losses["style"])), unit="")
        axes[1, 1].set(title="Pertes pondérées à chaque pas", xlabel="pas", yscale="log")


def teach(options) -> int:
    """Fait et dessine le transfert que disent les options ; rend 0."""
    content = dreams.read_picture(options.content, options.size)
    style = dreams.read_picture(options.style, options.size)
    base, folder = dreams.load_base(), output_dir(options)
    result, losses = transfer(base, content, style, options=options)
    dreams.save_picture(result, folder / "resultat.png")
    pictures = {"Le contenu": content, "Le style": style, "Le résultat": result}
    save_comparison(folder / "comparaison.png", pictures, losses)
    for name, values in losses.items():
        print(f"{name:<17} {number(values[0], 3)} → {number(values[-1], 3)}")
    print(f"Résultat et comparaison écrits dans {folder}/")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Lit les options et transfère le style."""
    title = __doc__.splitlines()[0]
    parser = dreams.dream_parser("ex14_style", title, size_px=SIZE_PX, steps=STEPS)
    add = parser.add_argument
    add("content", nargs="?", default=CONTENT, help=f"contenu ({CONTENT.name} par défaut)")
    add("style", nargs="?", default=STYLE, help=f"style ({STYLE.name} par défaut)")
    for name, value, what in (
        ("content", CONTENT_WEIGHT, "du contenu"),
        ("style", STYLE_WEIGHT, "du style"),
        ("tv", TV_WEIGHT, "de la variation totale"),
    ):
        help_text = f"poids {what} ({value:g} par défaut)"
        add(f"--{name}-weight", type=dreams.weight, default=value, metavar="POIDS", help=help_text)
    options = parser.parse_args(argv)
    return run(lambda: teach(options))


if __name__ == "__main__":
    raise SystemExit(main())
