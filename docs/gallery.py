"""La galerie : toutes les figures d'introspection, et la commande de chacune.

Commande : python -m docs.gallery
Résultat : docs/galerie.md et les images de docs/galerie/.

Chaque figure est refaite par l'exercice lui-même, sur une image de `samples/` : une page sans
commande serait une page qu'on ne peut pas vérifier.
"""

import ast
import importlib
import shutil
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from convnets.core.cli import FrenchParser, run
from convnets.core.files import replacing
from exercises import FOLDER, sources

DOCS = Path(__file__).resolve().parent
MAX_PNG_BYTES = 500_000


class Picture(NamedTuple):
    """Une entrée de la galerie."""

    module: str
    arguments: tuple[str, ...]  # après `python -m exercises.<module>`
    comment: str  # ce qu'il faut y voir
    keep: str = "*.png"  # celles de ses figures que la page montre


CAT, DOG = "samples/chat.png", "samples/chien.webp"
PICTURES = (
    Picture(
        "ex06_feature_maps",
        (CAT,),
        "Les premiers filtres appris sont des bords et des couleurs. Leurs cartes gardent la "
        "forme du chat ; plus loin, elles deviennent petites et ne répondent qu'à un détail.",
    ),
    Picture(
        "ex06_feature_maps.maximisation",
        (CAT,),
        "L'image que chaque filtre préfère, fabriquée en partant de bruit : des rayures, puis "
        "des textures, puis des morceaux d'animaux ou de machines.",
    ),
    Picture(
        "ex07_occlusion",
        (CAT,),
        "On cache un carré à la fois : la probabilité du chat baisse surtout entre les yeux.",
    ),
    Picture(
        "ex08_saliency",
        ("--method", "gradient", CAT),
        "La dérivée du score par rapport à chaque pixel : juste, mais bruitée.",
    ),
    Picture(
        "ex08_saliency",
        ("--method", "smooth_grad", CAT),
        "La même, moyennée sur cinquante copies bruitées de l'image.",
    ),
    Picture(
        "ex08_saliency",
        ("--method", "integrated", CAT),
        "La dérivée additionnée d'une image noire jusqu'à l'image : la somme des pixels est "
        "exactement ce que le score a gagné.",
    ),
    Picture(
        "ex09_grad_cam",
        (CAT,),
        "Les cartes de la dernière couche, pesées par ce que chacune apporte à la classe.",
    ),
    Picture(
        "ex09_grad_cam",
        ("--method", "grad_cam_plus_plus", CAT),
        "Une autre pesée, qui ne perd pas un objet présent deux fois.",
    ),
    Picture(
        "ex09_grad_cam",
        ("--model", "ex05_inception", DOG),
        "Le même calcul sur InceptionV3 et la tête de l'exercice 05 : 150×150 pixels.",
    ),
    Picture(
        "ex09_grad_cam.cam",
        (CAT,),
        "CAM lit directement les poids de la dernière couche, dans un réseau fait pour.",
    ),
    Picture(
        "ex10_lime",
        (CAT,),
        "L'image est coupée en morceaux ; on en cache au hasard, et une somme pondérée dit ce "
        "que chacun ajoute à la probabilité.",
    ),
    Picture("ex10_lime", (DOG,), "La même méthode, sur un chien."),
    Picture(
        "ex12_deep_dream",
        (),
        "On pousse l'image vers ce que deux couches d'InceptionV3 voient déjà un peu.",
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
        "L'image retrouvée d'après les seules caractéristiques d'une couche : plus la couche "
        "est profonde, plus ce qui n'aide pas à reconnaître l'objet est perdu.",
        keep="comparaison.png",
    ),
    Picture(
        "ex14_style",
        (),
        "Le contenu d'une photographie, la matière d'une autre.",
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


def draw(picture: Picture, folder: Path) -> list[Path]:
    """Refait les figures d'une entrée.

    Args:
        picture: entrée de la galerie.
        folder: dossier de ses images ; ce qui y était est effacé.

    Returns:
        Les images gardées, dans l'ordre des noms ; en JPEG, bien plus petit, si elles sont
        faites de photographies.

    Raises:
        ValueError: l'exercice a échoué (il en a dit la raison), ou n'a rien écrit.
    """
    shutil.rmtree(folder, ignore_errors=True)
    name = f"exercises.{picture.module}"
    if (FOLDER / picture.module).is_dir():  # un exercice en plusieurs fichiers
        name += ".__main__"
    failed = importlib.import_module(name).main([*picture.arguments, "--output", str(folder)])
    kept = sorted(folder.glob(picture.keep))
    if failed or not kept:
        raise ValueError(f"{command(picture)} a échoué : la galerie n'est pas réécrite.")
    for path in set(folder.iterdir()) - set(kept):
        path.unlink()
    return [_lighten(path) for path in kept]


def _lighten(path: Path) -> Path:
    if path.stat().st_size <= MAX_PNG_BYTES:
        return path
    with Image.open(path) as image:
        image.convert("RGB").save(path.with_suffix(".jpg"), quality=88)
    path.unlink()
    return path.with_suffix(".jpg")


def page(drawn: dict[Picture, list[Path]], docs: Path) -> str:
    """Écrit la page : pour chaque entrée, titre, commande, figures et ce qu'il faut y voir.

    Args:
        drawn: images de chaque entrée.
        docs: dossier de la page ; les liens en partent.

    Returns:
        Le texte Markdown.
    """
    lines = [
        "# Ce que voit le réseau",
        "",
        "Cette page est écrite par `python -m docs.gallery`, qui refait chaque figure.",
        "",
    ]
    for picture, paths in drawn.items():
        lines += [
            f"## {title(picture.module)}",
            "",
            picture.comment,
            "",
            "```sh",
            command(picture),
            "```",
            "",
        ]
        lines += [f"![{path.stem}]({path.relative_to(docs).as_posix()})" for path in paths]
        lines.append("")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Refait toutes les figures, puis la page."""
    parser = FrenchParser(prog="python -m docs.gallery", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output",
        type=Path,
        default=DOCS,
        metavar="DOSSIER",
        help="où écrire galerie.md et ses images (docs/ par défaut)",
    )
    options = parser.parse_args(argv)

    def body() -> int:
        folder = options.output / "galerie"
        shutil.rmtree(folder, ignore_errors=True)
        drawn = {
            each: draw(each, folder / f"{number:02}_{each.module.split('.')[-1]}")
            for number, each in enumerate(PICTURES, start=1)
        }
        with replacing(options.output / "galerie.md") as temporary:
            temporary.write_text(page(drawn, options.output), encoding="utf-8")
        print(options.output / "galerie.md")
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
