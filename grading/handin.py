"""Les rendus tels qu'ils arrivent : dossier, `.py`, notebooks, zip, export de Moodle.

Chacun devient un dossier de modules `exNN_…`, celui que `submission` sait lire, et une liste de
remarques : ce qui a été laissé de côté, et pourquoi. Rien d'un rendu n'est exécuté ici, et un
rendu illisible ne coûte rien aux autres.
"""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from convnets.core.cli import reason
from grading import archives, notebooks, submission
from grading.archives import RefusedError, printable
from grading.scale import read_scale
from grading.submission import MAX_MODEL_BYTES, MAX_SOURCE_BYTES, Submission

MAX_NOTEBOOK_BYTES = 50 * 10**6
MAX_NESTED_ZIPS = 2  # un zip dans le zip de Moodle, ou dans celui d'un élève
MAX_FILES = 2_000  # d'un rendu
LIMITS = {
    "": MAX_SOURCE_BYTES,
    ".ipynb": MAX_NOTEBOOK_BYTES,
    ".png": submission.MAX_FIGURE_BYTES,
    ".keras": MAX_MODEL_BYTES,
    ".tflite": MAX_MODEL_BYTES,
    ".zip": archives.MAX_OPENED_BYTES,
}
WORK = (".py", ".ipynb", ".zip")
TEACHERS = (".csv", ".xlsx", ".ods", ".json", ".md", ".toml", ".ini", ".db")  # et non d'un élève
RESERVED = re.compile(
    r"ex\d\d_\w+|exercises|convnets|figures|models|tests|grading|docs|data|\..*|__.*"
)
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)_?(?P<rest>.*)")
WEIGHED = {"ex02_fashion": "fashion", "ex03_cifar10": "cifar", "ex04_lenet": "lenet"}


class Collected(NamedTuple):
    """Les rendus trouvés, et pour chaque élève sans rendu lisible, une phrase."""

    submissions: list[Submission]
    empty: dict[str, str]


class Received(NamedTuple):
    """Ce qu'un élève a rendu, tel qu'il est arrivé."""

    name: str  # sans pareil dans la classe
    owner: str  # le nom de l'élève, d'après le dossier ou le fichier
    number: str  # son numéro dans l'export de Moodle, "" ailleurs
    paths: list[Path]
    refusal: str = ""  # pourquoi rien n'en sera lu


class Choices:
    """Ce que l'enseignant a dit : l'exercice demandé, et de quel exercice est un fichier.

    Args:
        chosen: voir `collect`.
        asked: de même.

    Raises:
        ValueError: un choix mal écrit.
    """

    def __init__(self, chosen: Sequence[str] = (), asked: str = ""):
        self.pairs, self.asked = [_choice(text) for text in chosen], asked
        self.used: set[int] = set()  # rangs, dans `pairs`, de ceux qui ont servi


# --- Un rendu, ou une classe ---------------------------------------------------------


