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
import shutil
from pathlib import Path
from typing import NamedTuple

from docs import illustrated
from exercises import FOLDER, sources

MAX_PNG_BYTES = 500_000
OUTPUT = "sortie.txt"  # dans le dossier d'une entrée, ce que sa commande a écrit


class Picture(NamedTuple):
    """Une entrée de la galerie."""

    module: str
    arguments: tuple[str, ...]  # après `python -m exercises.<module>`
    comment: str  # ce qu'il faut y voir
    keep: str = "*.png"  # celles de ses figures que la page montre


CAT, DOG = "samples/chat.png", "samples/chien.webp"
SEVEN = ("--layer", "group3_conv1")  # les dernières cartes de 7×7 cases ; celles d'après, 3×3
# Un commentaire dit ce que la méthode fait. Ce qu'elle a trouvé est écrit par la commande, et
# repris sous elle : à chaque mesure refaite, le texte suit.
PICTURES = (
    Picture(
        "ex06_feature_maps",
        (CAT,),
        "L'image que lit le réseau, puis, couche par couche, les cartes qu'elle allume le plus. "
        "Les filtres de la première convolution n'ont pas été appris : calculés d'après les images "
        "d'entraînement (un blanchiment), ils sont restés figés.",
    ),
    Picture(
        "ex06_feature_maps.maximisation",
        (CAT,),
        "L'image fabriquée pour chaque filtre, en partant de bruit : des aplats et des traits, "
        "puis des textures et des anneaux, mais aucun objet. Répondre plus à cette image qu'au "
        "chat n'est pas acquis : la montée, à chaque pas, lisse aussi.",
    ),
    Picture(
        "ex07_occlusion",
        (DOG,),
        "On cache un carré à la fois, et l'on note ce que la probabilité y perd.",
    ),
    Picture(
        "ex08_saliency",
        ("--method", "gradient", DOG),
        "La dérivée du score par rapport à chaque pixel : exacte, mais bruitée.",
    ),
    Picture(
        "ex08_saliency",
        ("--method", "smooth_grad", DOG),
        "La même, moyennée sur cinquante copies bruitées de l'image.",
    ),
    Picture(
        "ex08_saliency",
        ("--method", "integrated", DOG),
        "La dérivée additionnée d'une image noire jusqu'à l'image : la somme des pixels est, à "
        "l'erreur d'intégration près, ce que le score a gagné.",
    ),
    Picture(
        "ex09_grad_cam",
        (*SEVEN, DOG),
        "Des cartes de 7×7 cases, chacune pesée par ce qu'elle apporte à la classe.",
    ),
    Picture(
        "ex09_grad_cam",
        ("--method", "grad_cam_plus_plus", *SEVEN, DOG),
        "Une autre pesée, qui ne perd pas un objet présent deux fois.",
    ),
    Picture(
        "ex09_grad_cam",
        ("--model", "photos", "--layer", "mixed7", "samples/bateau.gif"),
        "Le même calcul sur le réseau des photos, qui lit 192×192 pixels : 10×10 cases.",
    ),
    Picture(
        "ex09_grad_cam.cam",
        (DOG,),
        "CAM lit directement les poids de la dernière couche, dans un réseau fait pour : sa carte "
        "n'a que 3×3 cases, que l'on agrandit.",
    ),
    Picture(
        "ex10_lime",
        (DOG,),
        "L'image est coupée en morceaux ; on en cache au hasard, et une somme pondérée dit ce "
        "que chacun ajoute à la probabilité.",
    ),
    Picture(
        "ex07_occlusion",
        (CAT,),
        "L'occlusion, sur une autre image. Sous un point de probabilité, la figure le dit au lieu "
        "de peindre : une carte étirée à pleine échelle aurait l'air de montrer quelque chose.",
    ),
    Picture(
        "ex12_deep_dream",
        (),
        "On pousse l'image vers ce à quoi deux couches d'InceptionV3 répondent déjà un peu.",
        keep="comparaison.png",
    ),
    Picture(
        "ex12_deep_dream",
        ("--guide", "samples/oiseau.jpg"),
        "Le même rêve, guidé par une autre image.",
        keep="comparaison.png",
    ),
    Picture(
        "ex13_reconstruction",
        (),
        "L'image retrouvée d'après les seules caractéristiques d'une couche. L'écart des pixels "
        "à l'original est écrit au-dessus de chacune.",
        keep="comparaison.png",
    ),
    Picture(
        "ex14_style",
        (),
        "Le contenu d'une photographie, la matière d'un tableau peint pour ce cours.",
        keep="comparaison.png",
    ),
)


