"""Du fichier d'un élève, notebook ou `.py`, aux modules que le correcteur sait lire.

Rien n'est exécuté ici : le code est lu par `ast`, trié, et noté dans un fichier JSON que
`grading/cells.py`, copié dans le rendu, rejoue dans le processus enfermé.

- Imports, fonctions, classes, constantes et valeurs qu'une fonction lit sont gardés, pour être
  définis à l'import.
- Le reste (lire les données, construire, entraîner, afficher) n'est exécuté que pour les réseaux
  des exercices 02 à 05, tout le programme étant alors lancé par `recorder`.
- Ce qui n'est pas du Python est laissé de côté, et coûte ce qui y était défini.
"""

import ast
import builtins
import functools
import importlib.util
import io
import json
import re
import shutil
import symtable
import tokenize
import warnings
from pathlib import Path
from typing import NamedTuple

from grading.archives import RefusedError
from grading.submission import MAX_SOURCE_BYTES, file_of

RUNTIME = Path(__file__).with_name("cells.py")
RUNTIME_NAME = "_cellules.py"  # dans le rendu
# Les fonctions qui suffisent à reconnaître un module : `relu` ou `convolve` sont partout.
DECISIVE = {
    "ex00_convolution.geometry": {"output_size", "pads"},
    "ex00_convolution.matrices": {"im2col", "toeplitz_matrix", "kernel_gradient"},
    "ex00_convolution.operations": {"conv1d", "conv2d"},
    "ex00_convolution.pooling": {"pool2d"},
    "ex00_convolution.x_or_o": {"chain"},
    "ex01_filters": {"as_filters", "horizontal_patterns", "vertical_patterns", "to_grey_levels"},
    "ex04_lenet": {"build_dense"},  # ex00 construit aussi un LeNet
    "ex05_inception.features": {"make_generator", "frozen_base"},
    "ex05_inception.head": {"build_head"},
    "ex06_feature_maps.maps": {"first_kernels", "activation_maps"},
    "ex06_feature_maps.maximisation": {"maximise"},
    "ex07_occlusion": {"drops", "occlusion"},
    "ex08_saliency": {"smooth_sensitivity", "attributions"},
    "ex09_grad_cam.grad_cam": {"grad_cam_map", "grad_cam_plus_plus_map"},
    "ex10_lime": {"lime_coefficients", "lime"},
    "ex11_curves.curves": {"pixel_order", "deletion_and_insertion"},
    "ex12_deep_dream": {"dream", "read_guide"},
    "ex13_reconstruction": {"feature_distance", "reconstruct"},
    "ex14_style": {"gram_matrix", "style_loss"},
    "ex15_architectures.inception": {"inception_module"},
    "ex15_architectures.operations": {"operations"},
    "ex15_architectures.residual": {"build_deep"},
    "ex16_bag_of_words.dictionary": {"sample_patches", "whitening_matrix"},
    "ex16_bag_of_words.encoding": {"hard_code", "triangle_code", "quarter_means"},
    "ex17_detection.boxes": {"non_max_suppression"},
    "ex18_segmentation.measures": {"near_contour"},
    "ex18_segmentation.unpooling": {"max_pool_with_places", "unpool"},
    "ex19_vision_transformer.attention": {"rollout", "class_map"},
    "ex19_vision_transformer.networks": {"cut_patches", "attend", "add_positions"},
    "ex20_source_separation.factorisation": {"nmf_parts", "oracle_mask"},
    "ex20_source_separation.spectrograms": {"istft", "si_sdr", "apply_masks"},
    "ex21_graphs.messages": {"pass_messages", "grid_graph"},
    "ex21_graphs.real_graphs": {"normalised"},
    "ex22_by_hand.convolution": {"add_windows", "Convolution"},
    "ex22_by_hand.dense": {"Relu"},
    "ex22_by_hand.loss": {"cross_entropy"},
    "ex22_by_hand.network": {"Descent"},
    "ex22_by_hand.pooling": {"MaxPooling", "AveragePooling"},
    "ex23_what_matters.intervals": {"paired_gap"},
    "ex23_what_matters.networks": {"pieces_of", "share_start"},
    "ex24_autoencoder.baselines": {"principal_axes", "pca_codec"},
    "ex24_autoencoder.codec": {"quantise"},
    "ex24_autoencoder.measures": {"psnr", "ssim", "mean_gain"},
    "ex25_captions.bleu": {"bleu", "brevity_penalty"},
    "ex25_captions.decoding": {"to_words", "to_answers"},
    "ex26_text_to_image.flow": {"exact_velocity", "guided"},
    "ex26_text_to_image.measures": {"frechet", "copied"},
    "ex26_text_to_image.network": {"draw_batch", "read_sentence"},
    "ex27_video.metrics": {"count_faults", "count_identified", "mota"},
    "ex27_video.tracking": {"match_nearest"},
    "ex28_pose_and_depth.counting": {"density_map", "count_density"},
    "ex28_pose_and_depth.depth": {"match_windows", "depth_cm"},
    "ex28_pose_and_depth.pose": {"heat_maps", "pck"},
}
# Les réseaux, dont les fonctions portent le même nom, se reconnaissent à leurs données.
DATASETS = {"ex02_fashion": "fashion_mnist", "ex03_cifar10": "cifar10", "ex04_lenet": "mnist"}
RECORDED = ("ex02", "ex03", "ex04", "ex05")
BUILDERS = {
    "ex02_fashion": ("build_model",),
    "ex03_cifar10": ("build_model",),
    "ex04_lenet": ("build_lenet", "build_dense"),
}
SHOWN = set("display drive exit files get_ipython google help plt print quit sns".split())
LIGHT = set(
    "bool dict enumerate float frozenset int len list max min namedtuple np numpy partial Path "
    "range reversed round set slice sorted str sum tuple zip".split()
)
LONG = re.compile("load|fit|predict|evaluate")  # appels qu'un import ne fait pas
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
MAX_MAGICS = 200  # lignes ôtées d'une cellule : chacune la fait relire
MAX_PASSES = 30  # pour ranger les définitions dans un ordre qui convient
MAGIC = re.compile(r"\s*(?:\w[\w, ]*=\s*)?[%!](?!=)|\s*\?|.*\?\s*$")
TIMED = re.compile(r"(\s*)%(?:time|timeit|prun)\b(?:\s+-\w+(?:\s+\d+)?)*(.*)")
KEPT_CELLS = re.compile(r"%%(?:time|timeit|capture|prun)\b|%%writefile\s+\S+\.py\b")
NAMED = re.compile(r"(?:async\s+)?def\s+(\w+)|class\s+(\w+)|(\w+)\s*=(?!=)")
CONTINUES = re.compile(r"[\s)\]}#]|(?:elif|else|except|finally)\b|$")