def is_class(path: Path) -> bool:
    """Dit si un dossier ou un zip contient les rendus de plusieurs élèves.

    C'en est un s'il a des sous-dossiers ou des zips à noter : au moins deux, ou un seul et rien
    d'autre ; ou plusieurs fichiers pour un même exercice. Un `.py` égaré n'y change rien.

    Raises:
        FileNotFoundError: rien à cet endroit.
        RefusedError: un zip illisible.
    """
    _require(path)
    if path.is_file():
        if _ends(path) != ".zip":
            return False
        found = [each for each in archives.names(path) if archives.is_wanted(each)]
        tops = {each.parts[0] for each in found if each.parts}
        if any(MOODLE.match(top) for top in tops):
            return True
        inner = [PurePosixPath(*each.parts[1:]) for each in found] if len(tops) == 1 else found
        inner = [each for each in inner if each.parts and not RESERVED.fullmatch(each.parts[0])]
        return _are_students(
            {each.parts[0] for each in inner if len(each.parts) > 1 and _ends(each) in WORK}
            | {each.name for each in inner if len(each.parts) == 1 and _ends(each) == ".zip"},
            loose=any(len(each.parts) == 1 and _ends(each) in WORK[:2] for each in inner),
        )
    if path.name == "exercises" or submission.Submission("", path / "exercises", path).modules:
        return False
    children = [each for each in sorted(path.iterdir()) if not each.is_symlink()]
    if any(MOODLE.match(each.name) for each in children):
        return True
    packages = any(each.is_dir() and re.match(r"ex\d\d_", each.name) for each in children)
    children = [each for each in children if not RESERVED.fullmatch(each.name)]
    loose = [each for each in children if each.is_file() and _ends(each) in WORK[:2]]
    known = [module for each in loose for module in _recognised(each)]
    if len(known) > len(set(known)):
        return True
    students = {
        each.name
        for each in children
        if (each.is_dir() and _has_work(each)) or _ends(each) == ".zip"
    }
    canonical = any(path.glob("ex[0-9][0-9]_*.py"))
    return _are_students(students, loose=packages or canonical or bool(loose))


def _ends(path: Path | PurePosixPath) -> str:
    """Rend la fin d'un nom en minuscules : `TP1.IPYNB` est un notebook."""
    return path.suffix.lower()


def _require(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(
            f"{path} n'est pas un dossier, ni un fichier ; donnez celui d'un rendu."
        )


def _are_students(names: set[str], *, loose: bool) -> bool:
    return len(names) >= 2 or (len(names) == 1 and not loose)


def _has_work(folder: Path) -> bool:
    """Dit si un dossier contient de quoi noter un élève."""
    for path in _walk(folder):
        if _ends(path) in (".ipynb", ".zip") or re.match(r"ex\d\d_", path.name):
            return True
        if re.match(r"ex\d\d_", path.parent.name) or (_ends(path) == ".py" and _recognised(path)):
            return True
    return False


def _recognised(path: Path) -> list[str]:
    if re.match(r"ex\d\d_", path.stem):
        return [path.stem]
    try:
        if path.stat().st_size > LIMITS.get(_ends(path), MAX_SOURCE_BYTES):
            return []
        return notebooks.modules_of(notebooks.read(path))[0]
    except (RefusedError, OSError, RecursionError):
        return []


def collect(
    path: Path, workspace: Path, *, chosen: Sequence[str] = (), asked: str = "", one: bool = False
) -> Collected:
    """Prépare les rendus d'un dossier, d'un fichier ou d'un zip.

    Args:
        path: ce que l'enseignant a reçu.
        workspace: dossier vide, que nul autre ne peut lire ; les rendus y sont copiés.
        chosen: réponses aux doutes, `"ex02=tp2.ipynb"`.
        asked: le seul exercice demandé, `"ex02"` ; un réseau que rien ne désigne est le sien.
        one: c'est le rendu d'un seul élève.

    Returns:
        Les rendus, et les élèves qui n'en ont pas.

    Raises:
        FileNotFoundError: rien à noter.
        ValueError: un choix mal écrit.
    """
    path, workspace = Path(path).absolute(), Path(workspace)
    _require(path)
    choices = Choices(chosen, asked)
    if one:
        name = printable(path.name if path.is_dir() else path.stem)
        try:
            found, empty = [_prepare(name, [path], workspace / "0", choices)], {}
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"{path} ne contient rien à noter : {error} ; donnez le rendu d'un élève, ou "
                "--submissions pour une classe entière."
            ) from error
    else:
        found, empty = _collect_class(path, workspace, choices)
    for number, (module, file) in enumerate(choices.pairs):
        if number not in choices.used:
            raise FileNotFoundError(f"--as {module}={file} : aucun rendu n'a de fichier {file}.")
    return Collected(found, empty)


