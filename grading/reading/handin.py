"""Les rendus tels qu'ils arrivent : dossier, `.py`, notebooks, zip, export de Moodle.

Chacun devient un dossier de modules `exNN_…`, celui que `submission` sait lire, et une liste de
remarques : ce qui a été laissé de côté, et pourquoi. Rien d'un rendu n'est exécuté ici, aucun lien
n'est suivi, et un rendu illisible ne coûte rien aux autres.
"""

import functools
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from convnets.core.cli import reason
from grading import sealed
from grading.reading import archives, folders, notebooks, submission
from grading.reading.archives import LIMITS, READ, RefusedError, printable
from grading.reading.notebooks import Source
from grading.reading.submission import Submission
from grading.scale import read_scale

MAX_NESTED_ZIPS = 2  # un zip dans le zip de Moodle, ou dans celui d'un élève
PAPERS = re.compile(r"(?i)\.|readme|licen[cs]e|requirements")  # ce qui n'est pas une réponse
MAX_FILES = 2_000  # lus d'un rendu
COURSE_PROGRAMS = ("exercises", "plain")  # les programmes de départ, que le cours donne
COURSE_MARK = Path("grading", "sealed.zip")  # ce qui dit qu'un dossier est le cours d'un énoncé
COURSE_MODELS = "models"  # où un énoncé fait enregistrer les poids qu'on rend
WORK = (".py", ".ipynb", ".zip")
TEACHERS = (".csv", ".xlsx", ".ods", ".json", ".md", ".toml", ".ini", ".db")  # et non d'un élève
RESERVED = re.compile(
    r"ex\d\d_\w+|exercises|convnets|figures|models|tests|grading|docs|data|\..*|__.*"
    r"|.*_assignsubmission_.*"
)
MODULE = re.compile(r"ex\d\d_")
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)_?(?P<rest>.*)")
WEIGHED = {"ex02_fashion": "fashion", "ex03_cifar10": "cifar", "ex04_lenet": "lenet"}

GUESSED, FOUND, READY, TOLD = range(-1, 3)  # ce qui dit de quel exercice est un fichier

Pairs = Sequence[tuple[str, str]]  # ce que dit --as : exercice, fichier


class Collected(NamedTuple):
    """Les rendus à noter ; les autres élèves, et pour chacun une phrase.

    Attributes:
        submissions: les rendus à noter.
        empty: élèves qui n'ont rien rendu.
        ungraded: élèves dont le rendu ne peut pas être noté ici ; l'enseignant en décide.
    """

    submissions: list[Submission]
    empty: dict[str, str]
    ungraded: dict[str, str]


class Candidate(NamedTuple):
    """Un fichier qui peut être un module, et ce qui le dit : de `GUESSED` à `TOLD`."""

    rank: int
    source: Source


class Ranked(NamedTuple):
    """Un fichier, les modules dont il peut être et ce qui le dit, et un doute, ou ""."""

    source: Source
    ranks: dict[str, int]
    doubt: str


class NothingError(RefusedError):
    """Un élève n'a rendu aucun fichier."""


class Received(NamedTuple):
    """Ce qu'un élève a rendu, tel qu'il est arrivé."""

    name: str  # sans pareil dans la classe
    owner: str  # le nom de l'élève, d'après le dossier ou le fichier
    number: str  # son numéro dans l'export de Moodle, "" ailleurs
    paths: list[Path]
    refusal: str = ""  # pourquoi rien n'en sera lu


# --- Un rendu, ou une classe ---------------------------------------------------------


def is_class(path: Path) -> bool:
    """Dit si un dossier ou un zip contient les rendus de plusieurs élèves.

    C'en est un s'il a des sous-dossiers ou des zips à noter : au moins deux, ou un seul et rien
    d'autre ; ou plusieurs fichiers pour un même exercice. Un `.py` égaré n'y change rien.

    Raises:
        RefusedError: un zip illisible.
    """
    if not path.is_dir():
        zipped = path.is_file() and _ends(path) == ".zip"
        with tempfile.TemporaryDirectory() as folder:
            return zipped and is_class(open_class(path, Path(folder)))
    if path.name == "exercises" or submission.Submission("", path / "exercises", path).modules:
        return False
    children = [each for each in sorted(path.iterdir()) if not each.is_symlink()]
    if any(MOODLE.match(each.name) for each in children):
        return True
    return _holds_students(children)