class Cell(NamedTuple):
    """Une cellule, ou un fichier `.py` entier ; `source` est du Python."""

    label: str
    source: str
    lost: dict[str, int]  # noms d'un morceau qui n'est pas du Python, et la ligne de l'erreur


class Source(NamedTuple):
    """Un fichier d'élève, lu."""

    path: Path
    cells: list[Cell]
    remarks: list[str]

    @property
    def nodes(self) -> list[tuple[int, int, ast.stmt]]:
        """Instructions de premier niveau : `(cellule, rang, instruction)`."""
        return [
            (number, rank, node)
            for number, cell in enumerate(self.cells)
            for rank, node in enumerate(_parsed(cell.source).body)
        ]

    @property
    def functions(self) -> set[str]:
        """Noms des fonctions et classes définies, et de ce qu'une erreur de syntaxe a perdu."""
        lost = {name for cell in self.cells for name in cell.lost}
        kinds = (ast.FunctionDef, ast.ClassDef)
        return lost | {node.name for _, _, node in self.nodes if isinstance(node, kinds)}


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


# --- Lire ----------------------------------------------------------------------------


def read(path: Path) -> Source:
    """Lit un notebook ou un fichier `.py`.

    Raises:
        RefusedError: le fichier n'est pas un notebook.
    """
    if path.suffix.lower() == ".ipynb":
        texts, remarks = _notebook_cells(path), []
    else:
        text, remarks = _decoded(path)
        texts = [(path.name, text)]
    if sum(len(text) for _, text in texts) > MAX_SOURCE_BYTES // 2:
        raise RefusedError(f"{path.name} a plus d'un demi-million de caractères de code.")
    cells = []
    for label, text in texts:
        cell, found = _cell(label, text)
        cells.append(cell)
        remarks += found
    return Source(path, cells, remarks)