def title(module: str) -> str:
    """Rend la première phrase d'un exercice, ou d'un de ses fichiers, sans l'importer."""
    slug, _, part = module.partition(".")
    path = FOLDER / slug / f"{part}.py" if part else sources(slug)[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return ast.get_docstring(tree).splitlines()[0].rstrip(".")


def command(picture: Picture) -> str:
    """Rend la commande qui refait une figure."""
    return " ".join(["python -m", f"exercises.{picture.module}", *picture.arguments])


def draw(picture: Picture, folder: Path) -> None:
    """Refait les figures d'une entrée, et garde ce que la commande a écrit dans `sortie.txt`.

    Les figures faites de photographies deviennent des JPEG, bien plus petits.

    Args:
        picture: entrée de la galerie.
        folder: dossier de ses images ; ce qui y était est effacé.

    Raises:
        ValueError: l'exercice a échoué (il en a dit la raison), ou n'a rien écrit.
    """
    shutil.rmtree(folder, ignore_errors=True)
    name = f"exercises.{picture.module}"
    if (FOLDER / picture.module).is_dir():  # un exercice en plusieurs fichiers
        name += ".__main__"
    module, printed = importlib.import_module(name), io.StringIO()
    with contextlib.redirect_stdout(printed):
        failed = module.main([*picture.arguments, "--output", str(folder)])
    kept = sorted(folder.glob(picture.keep))
    if failed or not kept:
        raise ValueError(f"{command(picture)} a échoué : la galerie n'est pas réécrite.")
    for path in set(folder.iterdir()) - set(kept):
        path.unlink()
    for path in kept:
        illustrated.lighten(path, max_bytes=MAX_PNG_BYTES, quality=88)
    said = [line for line in printed.getvalue().splitlines() if str(folder) not in line]
    (folder / OUTPUT).write_text("".join(f"{line}\n" for line in said), encoding="utf-8")


def page(folders: dict[Picture, Path], docs: Path) -> str:
    """Écrit la page : pour chaque entrée, titre, commande, ce qu'elle a dit, et ses figures.

    Args:
        folders: dossier de chaque entrée, rempli par `draw`.
        docs: dossier de la page ; les liens en partent.

    Returns:
        Le texte Markdown.
    """
    lines = [
        "# Ce que voit le réseau",
        "",
        "Cette page est écrite par `python -m docs.gallery`, qui refait chaque figure. Sous chaque "
        "commande, ce qu'elle a mesuré.",
        "",
    ]
    for picture, folder in folders.items():
        said = (folder / OUTPUT).read_text(encoding="utf-8").splitlines()
        lines += [f"## {title(picture.module)}", "", picture.comment, ""]
        lines += ["```sh", command(picture), "```", ""]
        lines += ["```text", *said, "```", ""] if said else []
        for path in sorted(set(folder.iterdir()) - {folder / OUTPUT}):
            lines.append(f"![{path.stem}]({path.relative_to(docs).as_posix()})")
        lines.append("")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Refait les figures, toutes ou celles que dit `--only`, puis la page."""
    return illustrated.run_page(
        argv,
        module="gallery",
        description=__doc__.splitlines()[0],
        page="galerie",
        entries=[(each.module.split(".")[-1], each) for each in PICTURES],
        draw=draw,
        write=page,
    )


if __name__ == "__main__":
    raise SystemExit(main())
