"""Les photographies d'un utilisateur : `./predict` les nomme-t-il, lesquelles lui échappent ?

Commande : python -m benchmarks.photographs
Résultat mesuré : docs/photographies.md.

Les listes (`photographs*.csv`) disent de chaque image sa classe, ses conditions, le dépôt public
d'où elle vient, sa licence et son empreinte. Les images n'accompagnent pas le cours : la commande
les prend une fois avec git, à un commit fixé, et les garde dans le cache des données.
"""

import csv
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from convnets.core import files
from convnets.core.cli import (
    FrenchParser,
    agreed,
    markdown_table,
    percent,
    printable,
    reserve_stderr,
    run,
)
from convnets.core.files import file_sha256
from convnets.core.images import crop_resize_image, open_image
from convnets.core.paths import data_cache_dir
from convnets.datasets.packages import NETWORK_TIMEOUT_S
from convnets.figures import style
from convnets.serving import router
from convnets.serving.classifier import Classifier, Result

HERE = Path(__file__).resolve().parent
TEST_LIST = HERE / "photographs.csv"  # ne choisit rien
DEVELOPMENT_LIST = HERE / "photographs_dev.csv"  # d'autres dépôts, pour choisir
PAGE = HERE.parent / "docs" / "photographies.md"
FIGURE = PAGE.parent / "mesures" / "photographies.png"  # images à la licence libre
START, END = "<!-- mesures : début -->", "<!-- mesures : fin -->"
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
Z = 1.959964  # quantile à 97,5 % de la loi normale


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


def collect(
    photographs: Sequence[Photograph], *, copies: Path | None = None, cache_dir: Path | None = None
) -> dict[Photograph, Path]:
    """Rend le fichier de chaque image, du cache ou de son dépôt.

    Args:
        photographs: les images voulues.
        copies: dossier de clones déjà faits, `propriétaire+nom` pour chaque dépôt ; GitHub sinon.
        cache_dir: dossier du cache, celui des données par défaut.

    Returns:
        Les images obtenues ; celles d'un dépôt disparu manquent, ce qui est dit sur stderr.

    Raises:
        FileNotFoundError: git absent, réseau qui ne répond pas, ou rien d'obtenu.
    """
    folder = (cache_dir or data_cache_dir()) / "photographies"
    folder.mkdir(parents=True, exist_ok=True)
    missing: dict[tuple[str, str], list[Photograph]] = {}
    for each in photographs:
        if not _is_whole(_place(each, folder), each):
            missing.setdefault((each.repository, each.commit), []).append(each)
    for number, (source, wanted) in enumerate(missing.items(), start=1):
        count = agreed(len(wanted), "image", "images")
        print(f"Dépôt {number} sur {len(missing)} : {source[0]}, {count}", file=sys.stderr)
        try:
            _fetch(*source, wanted, folder=folder, copies=copies)
        except LookupError as error:
            print(f"  {error}", file=sys.stderr)
    places = {each: _place(each, folder) for each in photographs}
    found = {each: path for each, path in places.items() if _is_whole(path, each)}
    if not found:
        raise FileNotFoundError("Aucune photographie n'a pu être obtenue.")
    return found


def _place(photograph: Photograph, folder: Path) -> Path:
    return folder / f"{photograph.sha256}{Path(photograph.path).suffix.lower()}"


def _is_whole(path: Path, photograph: Photograph) -> bool:
    return path.exists() and file_sha256(path) == photograph.sha256


