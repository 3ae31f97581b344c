"""Les photographies d'un utilisateur : `./predict` les nomme-t-il, lesquelles lui échappent ?

Commande : python -m benchmarks.photographs
Résultat mesuré : docs/laboratoire/photographies.md.

Les listes (`photographs*.csv`) disent de chaque image sa classe, ses conditions, le dépôt public
d'où elle vient, sa licence et son empreinte. Les images n'accompagnent pas le cours : la commande
les prend une fois sur GitHub, à un commit fixé, et les garde dans le cache des données.
"""

import csv
import sys
import time
from collections import Counter
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

from scipy.stats import binomtest

from convnets.core.cli import FrenchParser, agreed, markdown_table, percent, reserve_stderr, run
from convnets.core.files import file_sha256, replacing
from convnets.core.images import crop_resize_image, open_image
from convnets.core.paths import data_cache_dir
from convnets.datasets.packages import NETWORK_TIMEOUT_S
from convnets.figures import style
from convnets.serving import router
from convnets.serving.classifier import Classifier
from docs.tables import with_tables

HERE = Path(__file__).resolve().parent
TEST_LIST = HERE / "photographs.csv"  # ne choisit rien
DEVELOPMENT_LIST = HERE / "photographs_dev.csv"  # d'autres dépôts, pour choisir
PAGE = HERE.parent / "docs" / "laboratoire" / "photographies.md"
FIGURE = HERE.parent / "docs" / "mesures" / "photographies.png"  # images à la licence libre
NOT_PHOTOGRAPHS = ("dessin", "jouet")  # mesurés à part
TAGS = {  # les conditions d'une photographie, et ce qu'on en dit
    "coco": "scène ordinaire (COCO)",
    "petit": "objet petit",
    "plusieurs": "plusieurs objets",
    "partie": "objet coupé",
    "nuit": "nuit ou contre-jour",
    "gris": "noir et blanc",
    "flou": "floue",
    "détouré": "objet détouré",
    "insolite": "objet déguisé",
}
FREE = ("CC BY 2.0", "CC BY-SA 2.0", "sans restriction connue")  # celles d'une image à montrer
ADDRESS = "https://raw.githubusercontent.com"


class Photograph(NamedTuple):
    """Une ligne d'une liste."""

    label: str  # classe, en français
    tags: tuple[str, ...]  # conditions, ou ce que c'est quand ce n'est pas une photographie
    repository: str  # propriétaire/nom, sur GitHub
    commit: str
    path: str  # dans ce dépôt
    licence: str  # telle que sa source la dit
    address: str  # de l'image d'origine, si elle est connue
    sha256: str

    @property
    def is_photograph(self) -> bool:
        """Faux pour un dessin ou un jouet."""
        return not set(self.tags) & set(NOT_PHOTOGRAPHS)


class Answer(NamedTuple):
    """Ce que `./predict` répond à une image de la liste."""

    photograph: Photograph
    path: Path
    name: str  # classe donnée, ou "illisible"
    familiar: bool

    @property
    def right(self) -> bool:
        """Vrai si la classe donnée est celle de la liste."""
        return self.name.casefold() == self.photograph.label


# --- Les images -----------------------------------------------------------------------


def read_list(path: Path) -> list[Photograph]:
    """Lit une liste d'images."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return [Photograph(row.pop("class"), tuple(row.pop("tags").split()), **row) for row in rows]


def collect(photographs: Sequence[Photograph]) -> dict[Photograph, Path]:
    """Rend le fichier de chaque image, du cache ou de son dépôt.

    Args:
        photographs: les images voulues.

    Returns:
        Les images obtenues ; celles d'un dépôt disparu manquent, ce qui est dit sur stderr.

    Raises:
        FileNotFoundError: une image n'est pas dans le cache, et GitHub ne répond pas.
    """
    folder, found = data_cache_dir() / "photographies", {}
    folder.mkdir(parents=True, exist_ok=True)
    for each in photographs:
        place = folder / f"{each.sha256}{Path(each.path).suffix.lower()}"
        if not _is_whole(place, each):
            try:
                _download(each, place)
            except HTTPError as error:
                print(f"{each.repository}, {each.path} : GitHub dit {error}", file=sys.stderr)
            except (OSError, HTTPException) as error:
                raise FileNotFoundError(
                    "GitHub ne répond pas.\nÀ faire : rétablir le réseau, ou copier "
                    f"{folder} d'une machine où cette commande l'a déjà rempli."
                ) from error
        if _is_whole(place, each):
            found[each] = place
    return found


def _is_whole(path: Path, photograph: Photograph) -> bool:
    return path.exists() and file_sha256(path) == photograph.sha256


def _download(photograph: Photograph, place: Path) -> None:
    print(f"Téléchargement : {photograph.repository}, {photograph.path}", file=sys.stderr)
    path = quote(f"{photograph.repository}/{photograph.commit}/{photograph.path}")
    with urlopen(f"{ADDRESS}/{path}", timeout=NETWORK_TIMEOUT_S) as answer:
        content = answer.read()
    with replacing(place) as temporary:
        temporary.write_bytes(content)


# --- Mesurer ---------------------------------------------------------------------------


def ask(
    model: Classifier | router.Router, found: dict[Photograph, Path]
) -> tuple[list[Answer], float]:
    """Rend les réponses de `./predict` à des images, et le temps de processeur de chacune, en s."""
    start = time.process_time()  # et non de montre : les autres programmes n'y changent rien
    results = [*model.classify([str(path) for path in found.values()])]
    duration_s = (time.process_time() - start) / len(found)
    answers = []
    for (photograph, path), result in zip(found.items(), results, strict=True):
        name = "illisible" if result.error else result.answer.classes[result.best]
        answers.append(Answer(photograph, path, name, not result.is_doubted))
    return answers, duration_s


def describe(answers: Sequence[Answer]) -> str:
    """Rend l'exactitude, son intervalle de Wilson et son compte : `95,0 % [92,1 ; 96,9] (…)`."""
    right, total = sum(each.right for each in answers), len(answers)
    interval = binomtest(right, total).proportion_ci(method="wilson")
    low, high = (f"{100 * bound:.1f}".replace(".", ",") for bound in interval)
    return f"{percent(right / total)} [{low} ; {high}] ({right} sur {total})"