def _notebook_cells(path: Path) -> list[tuple[str, str]]:
    """Lit les cellules de code ; le format n'est pas vérifié davantage : un élève n'y peut rien."""
    try:
        book = json.loads(path.read_text(encoding="utf-8-sig"))
        sheets = [book] if "cells" in book else book["worksheets"]
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        sources = [cell.get("source", cell.get("input", "")) for cell in cells]
        codes = [cell.get("cell_type") == "code" for cell in cells]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise RefusedError(
            f"{path.name} n'est pas un notebook lisible : rendez-le à nouveau."
        ) from error
    texts = [
        "".join(map(str, source)) if isinstance(source, list) else str(source) for source in sources
    ]
    return [
        (f"cellule {number} de {path.name}", text)
        for number, (is_code, text) in enumerate(zip(codes, texts, strict=True), start=1)
        if is_code and text.strip()
    ]


def _decoded(path: Path) -> tuple[str, list[str]]:
    content = path.read_bytes()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding), []
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return content.decode("cp1252", "replace"), [
            f"{path.name} n'est pas en UTF-8 : ses accents ont été lus comme ceux de Windows"
        ]


def _cell(label: str, text: str) -> tuple[Cell, list[str]]:
    """Ôte les magies d'une cellule, puis ce qui n'est pas du Python ; rend aussi ce qu'on a ôté."""
    lines = text.replace("\r\n", "\n").replace("\x00", "").split("\n")
    start = next((k for k, line in enumerate(lines) if line.strip()), 0)
    if lines[start].startswith("%%"):
        if not KEPT_CELLS.match(lines[start]):
            return Cell(label, "", {}), [f"{label} laissée de côté : {lines[start][:40]}"]
        lines[start] = ""
    for _ in range(min(len(lines), MAX_MAGICS)):
        error = _error("\n".join(lines))
        if error is None:
            return Cell(label, "\n".join(lines), {}), []
        at = (error.lineno or 1) - 1
        if not (at < len(lines) and MAGIC.match(lines[at])):
            break
        at_end = at
        while lines[at_end].endswith("\\") and at_end + 1 < len(lines):
            at_end += 1
            lines[at_end - 1], lines[at_end] = (
                lines[at_end - 1][:-1],
                "\\"[: lines[at_end].endswith("\\")],
            )
        timed = TIMED.match(lines[at])
        margin = re.match(r"\s*", lines[at])[0]
        lines[at] = timed[1] + timed[2].strip() if timed and timed[2].strip() else f"{margin}pass"
    return _salvaged(label, lines)


def _error(text: str) -> SyntaxError | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError):
        return SyntaxError("illisible")
    return None


def _salvaged(label: str, lines: list[str]) -> tuple[Cell, list[str]]:
    """Garde les morceaux de premier niveau qui sont du Python."""
    starts = [k for k, line in enumerate(lines) if not CONTINUES.match(line)]
    starts = [k for n, k in enumerate(starts) if n == 0 or not lines[starts[n - 1]].startswith("@")]
    kept, lost, remarks = [""] * len(lines), {}, []
    for first, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        chunk = lines[first:end]
        error = _error("\n".join(chunk))
        if error is None:
            kept[first:end] = chunk
            continue
        line = first + (error.lineno or 1)
        names = [
            name
            for text in chunk
            for found in [NAMED.match(text)]
            if found
            for name in found.groups()
            if name
        ]
        lost |= dict.fromkeys(names or [""], line)
        cost = f", qui coûte {', '.join(names)}" if names else ""
        remarks.append(f"{label}, ligne {line} : erreur de syntaxe{cost}")
    return Cell(label, "\n".join(kept), lost), remarks


# --- Reconnaître ---------------------------------------------------------------------