def _collect_class(path: Path, workspace: Path, choices: Choices):
    found, empty = _prepare_all(received(open_class(path, workspace)), workspace, choices)
    if not found:
        raise FileNotFoundError(
            f"{path} ne contient aucun rendu : un dossier ou un fichier par élève."
        )
    return found, empty


def open_class(path: Path, workspace: Path) -> Path:
    """Rend le dossier qui contient les rendus d'une classe ; un zip est ouvert dans `workspace`.

    Raises:
        RefusedError: un zip illisible.
    """
    if not path.is_file():
        return path
    opened = workspace / "classe"
    archives.extract(path, opened, limits=LIMITS, limit=archives.MAX_CLASS_BYTES)
    archives.keep_places(path, opened)
    inside = [each for each in opened.iterdir() if each.is_dir() or archives.is_wanted(each)]
    alone = len(inside) == 1 and inside[0].is_dir() and not MOODLE.match(inside[0].name)
    return inside[0] if alone else opened


def collect_received(
    each_received: Sequence[Received],
    workspace: Path,
    *,
    chosen: Sequence[str] = (),
    asked: str = "",
) -> Collected:
    """Prépare les rendus d'une classe, qui peut n'en avoir aucun de lisible.

    Args:
        each_received: rendus rangés par `received`.
        workspace: comme pour `collect`.
        chosen: de même.
        asked: de même.

    Raises:
        ValueError: un choix mal écrit.
    """
    return Collected(*_prepare_all(each_received, workspace, Choices(chosen, asked)))


def _prepare_all(each_received, workspace: Path, choices: Choices):
    found, empty = [], {}
    for number, (name, _, _, paths, refusal) in enumerate(each_received):
        if refusal:
            empty[name] = refusal
            continue
        try:
            found.append(_prepare(name, paths, workspace / str(number), choices))
        except FileNotFoundError as error:
            empty[name] = str(error)
        except RecursionError:
            empty[name] = "du code trop imbriqué pour être lu"
        except OSError as error:
            empty[name] = f"le rendu ne peut pas être lu ({reason(error, named=False)})"
    return found, empty


def received(folder: Path) -> list[Received]:
    """Range ce que contient le dossier d'une classe, élève par élève.

    Ce qui ne se lit pas vient à la fin, sauf un PDF au nom d'un élève qui a rendu autre chose.
    """
    groups: dict[tuple[str, str], list[Path]] = {}
    refused: dict[str, str] = {}
    for each in sorted(folder.iterdir()):
        moodle, suffix = MOODLE.match(each.name), _ends(each)
        if each.name.startswith((".", "~")) or each.name in archives.HIDDEN:
            continue
        if each.is_symlink():
            refused[printable(each.name)] = "un lien n'est pas suivi : rendez le dossier lui-même"
        elif moodle:
            paths = groups.setdefault((printable(moodle["name"]), moodle["id"]), [])
            if moodle["kind"] == "file":
                paths.append(each)
        elif each.is_dir():
            groups[printable(each.name), ""] = [each]
        elif suffix in (*WORK, *archives.OTHERS):
            name = printable(each.stem)
            groups[(printable(each.name) if (name, "") in groups else name), ""] = [each]
        elif suffix not in TEACHERS:
            why = f"{printable(each.name)} n'est ni un .py, ni un .ipynb, ni un .zip"
            refused[printable(each.stem)] = why
    owners = [owner for owner, _ in groups]
    return [
        Received(
            f"{owner} ({number})" if owners.count(owner) > 1 and number else owner,
            owner,
            number,
            paths,
        )
        for (owner, number), paths in groups.items()
    ] + [Received(name, name, "", [], why) for name, why in refused.items() if name not in owners]


def _choice(text: str) -> tuple[str, str]:
    exercise, _, file = text.partition("=")
    modules = {rule.module for each in read_scale().values() for rule in each.rules}
    if not file or not any(module.startswith(exercise) for module in modules) or len(exercise) < 4:
        raise ValueError(f"--as {text} : écrivez --as ex02=tp2.ipynb, un exercice et un fichier.")
    return exercise, file