def _holds_students(children: list[Path]) -> bool:
    """Dit si ce que contient un dossier est de plusieurs élèves."""
    packages = any(each.is_dir() and MODULE.match(each.name) for each in children)
    children = [each for each in children if not RESERVED.fullmatch(each.name)]
    num_students = sum(map(_is_of_student, children))
    loose = [each for each in children if _is_program(each)]
    if num_students >= 2 or (num_students == 1 and not packages and not loose):
        return True
    known = [module for each in loose for module in _recognised(each)]
    return len(known) > len(set(known))


def _is_program(path: Path) -> bool:
    return path.is_file() and _ends(path) in (".py", ".ipynb")


def _is_of_student(path: Path) -> bool:
    """Dit si un zip ou un dossier peut être le rendu d'un élève d'une classe."""
    return _ends(path) == ".zip" or (path.is_dir() and _has_work(path))


def _ends(path: Path) -> str:
    """Rend la fin d'un nom en minuscules : `TP1.IPYNB` est un notebook."""
    return path.suffix.lower()


def _has_work(folder: Path) -> bool:
    """Dit si un dossier contient de quoi noter un élève."""
    return any(
        _ends(path) in (".ipynb", ".zip") or (_ends(path) == ".py" and _recognised(path))
        for path in walk(folder)
    )


def _recognised(path: Path) -> list[str]:
    named = [name for name in (path.stem, path.parent.name) if MODULE.match(name)]
    try:
        modules, doubt = (named, "") if named else notebooks.modules_of(notebooks.read(path))
        return modules or [doubt] * bool(doubt)  # un réseau d'un exercice que rien ne dit
    except (RefusedError, OSError):
        return []


def collect(
    path: Path, workspace: Path, *, chosen: Sequence[str] = (), asked: str = "", one: bool = False
) -> Collected:
    """Prépare les rendus d'un dossier, d'un fichier ou d'un zip.

    Args:
        path: ce que l'enseignant a reçu.
        workspace: dossier vide, que nul autre ne peut lire ; les rendus y sont copiés.
        chosen: réponses aux doutes, `"ex02=tp2.ipynb"`.
        asked: le seul exercice demandé, `"ex02"` ; un fichier que rien ne désigne est le sien.
        one: c'est le rendu d'un seul élève.

    Returns:
        Les rendus, et les élèves qui n'en ont pas.

    Raises:
        FileNotFoundError: rien à noter.
        ValueError: un choix mal écrit.
    """
    path, workspace = Path(path).absolute(), Path(workspace)
    if not path.exists():
        raise FileNotFoundError(
            f"{path} n'est pas un dossier, ni un fichier ; donnez celui d'un rendu."
        )
    name = printable(path.name if path.is_dir() else path.stem)
    alone = Received(name, name, "", [path])
    each_received = [alone] if one else received(open_class(path, workspace))
    found = collect_received(each_received, workspace, chosen=chosen, asked=asked)
    for exercise, file in map(_choice, chosen):
        if not any(each.as_posix().endswith(f"/{file}") for each in workspace.rglob("*")):
            raise FileNotFoundError(f"--as {exercise}={file} : aucun rendu n'a de fichier {file}.")
    if not found.submissions:
        why = next(iter([*found.ungraded.values(), *found.empty.values()]), "aucun fichier à lire")
        raise FileNotFoundError(
            f"{path} ne contient rien à noter : {why} ; donnez le rendu d'un élève, ou "
            "--submissions pour une classe entière, un dossier ou un fichier par élève."
        )
    return found