def modules_of(source: Source) -> tuple[list[str], str]:
    """Reconnaît les exercices d'un fichier à ce qu'il définit.

    Returns:
        `(modules, doute)` : le doute est une phrase, ou vide.
    """
    functions = source.functions
    found = [module for module, names in DECISIVE.items() if names & functions]
    networks = list(dict.fromkeys(name for name in _datasets(source) if name))
    if _is_first_notebook(source):
        found = [name for name in found if name != "ex04_lenet"]  # ex00 a aussi un `build_dense`
    if "ex17_detection.boxes" in found:
        found = [name for name in found if name != "ex05_inception.head"]  # ni la même tête
    if not is_network(source):
        return found, ""
    if not networks and not found:
        shapes = "".join(cell.source for cell in source.cells).replace(" ", "")
        if "32,32,3" in shapes:
            return ["ex03_cifar10"], ""
        return [], (
            f"{source.path.name} construit un réseau dont l'exercice n'est pas reconnu : "
            f"dites-le par --as ex02={source.path.name} (ou ex03, ex04)"
        )
    if found:  # MNIST sert aussi d'exemple à d'autres exercices
        networks = [name for name in networks if name != "ex04_lenet"]
    if any(name > "ex06" for name in found):  # ceux-là apprennent sur les jeux des premiers
        networks = []
    return [*found, *(name for name in networks if name not in found)], ""


def _is_first_notebook(source: Source) -> bool:
    """Dit si c'est le notebook d'ex00, fait par `exercises.notebook`, sans ex04 à sa suite."""
    nodes = [each for cell in source.cells for each in ast.walk(_parsed(cell.source))]
    imports = [each.module or "" for each in nodes if isinstance(each, ast.ImportFrom)]
    return any(name.startswith("exercises.ex00_convolution") for name in imports) and not any(
        "ex04_lenet" in _words(each) for each in nodes
    )


def is_network(source: Source) -> bool:
    """Dit si un fichier construit un réseau à noter, et non s'il ne fait qu'en relire un."""
    if {"build_model", "train"} & source.functions:
        return True
    return any(
        isinstance(node, ast.Call) and _last(node.func) in ("Sequential", "Model")
        for _, _, statement in source.nodes
        for node in ast.walk(statement)
    )


def _datasets(source: Source) -> list[str | None]:
    """Dit de quel jeu de données chaque cellule parle : le module, ou None."""
    found = []
    for cell in source.cells:
        names = {name for node in ast.walk(_parsed(cell.source)) for name in _words(node)}
        matches = [
            module
            for module, dataset in DATASETS.items()
            if any(name in (dataset, f"load_{dataset}", module) for name in names)
        ]
        found.append(matches[0] if len(matches) == 1 else None)
    return found


def _words(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.alias):
        return node.name.split(".")
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value.removesuffix(".keras")]
    return []


def _last(node: ast.expr) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def is_ready(path: Path, module: str) -> bool:
    """Dit si un fichier qui porte le nom d'un module est à lire tel quel."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(path.read_bytes()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if module not in BUILDERS:
        return True
    functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    plain = any(
        _fits(node) for node in body if not isinstance(node, ast.FunctionDef | ast.ClassDef)
    )
    if plain and not (set(BUILDERS[module]) | {"train"}) & set(functions):
        return False
    return "train" not in functions or _is_ours(functions["train"])


def _is_ours(function: ast.FunctionDef) -> bool:
    """Dit si `train` a nos arguments."""
    arguments = function.args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    taken = {"seed", "options"} <= set(names) or arguments.kwarg is not None
    return taken and len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults) >= 4


def _fits(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Call) and _last(each.func) == "fit" for each in ast.walk(node))


# --- Écrire --------------------------------------------------------------------------


def convert(source: Source, module: str, root: Path) -> list[str]:
    """Écrit le module d'un exercice, fait d'un notebook ou d'un fichier d'un autre nom.

    Args:
        source: le fichier.
        module: `"ex02_fashion"`, par exemple.
        root: dossier des modules du rendu.

    Returns:
        Ce qui a été laissé de côté, une phrase par chose.
    """
    last = _end(source, module)
    nodes = [each for each in source.nodes if each[0] <= last]
    kept, script, remarks = _sorted_out(nodes, source, root)
    definitions = {node.name: node for _, _, node in kept if isinstance(node, ast.FunctionDef)}
    lost = {
        name: [cell.label, line]
        for cell in source.cells[: last + 1]
        for name, line in cell.lost.items()
        if name not in definitions
    }
    script = [each for each in script if not _is_shown(each[2])]
    if script and module[:4] not in RECORDED:  # de ceux-là, le programme est exécuté en entier
        numbers = sorted({source.cells[number].label for number, _, _ in script}, key=_natural)
        remarks.append(f"non exécuté hors des fonctions : {_listed(numbers)}")
    plan = {
        "cells": [[cell.label, cell.source] for cell in source.cells[: last + 1]],
        "kept": [[number, rank] for number, rank, _ in kept],
        "tried": [[number, rank] for number, rank, node in kept if _is_computed(node)],
        "lost": {name: place for name, place in lost.items() if name},
        "broken": next(iter(lost.values()), None) if not definitions else None,
        "notebook": str(source.path),
    }
    place = root / file_of(module)
    place.parent.mkdir(parents=True, exist_ok=True)
    folder = source.path.parent
    plan["folder"] = folder.relative_to(root).as_posix() if folder.is_relative_to(root) else "."
    place.with_suffix(".cells.json").write_text(json.dumps(plan), encoding="utf-8")
    place.write_text(
        f'"""Fait de {json.dumps(source.path.name)[1:-1]} par la correction."""\n\n'
        "from exercises._cellules import define\n\ndefine(globals(), __file__)\n",
        encoding="utf-8",
    )
    shutil.copyfile(RUNTIME, root / RUNTIME_NAME)
    return remarks


def _end(source: Source, module: str) -> int:
    """Rend la dernière cellule d'un module : celle d'avant le jeu de données d'un autre."""
    owners, current, last = _datasets(source), None, len(source.cells) - 1
    if module not in owners:
        return last
    for number, owner in enumerate(owners):
        if owner and owner != module and current == module:
            return number - 1
        current = owner or current
    return last


