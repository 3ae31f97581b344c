"""La galerie : toutes les figures d'introspection, et la commande de chacune.

Commandes : python -m docs.gallery
            python -m docs.gallery --only 3 12
Résultat : docs/galerie.md et les images de docs/galerie/.

Chaque figure est refaite par la commande de l'exercice, sur une image de `samples/` : tout lecteur
peut la refaire.
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
SMALL = ("--model", "thumbnails")
# Un commentaire dit ce que la méthode fait. Ce qu'elle trouve est affiché par la commande, et copié
# dans la page : il change donc avec la figure.
ENTRIES = (
    picture(
        "ex06_feature_maps",
        "La première figure montre l'image que lit le réseau puis, couche par couche, les douze "
        "cartes qui répondent le plus à cette image. La seconde montre les filtres de la première "
        "convolution. Ils n'ont pas été appris : ils sont calculés d'après les images "
        "d'entraînement (c'est un blanchiment), puis figés.",
        CAT,
    ),
    picture(
        "ex06_feature_maps.maximisation",
        "Pour douze filtres de chaque couche, on part d'une image de bruit, et on la change pour "
        "que le filtre y réponde davantage. On voit des aplats, des traits, puis des textures et "
        "des anneaux, mais aucun objet. La commande compte les filtres qui répondent plus à "
        "l'image fabriquée pour eux qu'à celle du chat.",
        CAT,
    ),
    picture(
        "ex07_occlusion",
        "On cache un carré de l'image à la fois, et on mesure ce que la probabilité y perd.",
        DOG,
    ),
    picture(
        "ex08_saliency",
        "La carte est la dérivée du score par rapport à chaque pixel. Elle est bruitée.",
        "--method",
        "gradient",
        DOG,
    ),
    picture(
        "ex08_saliency",
        "La carte est la dérivée du score par rapport à chaque pixel, en moyenne sur cinquante "
        "copies bruitées de l'image.",
        "--method",
        "smooth_grad",
        DOG,
    ),
    picture(
        "ex08_saliency",
        "La dérivée du score est additionnée le long d'un chemin qui va d'une image noire à "
        "l'image. La somme des pixels de la carte est ce que le score gagne sur ce chemin, à "
        "l'erreur d'intégration près.",
        "--method",
        "integrated",
        DOG,
    ),
    picture(
        "ex09_grad_cam",
        "La carte montrée est une somme de cartes de 3×3 cases, agrandie. Chaque carte de la somme "
        "est multipliée par la moyenne du gradient de la classe.",
        *SMALL,
        DOG,
    ),
    picture(
        "ex09_grad_cam",
        "Grad-CAM++ multiplie les mêmes cartes par d'autres poids, choisis pour les images où "
        "l'objet apparaît plusieurs fois.",
        "--method",
        "grad_cam_plus_plus",
        *SMALL,
        DOG,
    ),
    picture(
        "ex09_grad_cam",
        "Grad-CAM sur le réseau des photos, qui lit 192×192 pixels : les cartes ont 4×4 cases.",
        "samples/bateau.gif",
    ),
    picture(
        "ex09_grad_cam.cam",
        "CAM lit les poids de la dernière couche, dans un réseau qui fait la moyenne des cartes "
        "juste avant elle. Sa carte n'a que 3×3 cases ; elle est agrandie.",
        DOG,
    ),
    picture(
        "ex10_lime",
        "L'image est coupée en morceaux, et on en cache au hasard. Un modèle linéaire estime "
        "ensuite ce que chaque morceau ajoute à la probabilité.",
        DOG,
    ),
    picture(
        "ex07_occlusion",
        "Voici l'occlusion sur une autre image. La probabilité baisse de 0,04 point au plus : la "
        "carte reste sombre, car sa couleur la plus claire vaut au moins un point. Le score "
        "d'avant le softmax bouge encore : `./predict --explain` mesure ce score.",
        CAT,
    ),
    picture(
        "ex12_deep_dream",
        "On change l'image pour que deux couches d'InceptionV3 y répondent davantage.",
        keep="comparaison.png",
    ),
    picture(
        "ex12_deep_dream",
        "Avec un guide, le même calcul rapproche les réponses de ces deux couches de celles "
        "qu'elles donnent à une autre image, qui est le guide.",
        "--guide",
        "samples/oiseau.jpg",
        keep="comparaison.png",
    ),
    picture(
        "ex13_reconstruction",
        "Chaque image est retrouvée d'après les seules caractéristiques d'une couche. L'écart de "
        "ses pixels à ceux de l'original est écrit au-dessus d'elle.",
        keep="comparaison.png",
    ),
    picture(
        "ex14_style",
        "L'image fabriquée a le contenu d'une photographie, et la matière d'un tableau peint pour "
        "ce cours.",
        keep="comparaison.png",
    ),
)

PAGE = Page(
    "galerie",
    "# Ce que voit le réseau\n\n"
    "Cette page montre les figures des exercices 06 à 14. Sous chaque commande est écrit ce "
    "qu'elle a affiché. `python -m docs.gallery` refait chaque figure, et cette page.",
    ENTRIES,
)


def main(argv: list[str] | None = None) -> int:
    """Refait les figures, toutes ou celles que dit `--only`, puis la page."""
    return run_page(PAGE, argv, module="gallery", description=__doc__.splitlines()[0])


if __name__ == "__main__":
    raise SystemExit(main())