def tables(answers: Sequence[Answer]) -> str:
    """Rend les tableaux Markdown : par classe, par condition, et ce qui n'est pas photographie."""
    photographs = [each for each in answers if each.photograph.is_photograph]
    labels = dict.fromkeys(each.photograph.label for each in answers)
    classes = [_class_row(label, photographs) for label in labels]
    plain = [each for each in photographs if not each.photograph.tags]
    groups = {"aucune de celles qui suivent": plain}
    apart = {tag: f"*à part :* {tag}" for tag in NOT_PHOTOGRAPHS}
    for tag, title in (TAGS | apart).items():
        groups[title] = [each for each in answers if tag in each.photograph.tags]
    conditions = [[title, describe(own)] for title, own in groups.items() if own]
    return (
        markdown_table(["classe", "justes", "confondues avec"], classes)
        + "\n\n"
        + markdown_table(["condition", "exactitude, intervalle à 95 %"], conditions)
    )


def _class_row(label: str, photographs: Sequence[Answer]) -> list[str]:
    """Rend une classe, ce qui en est bien nommé, et les noms donnés au reste."""
    own = [each for each in photographs if each.photograph.label == label]
    wrong = Counter(each.name for each in own if not each.right)
    names = [f"{name} ({times})" if times > 1 else name for name, times in wrong.items()]
    right = sum(each.right for each in own)
    return [label, f"{right} sur {len(own)}", ", ".join(names)]


def draw_mistakes(answers: Sequence[Answer], path: Path) -> None:
    """Dessine les images mal nommées, au moins une.

    Args:
        answers: les réponses, justes ou non.
        path: fichier PNG.
    """
    wrong = [each for each in answers if not each.right]
    columns = min(6, len(wrong))
    rows = -(-len(wrong) // columns)
    with style.new_figure(path, columns=columns, rows=rows, size=(1.9, 2.2)) as (_, axes):
        for axis in axes.flat:
            axis.set_axis_off()
        for axis, each in zip(axes.flat, wrong, strict=False):
            axis.imshow(crop_resize_image(open_image(each.path), 192, mode="pad"))
            axis.set_title(f"{each.photograph.label} :\n« {each.name} »", fontsize=9)


# --- La page -----------------------------------------------------------------------------


def report(answers: Sequence[Answer], num_listed: int, duration_s: float) -> str:
    """Rend ce que la commande affiche, et que la page reprend."""
    photographs = [each for each in answers if each.photograph.is_photograph]
    doubts = [each for each in photographs if not each.familiar]
    said = "Aucune n'est mise en doute."
    if doubts:
        right = sum(each.right for each in doubts)
        said = (
            f"{agreed(len(doubts), 'est mise', 'sont mises')} en doute, dont "
            f"{agreed(right, 'bien nommée', 'bien nommées')}."
        )
    lines = [
        f"**{describe(photographs)}** des photographies sont bien nommées. {said}",
        f"Un passage, lecture comprise : {1000 * duration_s:.0f} ms de processeur par image.",
    ]
    if missing := num_listed - len(answers):
        lines.append(f"Il manque {agreed(missing, 'image', 'images')} de la liste.")
    return "\n".join(lines) + "\n\n" + tables(answers)


def main(argv: list[str] | None = None) -> int:
    """Prend les images, demande leurs noms, affiche les tableaux."""
    sys.stdout.reconfigure(encoding="utf-8")
    parser = FrenchParser(
        prog="python -m benchmarks.photographs", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add(
        "--development",
        action="store_true",
        help="mesurer plutôt les images avec lesquelles on choisit, d'autres dépôts",
    )
    add("--model", metavar="NOM", help="un modèle de models/, et non celui que ./predict choisit")
    add("--update-page", action="store_true", help="écrire mesures et figure dans docs/laboratoire")
    options = parser.parse_args(argv)

    def body() -> int:
        photographs = read_list(DEVELOPMENT_LIST if options.development else TEST_LIST)
        found = collect(photographs)
        model = router.load(options.model)
        answers, duration_s = ask(model, found)
        text = report(answers, len(photographs), duration_s)
        print(text)
        if options.update_page:
            free = [each for each in answers if each.photograph.licence in FREE]
            if not all(each.right for each in free):
                draw_mistakes(free, FIGURE)
            page = with_tables(PAGE, {"mesures": text})
            with replacing(PAGE) as temporary:
                temporary.write_text(page, encoding="utf-8")
        return 0

    return run(body)


if __name__ == "__main__":
    reserve_stderr()  # le C++ de LiteRT y écrit en anglais
    raise SystemExit(main())