def open_class(path: Path, workspace: Path) -> Path:
    """Rend le dossier qui contient les rendus d'une classe ; un zip est ouvert dans `workspace`.

    Raises:
        RefusedError: un zip illisible.
    """
    if not path.is_file():
        return path
    opened = workspace / "classe"
    archives.extract(path, opened, limit=archives.MAX_CLASS_BYTES, shared=True)
    return _base(opened)


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
    pairs = [_choice(text) for text in chosen]
    found = Collected([], {}, {})
    for number, each in enumerate(each_received):
        try:
            found.submissions.append(_prepare(each, workspace / str(number), pairs, asked))
        except NothingError as error:
            found.empty[each.name] = str(error)
        except RefusedError as error:
            found.ungraded[each.name] = str(error)
        except OSError as error:
            said = reason(error, named=False)
            found.ungraded[each.name] = f"le rendu ne peut pas être lu ({said})"
        except RecursionError:  # d'une bibliothèque, devant un fichier fait pour cela
            found.ungraded[each.name] = "le rendu ne peut pas être lu : il est trop profond"
    return found


def received(folder: Path) -> list[Received]:
    """Range ce que contient le dossier d'une classe, élève par élève.

    Ce qui ne se lit pas vient à la fin, sauf un PDF au nom d'un élève qui a rendu autre chose.
    """
    groups: dict[tuple[str, str], list[Path]] = {}
    refused: dict[str, str] = {}
    for each in sorted(folder.iterdir()):
        if each.name.startswith((".", "~")) or each.name in archives.HIDDEN:
            continue
        moodle, name = MOODLE.match(each.name), printable(each.name)
        if each.is_symlink():
            refused[name] = "un lien n'est pas suivi : rendez le dossier lui-même"
        elif moodle:
            paths = groups.setdefault((printable(moodle["name"]), moodle["id"]), [])
            paths += [each] if moodle["kind"] == "file" else []
        elif each.is_dir() or _ends(each) in (*WORK, *archives.OTHERS):
            taken = each.is_dir() or (printable(each.stem), "") in groups
            groups[name if taken else printable(each.stem), ""] = [each]
        elif _ends(each) not in TEACHERS:
            refused[printable(each.stem)] = f"{name} n'est ni un .py, ni un .ipynb, ni un .zip"
    return _named(groups, refused)


def _named(groups: dict[tuple[str, str], list[Path]], refused: dict[str, str]) -> list[Received]:
    """Donne à chaque rendu un nom que nul autre n'a ; ce qui ne se lit pas vient à la fin."""
    owners, named = Counter(owner for owner, _ in groups), []
    for (owner, number), paths in groups.items():
        name = f"{owner} ({number})" if owners[owner] > 1 and number else owner
        named.append(Received(name, owner, number, paths))
    for name, why in refused.items():
        if name not in owners:
            named.append(Received(name, name, "", [], why))
    return named


def _choice(text: str) -> tuple[str, str]:
    exercise, _, file = text.partition("=")
    known = [module for module in _graded() if len(exercise) >= 4 and module.startswith(exercise)]
    if not file or not known:
        raise ValueError(f"--as {text} : écrivez --as ex02=tp2.ipynb, un exercice et un fichier.")
    return exercise, file


@functools.cache
def _graded() -> list[str]:
    """Rend les modules que le barème note."""
    return sorted({rule.module for each in read_scale().values() for rule in each.rules})


# --- Un rendu ------------------------------------------------------------------------


def _prepare(received: Received, target: Path, pairs: Pairs, asked: str) -> Submission:
    """Copie un rendu et en fait des modules.

    Raises:
        NothingError: aucun fichier.
        RefusedError: rien à noter ; le message dit pourquoi.
    """
    if received.refusal:
        raise RefusedError(received.refusal)
    if not any(map(_has_file, received.paths)):
        raise NothingError("aucun fichier à lire")
    remarks: list[str] = []
    for path in received.paths:
        inside = path.name == "exercises" and not (path / "models").is_dir()
        _copy(path.parent if inside else path, target, remarks)
    found = submission.find(_base(target))._replace(name=received.name)
    _convert(found.home, found.root, remarks, pairs, asked)
    if not found.modules:
        remarks += _unread(received.paths, target)
        raise RefusedError(" ; ".join(dict.fromkeys(remarks or ["aucun exercice reconnu"])))
    _place_weights(found, remarks)
    return found._replace(remarks=tuple(dict.fromkeys(remarks)))