def _fetch(
    repository: str, commit: str, wanted: Sequence[Photograph], *, folder: Path, copies: Path | None
) -> None:
    """Prend des images d'un dépôt, sans le reste de son contenu.

    Raises:
        LookupError: ce dépôt n'est plus là, ou ses fichiers ont changé.
        FileNotFoundError: git absent, ou réseau qui ne répond pas.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="depot-") as place:
        checkout(repository, commit, [each.path for each in wanted], Path(place), copies=copies)
        for each in wanted:
            path = Path(place, each.path)
            if not _is_whole(path, each):
                raise LookupError(f"{repository} : {each.path} n'a pas l'empreinte attendue.")
            os.replace(path, _place(each, folder))


def checkout(
    repository: str, commit: str, paths: Sequence[str], place: Path, *, copies: Path | None = None
) -> None:
    """Prend des fichiers ou des dossiers d'un dépôt public, sans le reste de son contenu.

    Args:
        repository: `propriétaire/nom`, sur GitHub.
        commit: les quarante chiffres d'un commit : son contenu ne peut pas changer.
        paths: chemins dans le dépôt.
        place: dossier vide où les écrire.
        copies: dossier de clones déjà faits, `propriétaire+nom` pour chaque dépôt ; GitHub sinon.

    Raises:
        LookupError: ce dépôt, ce commit ou l'un des fichiers n'est plus là.
        FileNotFoundError: git absent, ou réseau qui ne répond pas.
    """
    address = f"https://github.com/{repository}"
    if copies:
        address = str((copies / repository.replace("/", "+")).resolve())
    _git(place, "init", "--quiet")
    _git(place, "remote", "add", "origin", address)
    _git(place, "config", "remote.origin.uploadpack", SERVE)  # un clone accepte tout, lui aussi
    # Le commit sans ses fichiers, puis les fichiers voulus, ensemble.
    _git(place, "fetch", "--quiet", "--depth=1", "--filter=blob:none", "origin", commit)
    _git(place, "checkout", "--quiet", commit, "--", *(f":(literal){path}" for path in paths))


def _git(place: Path, *arguments: str) -> None:
    options = [each for setting in GIT_SETTINGS for each in ("-c", setting)]
    try:
        result = subprocess.run(
            ["git", *options, *arguments],
            cwd=place,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise FileNotFoundError(
            "La commande git est absente ; installez-la : ces photographies viennent de dépôts "
            "publics."
        ) from error
    if result.returncode:
        said = printable((result.stderr.strip().splitlines() or ["sans message"])[-1])
        if any(each in result.stderr for each in NO_NETWORK):
            raise FileNotFoundError(
                f"GitHub ne répond pas ({said}). Les photographies y sont prises la première "
                "fois : vérifiez le réseau, ou donnez par --from un dossier de clones déjà faits, "
                "propriétaire+nom pour chaque dépôt."
            )
        raise LookupError(f"Le dépôt n'a pas pu être lu : {said}")


GIT_SETTINGS = (
    f"http.lowSpeedTime={NETWORK_TIMEOUT_S}",
    "http.lowSpeedLimit=1000",  # octets par seconde
    "core.autocrlf=false",
    "gc.auto=0",  # ni ménage, ni entretien : le dossier va disparaître
    "maintenance.auto=false",
    "filter.lfs.smudge=",
    "filter.lfs.required=false",
)
SERVE = "git -c uploadpack.allowFilter=true -c uploadpack.allowAnySHA1InWant=true upload-pack"
NO_NETWORK = (  # ce que git en dit
    "Could not resolve",
    "Couldn't connect",
    "Failed to connect",
    "unable to access",
    "timed out",
)


# --- Mesurer ---------------------------------------------------------------------------


def wilson(right: int, total: int) -> tuple[float, float]:
    """Rend l'intervalle à 95 % d'une proportion, de Wilson.

    Source : Wilson, « Probable inference, the law of succession, and statistical inference »,
    JASA 22, 1927.
    """
    share, scale = right / total, 1 + Z**2 / total
    middle = (share + Z**2 / (2 * total)) / scale
    half = Z * math.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def ask(
    model: Classifier | router.Router, found: dict[Photograph, Path]
) -> tuple[list[Answer], float]:
    """Rend les réponses de `./predict` à des images, et le temps de processeur de chacune, en s."""
    classes = model.classes
    start = time.process_time()  # et non de montre : les autres programmes n'y changent rien
    results = [*model.classify([str(path) for path in found.values()])]
    duration_s = (time.process_time() - start) / len(found)

    def name(result: Result) -> str:
        return "illisible" if result.error else classes[result.best]

    return [
        Answer(photograph, path, name(result), result.familiar)
        for (photograph, path), result in zip(found.items(), results, strict=True)
    ], duration_s


def count(answers: Iterable[Answer]) -> tuple[int, int]:
    """Rend `(justes, toutes)`."""
    rights = [each.right for each in answers]
    return sum(rights), len(rights)


def describe(answers: Sequence[Answer]) -> str:
    """Rend l'exactitude, son intervalle et son compte : `95,0 % [92,1 ; 96,9] (…)`."""
    right, total = count(answers)
    low, high = (f"{100 * bound:.1f}".replace(".", ",") for bound in wilson(right, total))
    return f"{percent(right / total)} [{low} ; {high}] ({right} sur {total})"