# --- Un rendu ------------------------------------------------------------------------


def _prepare(name: str, paths: list[Path], target: Path, choices: Choices):
    """Copie un rendu et en fait des modules.

    Raises:
        FileNotFoundError: rien à noter ; le message dit pourquoi.
    """
    found = _as_it_is(paths[0]) if len(paths) == 1 and not choices.pairs else None
    if found is not None and _is_handed_in(choices.asked, found.modules):
        return submission.keep(found, target, slugs=WEIGHED)._replace(name=name)
    remarks: list[str] = []
    target.mkdir(parents=True)
    for path in paths:
        inside = path.name == "exercises" and not (path / "models").is_dir()
        _copy(path.parent if inside else path, target, remarks)
    home = _base(target)
    root = home / "exercises" if (home / "exercises").is_dir() else home
    _convert(home, root, remarks, choices)
    found = Submission(name, root, home)
    if not found.modules:
        empty = not any(path.is_file() for path in target.rglob("*"))
        why = "aucun fichier à lire" if empty else "aucun exercice reconnu"
        raise FileNotFoundError(" ; ".join(remarks) or why)
    return found._replace(remarks=(*remarks, *_place_weights(found, choices)))


def _is_handed_in(exercise: str, modules) -> bool:
    return not exercise or any(module.startswith(exercise) for module in modules)


def _as_it_is(path: Path) -> Submission | None:
    """Rend un rendu dont chaque fichier est déjà à sa place et se lit tel quel."""
    try:
        found = submission.find(path)
    except FileNotFoundError:
        return None
    if any(_ends(each) in (".ipynb", ".zip") for each in path.iterdir()):
        return None
    for each in _walk(found.root):
        inside = each.relative_to(found.root)
        module = ".".join(inside.with_suffix("").parts)
        if _ends(each) in (".ipynb", ".zip"):
            return None
        if _ends(each) == ".py" and inside.parts[0] not in submission.NOT_SOURCES:
            known = each.suffix == ".py" and module in found.modules
            if not notebooks.is_ready(each, module) if known else _recognised(each):
                return None
    if _lacking(found) and any(_ends(each) == ".keras" for each in _walk(found.home)):
        return None
    return found


def _walk(folder: Path):
    """Parcourt un dossier sans suivre de lien ; seulement ce qui peut servir à noter."""
    for current, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(
            each
            for each in folders
            if not each.startswith(".")
            and each not in archives.HIDDEN
            and not os.path.islink(os.path.join(current, each))
        )
        for each in sorted(files):
            path = Path(current, each)
            wanted = archives.is_wanted(path.relative_to(folder))
            if wanted and path.is_file() and not path.is_symlink():
                yield path