def walk(folder: Path, remarks: list[str] | None = None) -> Iterator[Path]:
    """Parcourt un dossier sans suivre de lien ; seulement ce qui peut servir à noter.

    Args:
        folder: le dossier.
        remarks: y est ajoutée une phrase si tout n'a pas été parcouru.
    """
    for level in folders.levels(folder, skipped=archives.HIDDEN):
        paths = [level.path / each.name for each in level.files]
        yield from (each for each in paths if archives.is_wanted(each.relative_to(folder)))
        if level.left and remarks is not None:
            remarks.append(level.left)


def _has_file(path: Path) -> bool:
    """Dit si un fichier a été rendu, que le correcteur sache le lire ou non."""
    levels = folders.levels(path, skipped=archives.HIDDEN) if path.is_dir() else ()
    names = [each.name for level in levels for each in level.files]
    return path.is_file() or any(not name.startswith(".") for name in names)


def _unread(paths: list[Path], copied: Path) -> list[str]:
    """Nomme trois fichiers, au plus, d'un rendu où rien n'est reconnu, et qui n'ont pas été lus."""
    kept = {path.name for path in walk(copied)}
    names = [
        printable(each.name)
        for path in filter(Path.is_dir, paths)
        for level in folders.levels(path, skipped=archives.HIDDEN)
        for each in level.files
        if each.name not in kept and not PAPERS.match(each.name)
        if _ends(Path(each.name)) not in (*WORK, *archives.OTHERS)
    ]
    return [f"pas lus, faute de finir par .py ou .ipynb : {', '.join(names[:3])}"] if names else []


def _is_of_course(path: Path, root: Path) -> bool:
    """Dit si un fichier est du cours que l'énoncé donne à côté, et non de l'élève."""
    for folder in path.relative_to(root).parents:
        if (root / folder / COURSE_MARK).is_file():
            return path.relative_to(root / folder).parts[0] != COURSE_MODELS
    return False


def _copy(source: Path, home: Path, remarks: list[str], depth: int = 0) -> None:
    """Copie un fichier ou un dossier, zips ouverts, en disant ce qui est laissé."""
    home.mkdir(parents=True, exist_ok=True)
    root = source if source.is_dir() else source.parent
    paths = walk(source, remarks) if source.is_dir() else [source]
    for count, path in enumerate(paths):
        if count == MAX_FILES:
            remarks.append(f"plus de {MAX_FILES} fichiers : les suivants ne sont pas lus")
            break
        moodle, inside = MOODLE.match(path.name), path.relative_to(root)
        inside = inside.with_name(moodle["rest"]) if moodle and moodle["rest"] else inside
        if inside.parts[-3:-1] == COURSE_PROGRAMS or _is_of_course(path, root):
            continue
        size, limit, label = path.stat().st_size, LIMITS.get(_ends(path)), printable(inside.name)
        if limit is None:
            remarks.append(f"{label} laissé de côté : la correction ne lit que {READ}")
        elif size > limit:
            remarks.append(
                f"{label} laissé de côté : {size / 1e6:.0f} Mo, plus que {limit / 1e6:.0f} ; "
                "d'un notebook, effacez les sorties"
            )
        elif _ends(path) == ".zip" and depth < MAX_NESTED_ZIPS:
            _copy_zip(path, home / inside.with_suffix(""), remarks, depth)
        elif not (home / inside).exists():
            (home / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, home / inside, follow_symlinks=False)


def _copy_zip(path: Path, home: Path, remarks: list[str], depth: int) -> None:
    try:
        with tempfile.TemporaryDirectory() as folder:
            opened = Path(folder, "zip")
            archives.extract(path, opened, limit=archives.MAX_OPENED_BYTES)
            _copy(opened, home, remarks, depth + 1)
    except RefusedError as error:
        remarks.append(str(error).rstrip("."))