def tables(answers: Sequence[Answer]) -> str:
    """Rend les tableaux Markdown : par classe, par condition, et ce qui n'est pas photographie."""
    photographs = [each for each in answers if each.photograph.is_photograph]
    classes = []
    for label in dict.fromkeys(each.photograph.label for each in answers):
        own = [each for each in photographs if each.photograph.label == label]
        wrong = [each.name for each in own if not each.right]
        names = ", ".join(
            f"{name} ({wrong.count(name)})" if wrong.count(name) > 1 else name
            for name in dict.fromkeys(wrong)
        )
        right, total = count(own)
        classes.append([label, f"{right} sur {total}", names])
    plain = [each for each in photographs if not each.photograph.tags]
    groups = {"aucune de celles qui suivent": plain}
    groups |= {
        title: [each for each in photographs if tag in each.photograph.tags]
        for tag, title in TAGS.items()
    }
    groups |= {
        f"*à part :* {tag}": [each for each in answers if tag in each.photograph.tags]
        for tag in NOT_PHOTOGRAPHS
    }
    conditions = [[title, describe(own)] for title, own in groups.items() if own]
    return (
        markdown_table(["classe", "justes", "confondues avec"], classes)
        + "\n\n"
        + markdown_table(["condition", "exactitude, intervalle à 95 %"], conditions)
    )


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
    right_doubts, _ = count(doubts)
    missing = num_listed - len(answers)
    said = "Aucune n'est mise en doute."
    if doubts:
        said = (
            f"{agreed(len(doubts), 'est mise', 'sont mises')} en doute, dont "
            f"{agreed(right_doubts, 'bien nommée', 'bien nommées')}."
        )
    lines = [
        f"**{describe(photographs)}** des photographies sont bien nommées. {said}",
        f"Un passage, lecture comprise : {1000 * duration_s:.0f} ms de processeur par image.",
    ]
    if missing:
        lines.append(f"Il manque {agreed(missing, 'image', 'images')} de la liste.")
    return "\n".join(lines) + "\n\n" + tables(answers)


def update_page(text: str, page: Path = PAGE) -> None:
    """Remplace les mesures d'une page, entre ses deux repères."""
    before, rest = page.read_text(encoding="utf-8").split(START)
    _, after = rest.split(END)
    with files.replacing(page) as temporary:
        temporary.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


def make_parser() -> FrenchParser:
    """Prépare les options."""
    parser = FrenchParser(
        prog="python -m benchmarks.photographs", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add(
        "--development",
        action="store_true",
        help="mesurer plutôt les images avec lesquelles on choisit, d'autres dépôts",
    )
    add(
        "--from",
        dest="copies",
        type=Path,
        metavar="DOSSIER",
        help="prendre les dépôts dans un dossier de clones, propriétaire+nom, et non sur GitHub",
    )
    add("--model", metavar="NOM", help="un modèle de models/, et non celui que ./predict choisit")
    add(
        "--update-page", action="store_true", help=f"écrire mesures et figure dans docs/{PAGE.name}"
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Prend les images, demande leurs noms, affiche les tableaux."""
    sys.stdout.reconfigure(encoding="utf-8")
    options = make_parser().parse_args(argv)

    def body() -> int:
        photographs = read_list(DEVELOPMENT_LIST if options.development else TEST_LIST)
        found = collect(photographs, copies=options.copies)
        model = router.load(options.model)
        answers, duration_s = ask(model, found)
        text = report(answers, len(photographs), duration_s)
        print(text)
        if options.update_page:
            free = [each for each in answers if each.photograph.licence in FREE]
            if any(not each.right for each in free):
                draw_mistakes(free, FIGURE)
            update_page(text)
        return 0

    return run(body)


if __name__ == "__main__":
    reserve_stderr()  # le C++ de LiteRT y écrit en anglais
    raise SystemExit(main())
