"""La galerie : toutes les figures d'introspection, et la commande de chacune.

Commandes : python -m docs.gallery
            python -m docs.gallery --only 3 12
Résultat : docs/galerie.md et les images de docs/galerie/.

Chaque figure est refaite par l'exercice lui-même, sur une image de `samples/` : une page sans
commande serait une page qu'on ne peut pas vérifier.
"""

import ast
import contextlib
import importlib
import io
from pathlib import Path

from docs.illustrated import Entry, Page, run_page
from exercises import FOLDER, sources


def picture(module: str, comment: str, *arguments: str, keep: str = "*.png") -> Entry:
    """Rend une entrée de la galerie.

    Args:
        module: exercice, ou l'un de ses fichiers.
        comment: ce qu'il faut y voir.
        arguments: ce qui suit `python -m exercises.<module>`.
        keep: celles de ses figures que la page montre.
    """
    command = " ".join(["python -m", f"exercises.{module}", *arguments])

    def draw(folder: Path) -> str:
        name = f"exercises.{module}"
        if (FOLDER / module).is_dir():  # un exercice en plusieurs fichiers
            name += ".__main__"
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            failed = importlib.import_module(name).main([*arguments, "--output", str(folder)])
        kept = set(folder.glob(keep))
        if failed or not kept:
            raise ValueError(f"{command} a échoué : la galerie n'est pas réécrite.")
        for path in set(folder.iterdir()) - kept:
            path.unlink()
        lines = printed.getvalue().splitlines(keepends=True)
        return "".join(line for line in lines if str(folder) not in line)

    return Entry(module.split(".")[-1], title(module), command, comment, draw)


def title(module: str) -> str:
    """Rend la première phrase d'un exercice, ou d'un de ses fichiers, sans l'importer."""
    slug, _, part = module.partition(".")
    path = FOLDER / slug / f"{part}.py" if part else sources(slug)[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return ast.get_docstring(tree).splitlines()[0].rstrip(".")


CAT, DOG = "samples/chat.png", "samples/chien.webp"
SEVEN = ("--layer", "group3_conv1")  # les dernières cartes de 7×7 cases ; celles d'après, 3×3
# Un commentaire dit ce que la méthode fait. Ce qu'elle a trouvé est écrit par la commande, et
# repris sous elle : à chaque mesure refaite, le texte suit.
ENTRIES = (
    picture(
        "ex06_feature_maps",
        "L'image que lit le réseau, puis, couche par couche, les douze cartes qu'elle allume le "
        "plus, dans l'ordre de leurs filtres. Les filtres de la première convolution n'ont pas été "
        "appris : calculés d'après les images d'entraînement (un blanchiment), ils sont restés "
        "figés.",
        CAT,
    ),
    picture(
        "ex06_feature_maps.maximisation",
        "L'image fabriquée pour chacun de ces filtres, en partant de bruit : des aplats, des "
        "traits, puis des textures et des anneaux, mais aucun objet. Répondre plus à cette image "
        "qu'au chat n'est pas acquis : la montée, à chaque pas, lisse aussi.",
        CAT,
    ),
    picture(
        "ex07_occlusion",
        "On cache un carré à la fois, et l'on note ce que la probabilité y perd.",
        DOG,
    ),
    picture(
        "ex08_saliency",
        "La dérivée du score par rapport à chaque pixel : exacte, mais bruitée.",
        "--method",
        "gradient",
        DOG,
    ),
    picture(
        "ex08_saliency",
        "La même, moyennée sur cinquante copies bruitées de l'image.",
        "--method",
        "smooth_grad",
        DOG,
    ),
    picture(
        "ex08_saliency",
        "La dérivée additionnée d'une image noire jusqu'à l'image : la somme des pixels est, à "
        "l'erreur d'intégration près, ce que le score a gagné.",
        "--method",
        "integrated",
        DOG,
    ),
    picture(
        "ex09_grad_cam",
        "Des cartes de 7×7 cases, chacune pesée par ce qu'elle apporte à la classe.",
        *SEVEN,
        DOG,
    ),
    picture(
        "ex09_grad_cam",
        "Une autre pesée, qui ne perd pas un objet présent deux fois.",
        "--method",
        "grad_cam_plus_plus",
        *SEVEN,
        DOG,
    ),
    picture(
        "ex09_grad_cam",
        "Le même calcul sur le réseau des photos, qui lit 192×192 pixels : 10×10 cases.",
        "--model",
        "photos",
        "--layer",
        "mixed7",
        "samples/bateau.gif",
    ),
    picture(
        "ex09_grad_cam.cam",
        "CAM lit directement les poids de la dernière couche, dans un réseau fait pour : sa carte "
        "n'a que 3×3 cases, que l'on agrandit.",
        DOG,
    ),
    picture(
        "ex10_lime",
        "L'image est coupée en morceaux ; on en cache au hasard, et une somme pondérée dit ce "
        "que chacun ajoute à la probabilité.",
        DOG,
    ),
    picture(
        "ex07_occlusion",
        "L'occlusion, sur une autre image. Sous un point de probabilité, la figure le dit au lieu "
        "de peindre : une carte étirée à pleine échelle aurait l'air de montrer quelque chose.",
        CAT,
    ),
    picture(
        "ex12_deep_dream",
        "On pousse l'image vers ce à quoi deux couches d'InceptionV3 répondent déjà un peu.",
        keep="comparaison.png",
    ),
    picture(
        "ex12_deep_dream",
        "Le même rêve, guidé par une autre image.",
        "--guide",
        "samples/oiseau.jpg",
        keep="comparaison.png",
    ),
    picture(
        "ex13_reconstruction",
        "L'image retrouvée d'après les seules caractéristiques d'une couche. L'écart des pixels "
        "à l'original est écrit au-dessus de chacune.",
        keep="comparaison.png",
    ),
    picture(
        "ex14_style",
        "Le contenu d'une photographie, la matière d'un tableau peint pour ce cours.",
        keep="comparaison.png",
    ),
)

PAGE = Page(
    "galerie",
    "# Ce que voit le réseau\n\n"
    "Cette page est écrite par `python -m docs.gallery`, qui refait chaque figure. Sous chaque "
    "commande, ce qu'elle a mesuré.",
    ENTRIES,
)


def main(argv: list[str] | None = None) -> int:
    """Refait les figures, toutes ou celles que dit `--only`, puis la page."""
    return run_page(PAGE, argv, module="gallery", description=__doc__.splitlines()[0])


if __name__ == "__main__":
    raise SystemExit(main())