def _base(home: Path) -> Path:
    """Descend dans les dossiers qui sont seuls, `tp.zip/TP CNN/…`, sauf un paquet de Python."""
    while True:
        inside = [each for each in home.iterdir() if each.is_dir() or archives.is_wanted(each)]
        alone = len(inside) == 1 and inside[0].is_dir()
        if not alone or RESERVED.fullmatch(inside[0].name) or (inside[0] / "__init__.py").is_file():
            return home
        home = inside[0]


def _sources(home: Path, root: Path) -> Iterator[tuple[Path, str]]:
    """Rend les programmes d'un rendu, et le module du barème dont chacun a le nom, ou ""."""
    for path in walk(home):
        code = _ends(path) == ".py" and path.name != "predict.py" and path.is_relative_to(root)
        inside = path.relative_to(root if code else home)
        files = {f"/{submission.file_of(module)}": module for module in _graded() if code}
        named = next((files[each] for each in files if f"/{inside.as_posix()}".endswith(each)), "")
        ours = not named and sealed.is_course(inside.as_posix())  # du cours, et pas noté
        left = ours or path.relative_to(home).parts[0] in submission.NOT_SOURCES
        if (code or _ends(path) == ".ipynb") and not left:
            yield path, named


def _convert(home: Path, root: Path, remarks: list[str], pairs: Pairs, asked: str) -> None:
    """Fait un module du fichier qui lui convient le mieux ; un module déjà en place le reste."""
    wanted: dict[str, list[Candidate]] = {}
    strays = []
    read = [
        Ranked(source, *_ranks(source, named, root, pairs, asked))
        for source, named in _readable(home, root, remarks)
    ]
    read = _settled(_without_parts(_without_demonstrations(read, asked)))
    for source, ranks, doubt in read:
        for module, rank in ranks.items():
            wanted.setdefault(module, []).append(Candidate(rank, source))
        if not ranks:
            remarks += [*source.remarks, doubt] if doubt else source.remarks
            strays += [] if doubt else [source]
    expected = [module for module in _graded() if asked and module.startswith(asked)]
    if strays and expected and wanted.keys().isdisjoint(expected):  # l'enseignant est pris au mot
        wanted |= dict.fromkeys(expected, [Candidate(GUESSED, each) for each in strays])
    else:
        remarks += _left(strays, every=not wanted)
    for module, candidates in wanted.items():
        _write(module, candidates, _may_be_of(module, read), root, remarks)


def _without_demonstrations(read: list[Ranked], asked: str) -> list[Ranked]:
    """Écarte de l'exercice 05 une base que le rendu ne fait que lire, sans rien entraîner.

    Rien n'est écarté si c'est cet exercice que l'enseignant a demandé.
    """
    if asked == "ex05" or any(notebooks.trains(each.source) for each in read):
        return read
    return [
        Ranked(each.source, {}, f"{each.source.path.name} lit une base apprise, et n'entraîne rien")
        if each.ranks == dict.fromkeys(notebooks.TRANSFER, FOUND) and not _defines(each)
        else each
        for each in read
    ]


def _without_parts(read: list[Ranked]) -> list[Ranked]:
    """Écarte de l'exercice 01 les convolutions qu'apprend un autre fichier, qui les importe."""
    teachers = [each.source for each in read if notebooks.teaches(each.source)]
    return [
        Ranked(each.source, {}, "")
        if each.ranks == {notebooks.FILTERS: FOUND}
        and not _defines(each)
        and any(notebooks.imports(teacher, each.source) for teacher in teachers)
        else each
        for each in read
    ]


def _defines(ranked: Ranked) -> bool:
    """Dit si un fichier définit une fonction de l'énoncé qui suffit à le reconnaître."""
    return any(_sought(module) & ranked.source.functions for module in ranked.ranks)