def _copy(source: Path, home: Path, remarks: list[str], depth: int = 0) -> None:
    """Copie un fichier ou un dossier, zips ouverts, en disant ce qui est laissé."""
    root = source if source.is_dir() else source.parent
    total = count = 0
    for path in _walk(source) if source.is_dir() else [source]:
        moodle = MOODLE.match(path.name)
        inside = path.relative_to(root)
        inside = inside.with_name(moodle["rest"]) if moodle and moodle["rest"] else inside
        size, suffix = path.stat().st_size, _ends(path)
        limit, label = LIMITS.get(suffix, MAX_SOURCE_BYTES), printable(inside.name)
        if suffix in (".h5", ".hdf5"):
            remarks.append(f"{label} laissé de côté : seuls les poids .keras sont lus")
        elif suffix in archives.OTHERS:
            remarks.append(f"{label} laissé de côté : seul .zip est ouvert")
        elif size > limit:
            remarks.append(
                f"{label} laissé de côté : {size / 1e6:.0f} Mo, plus que {limit / 1e6:.0f}"
                + (" (effacez ses sorties)" if suffix == ".ipynb" else "")
            )
        elif count >= MAX_FILES or total + size > archives.MAX_OPENED_BYTES:
            remarks.append(f"rendu trop gros : {label} et la suite laissés de côté")
            return
        elif suffix == ".zip":
            opened = _free(home / inside.with_suffix(""))
            try:
                if depth >= MAX_NESTED_ZIPS:
                    raise RefusedError(
                        f"{label} est un zip dans un zip dans un zip : à ouvrir soi-même."
                    )
                temporary = home / f".zip{depth}"
                archives.extract(path, temporary, limits=LIMITS, limit=archives.MAX_OPENED_BYTES)
                opened.mkdir(parents=True)
                _copy(temporary, opened, remarks, depth + 1)
                shutil.rmtree(temporary)
            except RefusedError as error:
                remarks.append(str(error).rstrip("."))
        elif suffix in archives.WANTED or path.name == "predict" or archives.is_figure(inside):
            copy = home / inside
            copy.parent.mkdir(parents=True, exist_ok=True)
            if not copy.exists():
                shutil.copyfile(path, copy, follow_symlinks=False)
            total, count = total + size, count + 1
        else:
            remarks.append(f"{label} laissé de côté : ni .py, ni .ipynb, ni .zip")


def _free(path: Path) -> Path:
    """Rend un chemin où il n'y a rien : celui-ci, ou le même suivi d'un numéro."""
    names = (path.name, *(f"{path.name} {number}" for number in range(2, MAX_FILES)))
    return next(each for each in map(path.with_name, names) if not each.exists())


def _base(home: Path) -> Path:
    """Descend dans les dossiers qui sont seuls : `tp.zip/TP CNN/…`."""
    while True:
        inside = [each for each in home.iterdir() if each.name != "__MACOSX"]
        alone = len(inside) == 1 and inside[0].is_dir()
        if not alone or RESERVED.fullmatch(inside[0].name):
            return home
        home = inside[0]


def _convert(home: Path, root: Path, remarks: list[str], choices: Choices) -> None:
    """Fait des modules de ce qui n'en est pas ; un module déjà en place n'est pas remplacé."""
    scale = {rule.module for each in read_scale().values() for rule in each.rules}
    ready, sources = set(), []
    for path in list(_walk(home)):
        inside = path.relative_to(home)
        if _ends(path) not in (".py", ".ipynb") or path.name == "predict.py":
            continue
        if inside.parts[0] in submission.NOT_SOURCES:
            continue
        if _ends(path) == ".py" and not path.is_relative_to(root):
            continue
        module = (
            ".".join(path.relative_to(root).with_suffix("").parts)
            if path.is_relative_to(root)
            else ""
        )
        named = _named(path, scale)
        if path.suffix == ".py" and module in scale and notebooks.is_ready(path, module):
            ready.add(module)
        elif path.suffix == ".py" and re.match(r"ex\d\d_", module) and module not in scale:
            continue  # un fichier du cours que le barème ne note pas
        else:
            sources.append((path, named))
    wanted: dict[str, list] = {}
    asked: set[str] = set()
    unknown, doubts = [], []  # réseaux que rien ne dit d'un exercice, et ce qu'on en dirait
    for path, named in sources:
        label = printable(path.name)
        try:
            source = notebooks.read(path)
        except RefusedError as error:
            remarks.append(str(error).rstrip("."))
            continue
        answers = [
            k for k, (_, file) in enumerate(choices.pairs) if path.as_posix().endswith(f"/{file}")
        ]
        choices.used.update(answers)
        modules, doubt = ([named], "") if named else notebooks.modules_of(source)
        if answers:
            starts = [choices.pairs[k][0] for k in answers]
            mine = [m for m in sorted(scale) if any(m.startswith(start) for start in starts)]
            known = [m for m in mine if m not in notebooks.DECISIVE or m in modules]
            modules, doubt = known or mine, ""
            asked |= set(modules)
        if not answers and not named and notebooks.is_network(source):
            unknown.append(source)
        doubts += [doubt] if doubt else []
        for module in modules:
            wanted.setdefault(module, []).append((bool(answers), source))
        if not modules and not doubt:
            remarks += [each for each in source.remarks if each not in remarks]
        if not modules and not doubt and _ends(path) == ".ipynb":
            remarks.append(f"{label} laissé de côté : aucun exercice reconnu")
    if choices.asked in notebooks.RECORDED and not _is_handed_in(choices.asked, {*ready, *wanted}):
        mine = [each for each in sorted(scale) if each.startswith(choices.asked)] if unknown else []
        wanted |= {module: [(True, source) for source in unknown] for module in mine}
        doubts = [] if mine else doubts
    remarks += doubts
    for module, found in wanted.items():
        _write(module, found, root, remarks, done=module in ready and module not in asked)