def _sorted_out(nodes, source: Source, root: Path):
    """Sépare ce qui est défini à l'import du reste, dans un ordre qui convient.

    Une cellule peut se servir d'un nom défini plus bas : les cellules se sont exécutées dans un
    autre ordre. Une valeur qu'une fonction lit est calculée à l'import.
    """
    remarks, kept, script, waiting = [], [], [], []
    for each in nodes:
        number, _, node = each
        if isinstance(node, ast.Import | ast.ImportFrom):
            absent = _absent(node, source.path.parent, root)
            if absent:
                remarks.append(
                    f"{source.cells[number].label} : « {absent} » n'est pas installé ici"
                )
            else:
                kept.append(each)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or _is_light(
            node
        ):
            waiting.append(each)
        elif not (isinstance(node, ast.Pass) or _is_text(node) or _is_main(node)):
            script.append(each)
    needed = _needed([*waiting, *script])
    moved = [each for each in script if _is_computed(each[2]) and _bound(each[2]) & needed]
    places = {each[:2] for each in moved}
    script = [each for each in script if each[:2] not in places]
    waiting = sorted([*waiting, *moved], key=lambda each: each[:2])
    known = set(dir(builtins)) | {"__name__", "__file__", "display"}
    for _, _, node in kept:
        known |= _bound(node)
    waiting = [(each, _reads(each[2])) for each in waiting]
    for _ in range(MAX_PASSES):
        later = []
        for each, names in waiting:
            if names <= known:
                kept.append(each)
                known |= _bound(each[2])
            else:
                later.append((each, names))
        if len(later) == len(waiting):
            break
        waiting = later
    return (
        kept,
        sorted([*script, *(each for each, _ in waiting)], key=lambda each: each[:2]),
        remarks,
    )


def _absent(node: ast.Import | ast.ImportFrom, *folders: Path) -> str:
    """Nomme le paquet qu'un import demande et que cette machine n'a pas."""
    if isinstance(node, ast.ImportFrom) and node.level:
        return ""
    names = (
        [node.module or ""] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names]
    )
    for name in names:
        top = name.partition(".")[0]
        own = any((folder / f"{top}.py").is_file() or (folder / top).is_dir() for folder in folders)
        if name.startswith("google.colab"):
            return "google.colab"
        if (
            not own
            and top not in ("convnets", "exercises")
            and importlib.util.find_spec(top) is None
        ):
            return top
    return ""


def _is_light(node: ast.stmt) -> bool:
    """Dit si une instruction ne fait que nommer des valeurs, sans calcul ni lecture de fichier."""
    if isinstance(node, ast.If | ast.Try):
        if _is_main(node):
            return False
        parts = [*node.body, *node.orelse, *getattr(node, "finalbody", [])]
        parts += [each for handler in getattr(node, "handlers", []) for each in handler.body]
        imports = ast.Import | ast.ImportFrom | ast.Pass
        return all(isinstance(each, imports) or _is_light(each) for each in parts)
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if any(
        isinstance(each, ast.Attribute | ast.Subscript) for t in targets for each in ast.walk(t)
    ):
        return False
    constant = all(isinstance(each, ast.Name) and each.id.isupper() for each in targets)
    return all(
        (constant or _root(each.func) in LIGHT) and not LONG.match(_last(each.func))
        for each in _run(node.value)
        if isinstance(each, ast.Call)
    )