def _settled(read: list[Ranked]) -> list[Ranked]:
    """Lève les doutes d'un rendu : le réseau d'un fichier apprend ce que lit le fichier d'à côté.

    Un fichier qui reprend une base, et que lance le même programme, est alors du même exercice.
    """
    sources = [each.source for each in read]
    module = notebooks.data_of(sources)
    doubtful = [each for each in read if each.doubt and not notebooks.other_library(each.source)]
    if not module or not doubtful:
        return read
    settled = [each.source for each in doubtful]
    settled += _transfers_beside(read, settled)
    return [
        Ranked(each.source, {module: FOUND}, "") if each.source in settled else each
        for each in read
    ]


def _transfers_beside(read: list[Ranked], sources: list[Source]) -> list[Source]:
    """Rend les fichiers qui reprennent une base, et qu'importe qui importe l'un de `sources`."""
    every = [each.source for each in read]
    users = [each for each in every if any(notebooks.imports(each, own) for own in sources)]
    transfers = [each.source for each in read if set(notebooks.TRANSFER) & each.ranks.keys()]
    return [each for each in transfers if any(notebooks.imports(user, each) for user in users)]


def _may_be_of(module: str, read: list[Ranked]) -> list[Source]:
    """Rend les fichiers d'un module, et ceux qui ne sont d'aucun."""
    return [each.source for each in read if not each.ranks or module in each.ranks]


def _readable(home: Path, root: Path, remarks: list[str]) -> Iterator[tuple[Source, str]]:
    """Lit les programmes d'un rendu ; ce qui ne se lit pas devient une remarque."""
    for path, named in _sources(home, root):
        try:
            source = notebooks.read(path)
        except RefusedError as error:
            remarks.append(str(error).rstrip("."))
            continue
        is_older = not source.wrong and notebooks.wrong_line(notebooks.decoded(path))
        if is_older and _ends(path) == ".py":  # du Python 2, qu'un autre fichier importe peut-être
            path.write_text(source.text, encoding="utf-8")
        yield source, named


def _left(strays: list[Source], *, every: bool) -> list[str]:
    """Dit quels notebooks, et si rien n'est reconnu quels `.py`, ne sont d'aucun exercice."""
    left = [each.path for each in strays if every or _ends(each.path) == ".ipynb"]
    why = (
        "il ne définit aucune fonction d'un énoncé, ne construit aucun réseau avec Keras, et n'est "
        "pas un filtrage d'image par tf.nn.conv2d"
    )
    return [f"{printable(path.name)} n'est noté pour aucun exercice ({why})" for path in left[:5]]


def _ranks(
    source: Source, named: str, root: Path, pairs: Pairs, asked: str
) -> tuple[dict[str, int], str]:
    """Dit de quels modules est un fichier, d'après l'enseignant, sa place, ou ce qu'il définit.

    Returns:
        Par module, ce que vaut cette réponse, de `GUESSED` à `TOLD` ; puis un doute, ou "".
    """
    modules, doubt = ([named], "") if named else notebooks.modules_of(source)
    told = _told(source, pairs)
    if told:
        known = [each for each in told if each not in notebooks.DECISIVE or each in modules]
        return dict.fromkeys(known or told, TOLD), ""
    network = asked in notebooks.RECORDED and not named and notebooks.is_network(source)
    guessed = [module for module in _graded() if network and module.startswith(asked)]
    rank = READY if _is_ready(source, named, root) else FOUND
    ranks = dict.fromkeys(guessed, GUESSED) | dict.fromkeys(modules, rank)
    return ranks, "" if guessed else doubt


def _told(source: Source, pairs: Pairs) -> list[str]:
    """Rend les modules qu'un fichier contient, d'après l'enseignant (`--as`)."""
    path = source.path.as_posix()
    starts = tuple(exercise for exercise, file in pairs if path.endswith(f"/{file}"))
    return [module for module in _graded() if module.startswith(starts)]


def _is_ready(source: Source, module: str, root: Path) -> bool:
    """Dit si un fichier, à la place d'un module, est à lire tel quel."""
    return source.path == root / submission.file_of(module) and not notebooks.wrong_line(
        notebooks.decoded(source.path)
    )