def _write(module: str, found: list, root: Path, remarks: list[str], *, done: bool) -> None:
    """Écrit un module, du fichier qui lui convient le mieux."""
    found = [source for answered, source in found if answered] or [source for _, source in found]
    if done:
        names = ", ".join(printable(source.path.name) for source in found)
        remarks.append(f"{names} laissé de côté : {submission.file_of(module)} est rendu aussi")
        return
    wanted = notebooks.DECISIVE.get(module, {"build_model", "train", "evaluate"})
    best = max(found, key=lambda each: (len(wanted & each.functions), len(each.cells)))
    for other in found:
        if other is not best:
            name = printable(other.path.name)
            remarks.append(
                f"{name} laissé de côté : {printable(best.path.name)} est noté pour {module} ; "
                f"si c'est l'inverse, --as {module[:4]}={name}"
            )
    said = [*best.remarks, *notebooks.convert(best, module, root)]
    remarks += [each for each in said if each not in remarks]


def _named(path: Path, scale: set[str]) -> str:
    """Rend le module dont un fichier porte le nom, où qu'il soit."""
    for name in (f"{path.parent.name}.{path.stem}", path.stem):
        if _ends(path) == ".py" and name in scale:
            return name
    return ""


def _lacking(found: Submission) -> list[str]:
    """Rend les exercices rendus dont les poids ne sont pas à leur place."""
    return [s for s in WEIGHED if s in found.modules and not found.weights(s).is_file()]


def _place_weights(found: Submission, choices: Choices) -> list[str]:
    """Met à leur place des poids d'un autre nom."""
    models = [each for each in _walk(found.home) if _ends(each) == ".keras"]
    needed = _lacking(found)
    remarks = []
    for slug in needed:
        asked = [k for k, (exercise, _) in enumerate(choices.pairs) if slug.startswith(exercise)]
        answers = {
            k: p for k in asked for p in models if p.as_posix().endswith(f"/{choices.pairs[k][1]}")
        }
        choices.used.update(answers)
        keys = (slug[:4], WEIGHED[slug])
        mine = list(answers.values())[:1] or [p for p in models if p.stem == slug]
        mine = mine or [p for p in models if any(key in p.stem.lower() for key in keys)]
        mine = mine or [p for p in models if len(needed) == 1 and p.stem not in WEIGHED]
        if len(mine) == 1:
            place = found.weights(slug)
            place.parent.mkdir(parents=True, exist_ok=True)
            for each in list(mine[0].parent.iterdir()):
                copy = place.with_suffix(_ends(each))
                ours = each.stem == mine[0].stem and copy.suffix in (".keras", ".tflite")
                if ours and each.is_file() and each != copy:
                    shutil.copyfile(each, copy)
        elif models:
            name = printable((mine or models)[0].name)
            remarks.append(f"poids de {slug} : lequel des .keras ? --as {slug[:4]}={name}")
    return remarks