def _is_computed(node: ast.stmt) -> bool:
    """Dit si une instruction nomme une valeur calculée, sans lire de données ni entraîner."""
    return (
        isinstance(node, ast.Assign | ast.AnnAssign)
        and node.value is not None
        and not _is_light(node)
        and not any(
            isinstance(each, ast.Call) and LONG.match(_last(each.func)) for each in _run(node.value)
        )
    )


def _needed(nodes: list) -> set[str]:
    """Rend les noms que lisent les fonctions, et ceux dont ces noms sont calculés."""
    needed = {name for _, _, node in nodes for name in _read_later(node)}
    values = [node for _, _, node in nodes if isinstance(node, ast.Assign | ast.AnnAssign)]
    for _ in range(MAX_PASSES):
        found = {name for node in values if _bound(node) & needed for name in _reads(node)}
        if found <= needed:
            break
        needed |= found
    return needed


def _read_later(node: ast.stmt) -> set[str]:
    """Rend les noms du module que lit le corps des fonctions, des classes et des `lambda`."""
    if not any(isinstance(each, FUNCTIONS) for each in ast.walk(node)):
        return set()
    try:
        tables = symtable.symtable(ast.unparse(node), "", "exec").get_children()
    except (SyntaxError, RecursionError):  # un code que Python ne compile pas
        return set()
    found = set()
    while tables:
        table = tables.pop()
        found |= {each.get_name() for each in table.get_symbols() if each.is_global()}
        tables += table.get_children()
    return found


def _run(node: ast.AST) -> list[ast.AST]:
    """Rend ce qu'une expression exécute : le corps d'une `lambda` attend qu'on l'appelle."""
    found, stack = [], [node]
    while stack:
        each = stack.pop()
        found.append(each)
        if not isinstance(each, ast.Lambda):
            stack += ast.iter_child_nodes(each)
    return found


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _is_shown(node: ast.stmt) -> bool:
    """Dit si une instruction ne fait qu'afficher."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        return _root(call.func) in SHOWN or _last(call.func) in ("summary", "plot_model")
    return isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call)


def _bound(node: ast.AST) -> set[str]:
    """Rend les noms qu'une instruction définit."""
    found = set()
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(each.name)
            continue
        if isinstance(each, ast.alias):
            found.add((each.asname or each.name).partition(".")[0])
        elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            found.add(each.id)
        stack += ast.iter_child_nodes(each)
    return found


def _reads(node: ast.AST) -> set[str]:
    """Rend les noms dont une instruction a besoin pour être définie, corps des fonctions exclus."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = node.args
        annotations = [
            each.annotation
            for each in ast.walk(arguments)
            if isinstance(each, ast.arg) and each.annotation
        ]
        parts = [*node.decorator_list, *arguments.defaults, *arguments.kw_defaults, *annotations]
        parts += [node.returns]
        return {name for part in parts if part is not None for name in _reads(part)}
    if isinstance(node, ast.ClassDef):
        parts = [*node.decorator_list, *node.bases, *node.keywords]
        inner = {name for each in node.body for name in _bound(each)}
        body = {name for each in node.body for name in _reads(each)}
        return {name for part in parts for name in _reads(part)} | (body - inner)
    names, own = set(), set()
    for each in _run(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load):
            names.add(each.id)
        if isinstance(each, ast.comprehension):
            own |= _bound(each.target)
    return names - own - (_bound(node) if isinstance(node, ast.If | ast.Try) else set())


def _natural(label: str) -> list:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", label)]


def _listed(labels: list[str]) -> str:
    """Écrit des étiquettes de cellules : `"cellules 3, 5 et 8"`, ou le nom du fichier."""
    numbers = [label.split()[1] for label in labels if label.startswith("cellule ")]
    if not numbers:
        return ", ".join(labels)
    if len(numbers) == 1:
        return f"cellule {numbers[0]}"
    return f"cellules {', '.join(numbers[:-1])} et {numbers[-1]}"