def _write(
    module: str, candidates: list[Candidate], sources: list[Source], root: Path, remarks: list[str]
) -> None:
    """Écrit un module, du fichier qui lui convient le mieux ; un programme, de tous les siens."""
    surest, best = max(candidates, key=partial(_worth, module))
    left = [each for rank, each in candidates if each is not best and rank > GUESSED]
    recorded = module.startswith(notebooks.RECORDED)
    program = module == notebooks.FILTERS and not _sought(module) & best.functions
    if (recorded or program) and surest != READY:
        mine = _of_network(module, candidates, best, told=surest == TOLD)
        left = [each for each in left if each not in mine]
        best = notebooks.together(mine, sources)
    kept = printable(best.path.name)
    for name in [printable(each.path.name) for each in left]:
        remarks.append(
            f"{name} laissé de côté : {kept} est noté pour {module} ; "
            f"si c'est l'inverse, --as {module[:4]}={name}"
        )
    if surest == GUESSED and not recorded:
        remarks.append(
            f"{kept} est pris pour {module}, comme demandé ; aucune des "
            f"fonctions cherchées n'y est : {', '.join(sorted(_sought(module)))}"
        )
    if not _is_ready(best, module, root):
        remarks += best.remarks
        notebooks.convert(best, module, root)


def _sought(module: str) -> set[str]:
    """Rend les fonctions auxquelles un module se reconnaît."""
    return notebooks.DECISIVE.get(module, {"build_model", "train", "evaluate"})


def _suits(module: str, source: Source) -> bool:
    """Dit si un fichier fait ce que demande un réseau : apprendre, ou partir d'une base."""
    return (notebooks.reuses if module.startswith("ex05") else notebooks.learns)(source)


def _worth(module: str, candidate: Candidate) -> tuple:
    """Dit ce que vaut un fichier pour un module : le plus grand l'emporte.

    Un énoncé contient un notebook et un `.py` : celui où l'élève a écrit passe devant l'autre.
    """
    source, sought = candidate.source, _sought(module)
    rules = read_scale()[module[:4]].rules if module[:4] in read_scale() else ()
    asked = {name for rule in rules if rule.module == module for name in rule.writes}
    written, defined = len(sought & source.written), len(sought & source.functions)
    left = len(source.functions - source.written)  # moins il en reste, plus l'élève y a touché
    suits = _suits(module, source)
    return candidate.rank, written, len(asked & source.written), defined, suits, -left


def _of_network(
    module: str, candidates: list[Candidate], best: Source, *, told: bool
) -> list[Source]:
    """Rend les fichiers d'un réseau ; si l'enseignant en a dit (`told`), ceux-là seuls."""
    mine = [each for rank, each in candidates if rank == TOLD or not told]
    if module.startswith("ex05") and _suits(module, best):  # ceux qui reprennent une base
        mine = [each for each in mine if _suits(module, each)]
    return mine


def _place_weights(found: Submission, remarks: list[str]) -> None:
    """Met à leur place des poids d'un autre nom."""
    models = [each for each in walk(found.home) if _ends(each) == ".keras"]
    handed = [slug for slug in WEIGHED if slug in found.modules]
    needed = [slug for slug in handed if not found.weights(slug).is_file()]
    for slug in needed if models else ():
        keys = (slug[:4], WEIGHED[slug])
        named = [each for each in models if any(key in each.stem.lower() for key in keys)]
        mine = named or (models if len(needed) == 1 else [])
        if len(mine) == 1:
            _copy_weights(mine[0], found, slug)
        else:
            remarks.append(f"poids de {slug} : lequel des .keras ? nommez-le {slug}.keras")


def _copy_weights(path: Path, found: Submission, slug: str) -> None:
    found.weights(slug).parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".keras", ".tflite"):
        if path.with_suffix(suffix).is_file():
            shutil.copyfile(path.with_suffix(suffix), found.weights(slug, suffix))
