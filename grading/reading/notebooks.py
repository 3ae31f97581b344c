"""Du fichier d'un élève, notebook ou `.py`, aux modules que le correcteur sait lire.

Rien n'est exécuté ici : le code est lu par `ast`, et noté dans un fichier JSON que
`inside/cells.py`, copié dans le rendu, rejoue dans le processus enfermé.

- L'import du module exécute, chacun à part, les imports, les fonctions, les classes et les valeurs
  qu'elles lisent ; une instruction qui échoue ne coûte que les noms qu'elle définit.
- Le reste (lire les données, entraîner, afficher) n'est exécuté que pour l'exercice 01 rendu comme
  un programme, et les réseaux des exercices 02 à 05 : `running` lance alors tout le programme.
- Ce qui n'est pas du Python est laissé de côté, et coûte ce qui n'est défini que là ; le programme
  d'un réseau s'y arrête.
"""

import ast
import functools
import json
import re
import shutil
import textwrap
import tokenize
import warnings
from itertools import accumulate, chain
from pathlib import Path
from typing import NamedTuple

from grading.reading.archives import MAX_SOURCE_BYTES, RefusedError
from grading.reading.submission import REPO, file_of

RUNTIME = Path(__file__).resolve().parents[1] / "inside/cells.py"
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
    "ex22_by_hand.pooling": {"MaxPooling", "AveragePooling"},
    "ex23_what_matters.intervals": {"paired_gap"},
    "ex23_what_matters.networks": {"pieces_of", "share_start"},
    "ex24_autoencoder.baselines": {"principal_axes", "pca_codec"},
    "ex24_autoencoder.codec": {"quantise"},
    "ex24_autoencoder.measures": {"psnr", "ssim", "at_rate"},
    "ex25_captions.bleu": {"bleu", "brevity_penalty"},
    "ex25_captions.decoding": {"to_words", "to_sentence"},
    "ex26_text_to_image.flow": {"exact_velocity", "guided"},
    "ex26_text_to_image.measures": {"frechet", "copied"},
    "ex27_video.metrics": {"count_faults", "count_identified", "mota"},
    "ex27_video.tracking": {"match_nearest"},
    "ex28_pose_and_depth.depth": {"match_windows", "depth_cm"},
    "ex28_pose_and_depth.pose": {"heat_maps", "pck"},
}
# Ceux dont une fonction porte le même nom dans un autre, qui l'emporte.
SHADOWS = {"ex04_lenet": "ex00_convolution.x_or_o", "ex05_inception.head": "ex17_detection.boxes"}
# Les réseaux, dont les fonctions portent le même nom, se reconnaissent à leurs données.
DATASETS = {"ex02_fashion": "fashion_mnist", "ex03_cifar10": "cifar10", "ex04_lenet": "mnist"}
WRITTEN = {  # ce qu'en disent un nom de fichier, une adresse, un commentaire
    "ex02_fashion": r"(?i)(?<![a-z])fashion",
    "ex03_cifar10": r"(?i)cifar[-_ ]?10(?!0)",
    "ex04_lenet": r"(?i)(?<![a-z])(?<!fashion[-_ ])mnist|digit[-_ ]?recogni|handwritten[-_ ]digit",
}
TRANSFER = ("ex05_inception.features", "ex05_inception.head")  # reprendre une base apprise
OTHERS = {  # ce qui construit des réseaux sans Keras
    "torch": "PyTorch",
    "torchvision": "PyTorch",
    "jax": "JAX",
    "flax": "JAX",
    "mxnet": "MXNet",
    "ultralytics": "YOLO",
    "fastai": "fastai",
    "tflearn": "TFLearn",
    "theano": "Theano",
}
# Ce qu'appelle un programme de TensorFlow 1.
GRAPHS = {"placeholder", "placeholder_with_default", "Session", "InteractiveSession"}
KERAS = {"keras", "tf_keras", "tensorflow", "tensorflow_datasets", "convnets", "exercises"}
RECORDED = ("ex02", "ex03", "ex04", "ex05")
FILTERS = "ex01_filters"  # rendu sans les fonctions de l'énoncé, il se reconnaît à un appel
APPLIES = re.compile(r"(^|\.)nn\.(conv2d|convolution|depthwise_conv2d)$")
# Ce qui apprend un filtre ou en relit un, et ce qui charge le jeu d'un autre exercice.
TEACHES = {"minimize", "apply_gradients", "GradientTape", "gradients", "restore"}
LOADS = {"load_data", "read_data_sets", "fetch_openml", "fetch_mldata"}
MODELS = {"Sequential", "Model"}
BASES = {"applications", "KerasLayer", "keras_vggface"}  # ce qui en donne une
PIXELS_ONLY = {"imagenet_utils"}  # ce qui y prépare des pixels, et ne donne aucune base
IMPORTED = (
    r"^\s*(?:from|import)\s+(?!(?:keras|tensorflow)\b)\.*(?:\w+\.)*"  # puis un nom de fichier
)
FOLDERS = {  # ce qui ouvre un dossier d'images
    *("flow_from_directory", "flow_from_dataframe", "image_dataset_from_directory"),
    *("listdir", "glob", "rglob", "iglob", "walk", "scandir", "iterdir"),
}
FITS = {"fit", "fit_generator", "train_on_batch"}
MAIN = "__name__ == '__main__'"
LONG = re.compile("load|fit|predict|evaluate")  # appels qu'un import ne fait pas
IMPORTS = ast.Import | ast.ImportFrom
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
VALUES = ast.Assign | ast.AnnAssign | ast.If | ast.Try
MAX_PASSES = 10  # d'une valeur à celles, définies plus bas, dont elle est calculée
SKIPPED = re.compile(r"\s*(%%(?!time|timeit|capture|prun|writefile\s+\S+\.py).*)")
TIMED = re.compile(r"(?m)^([ \t]*)%(?:time|timeit|prun)\b(?:[ \t]+-\w+(?:[ \t]+\d+)?)*[ \t]+(?=\S)")
# `print x, y`, de Python 2, seul sur sa ligne ou après une condition.
PRINTED = re.compile(
    r"(?m)^([ \t]*(?:(?:if|else|for)\b.*:[ \t]*)?)print[ \t]+(?![=(])"
    r"""((?:"[^"\n]*"|'[^'\n]*'|[^"'#\n])+)(?:#.*)?$"""
)
# Ce que devient `%%time` ou `%%capture` dans un notebook exporté.
EXPORTED = re.compile(
    r"(?m)^get_ipython\(\)\.run_cell_magic\('(?:time|timeit|capture)', .*?, (['\"])(.*)\1\)$"
)
LEADING = re.compile(r"\s*?([ \t]+)\S")
MAGIC = re.compile(
    r"(?m)^([ \t]*)(?:(?:\w[\w, ]*=\s*)?[%!](?!=)(?:.*\\\n)*.*|\?+[\w.]+|[\w.]+\?+[ \t]*"
    r"|(?:pip|conda|cd|ls|mkdir|cat|cp|mv|rm|matplotlib|load_ext|tensorboard)[ \t](?!=).*)$"
)
CHUNK = re.compile(  # une instruction de premier niveau, ses décorateurs et sa suite
    r"(?:@.*\n)*.*\n(?:(?:[ \t)\]}#].*|(?:elif|else|except|finally)\b.*)?\n)*"
)
LOADS_KERAS = re.compile(r"(?m)^(?:import|from)[ \t]+(?:keras|tensorflow)\b")
# Un module du cours : `from convnets.figures import charts`, ou ce qu'il définit.
OF_COURSE = re.compile(r"(?m)^(?:from|import) ((?:exercises|convnets)[\w.]*)(?: import (\w+))?")
GUARD = re.compile(r"if\s+__name__\s*==.*:\s*$")
# Du Python 2 que rien ne récrit : ce n'est pas une faute.
OLDER = re.compile(r"(?m)^[ \t]*(?:except [\w., ()]+, *\w+:|print *>>|exec [\w'\"])")
SAVED = re.compile(r"(?i)^[^\n]{,80}\.(?:np[yz]|h5|hdf5|mat|pkl|pickle|csv)$")
WRITES = re.compile(r"(^|\.)(save\w*|ModelCheckpoint|dump)$")  # ce qui écrit un fichier
MAX_WRONG = 40  # instructions d'un fichier ; au-delà, rien n'en est lu
NAMED = re.compile(r"(?m)^(?:(?:async\s+)?def|class)\s+(\w+)|^(\w+)\s*=(?!=)")


class Wrong(NamedTuple):
    """Une instruction qui n'est pas du Python, et les noms qu'elle devait définir."""

    label: str
    line: int
    names: list[str]


class Source(NamedTuple):
    """Un fichier d'élève, lu."""

    path: Path
    cells: list[tuple[str, str]]  # étiquette, Python ; un fichier `.py` n'a qu'une cellule
    lost: dict[str, tuple[str, int]]  # nom que perd une erreur de syntaxe : cellule, ligne
    remarks: list[str]
    wrong: list[Wrong] = []

    @property
    def nodes(self) -> list[tuple[int, int, ast.stmt]]:
        """Instructions de premier niveau : `(cellule, rang, instruction)`."""
        return [
            (number, rank, node)
            for number, (_, text) in enumerate(self.cells)
            for rank, node in enumerate(_parsed(text).body)
        ]

    @property
    def text(self) -> str:
        """Toutes ses cellules, à la suite."""
        return "\n".join(text for _, text in self.cells)

    @property
    def functions(self) -> set[str]:
        """Noms des fonctions et classes définies, et de ce qu'une erreur de syntaxe a perdu."""
        return self.lost.keys() | {
            each[2].name for each in self.nodes if isinstance(each[2], DEFINITIONS)
        }

    @property
    def written(self) -> set[str]:
        """Celles qui ne finissent pas par le `raise NotImplementedError` de l'énoncé."""
        left = {
            node.name
            for _, _, node in self.nodes
            if isinstance(node, DEFINITIONS)
            if isinstance(node.body[-1], ast.Raise)
            if "NotImplementedError" in ast.unparse(node.body[-1])
        }
        return self.functions - left


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def wrong_line(content: str | bytes) -> int:
    """Rend la ligne où un texte n'est pas du Python ; 0 s'il en est."""
    try:
        _parsed(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return getattr(error, "lineno", None) or 1
    return 0


# --- Lire ----------------------------------------------------------------------------


def read(path: Path) -> Source:
    """Lit un notebook ou un fichier `.py`.

    Raises:
        RefusedError: le fichier n'est pas un notebook, ou il est trop long.
    """
    texts = [(path.name, decoded(path))] if path.suffix.lower() == ".py" else _book_cells(path)
    if not texts:
        raise RefusedError(f"{path.name} n'a aucune cellule de code.")
    if sum(len(text) for _, text in texts) > MAX_SOURCE_BYTES // 2:
        raise RefusedError(f"{path.name} a plus d'un demi-million de caractères de code.")
    source = Source(path, [], {}, [], [])
    for label, text in texts:
        source.cells.append((label, _python_only(label, text, source)))
    _note_wrong(source)
    return source


def _book_cells(path: Path) -> list[tuple[str, str]]:
    """Lit les cellules de code ; le format n'est pas vérifié davantage : un élève n'y peut rien.

    Raises:
        RefusedError: ce n'est pas un notebook, ou pas de Python.
    """
    try:
        book = json.loads(path.read_text(encoding="utf-8-sig"))
        cells = book["cells"] if "cells" in book else book["worksheets"][0]["cells"]
        told = book.get("metadata", {})
        language = told.get("kernelspec", {}).get("language")
        language = str(language or told.get("language_info", {}).get("name") or "python")
        found = [
            (f"cellule {number} de {path.name}", "".join(cell.get("source", cell.get("input"))))
            for number, cell in enumerate(cells, start=1)
            if cell["cell_type"] == "code"
        ]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise RefusedError(
            f"{path.name} n'est pas un notebook lisible : rendez-le à nouveau."
        ) from error
    if "python" not in language.lower():
        raise RefusedError(f"{path.name} est un notebook en {language} : l'exercice demande Python")
    return found


def decoded(path: Path) -> str:
    """Lit un fichier `.py` ; sans codage annoncé ni UTF-8, ce sont les accents de Windows."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError):
        return path.read_text(encoding="cp1252", errors="replace")


def _python_only(label: str, text: str, source: Source) -> str:
    """Vide ce qui n'est pas du Python dans une cellule, et note ce qui y est perdu."""
    text = EXPORTED.sub(_as_cell, text.replace("\r\n", "\n").replace("\x00", ""))
    if indented := LEADING.match(text):  # Jupyter ôte le retrait de la première ligne
        text = re.sub(rf"(?m)^{indented[1]}", "", text)
    if skipped := SKIPPED.match(text):
        source.remarks.append(f"{label} laissée de côté : {skipped[1][:40]}")
        return ""
    is_older = PRINTED.search(text) or OLDER.search(text)
    if wrong_line(text):
        text = MAGIC.sub(_as_pass, PRINTED.sub(r"\1print(\2)", TIMED.sub(r"\1", text)))
    if not wrong_line(text):
        return text
    chunks = _chunks(f"{text}\n")
    while (line := wrong_line("".join(chunks))) and len(source.wrong) < MAX_WRONG:
        rank = _faulty(line, chunks)
        names = [name for pair in NAMED.findall(chunks[rank]) for name in pair if name]
        source.wrong.append(Wrong(label, line, names))
        free = is_older or chunks[rank].startswith("```")
        margin = chunks[rank][: len(chunks[rank]) - len(chunks[rank].lstrip(" \t"))]
        chunks[rank] = margin + ("pass" if free else _stop(label, line)) + _blank(chunks[rank])
    return "" if line else "".join(chunks)


def _chunks(text: str) -> list[str]:
    """Coupe un texte en instructions ; celles de `if __name__ == "__main__"`, une par une."""
    found = []
    for chunk in CHUNK.findall(text):
        head, _, body = chunk.partition("\n")
        inner = textwrap.dedent(body)
        margin = LEADING.match(body) if GUARD.match(head) else None
        if margin and not LEADING.match(inner):
            parts = [textwrap.indent(each, margin[1]) for each in CHUNK.findall(inner)]
            found += [f"{head}\n", *parts]
        else:
            found.append(chunk)
    return found


def _faulty(line: int, chunks: list[str]) -> int:
    """Dit quelle instruction est fausse, d'après la ligne où Python cesse de lire."""
    ends = accumulate(chunk.count("\n") for chunk in chunks)
    last = next((rank for rank, end in enumerate(ends) if line <= end), len(chunks) - 1)
    wrong = (rank for rank in range(last, -1, -1) if wrong_line(textwrap.dedent(chunks[rank])))
    return next(wrong, last)


def _stop(label: str, line: int) -> str:
    """Écrit de quoi arrêter un programme là où ce n'est pas du Python."""
    return f"raise SyntaxError('', ({label!r}, {line}, 0, ''))"


def _note_wrong(source: Source) -> None:
    """Dit où un fichier n'est pas du Python, et les noms qu'il ne définit que là."""
    kept = {name for _, _, node in source.nodes for name in _names(node)[0]}
    for label, line, names in source.wrong:
        source.lost.update({name: (label, line) for name in names if name not in kept})
    costs = f", qui coûte {', '.join(source.lost)}" if source.lost else ""
    if source.wrong:
        label, line, _ = source.wrong[0]
        others = len(source.wrong) - 1
        more = f", et à {others} autre{'s' * (others > 1)} endroit{'s' * (others > 1)}"
        source.remarks.append(
            f"{label}, ligne {line}{more if others else ''} : erreur de syntaxe{costs}"
        )


def _as_cell(exported: re.Match) -> str:
    """Rend le texte d'une cellule, qu'un notebook exporté met entre guillemets."""
    return re.sub(r"\\(.)", _unescaped, exported[2])


def _unescaped(found: re.Match) -> str:
    return {"n": "\n", "t": "\t"}.get(found[1], found[1])


def _as_pass(magic: re.Match) -> str:
    """Met `pass` à la place d'une commande de Jupyter."""
    return f"{magic[1]}pass{_blank(magic[0])}"


def _blank(text: str) -> str:
    return "\n" * text.count("\n")


# --- Reconnaître ---------------------------------------------------------------------


def modules_of(source: Source) -> tuple[list[str], str]:
    """Reconnaît les exercices d'un fichier à ce qu'il définit.

    Returns:
        `(modules, doute)` : le doute est une phrase, ou vide.
    """
    known = _defined(source)
    if not known and filters(source):
        return [FILTERS], ""
    if not known and (library := other_library(source)):
        name = source.path.name
        return [], f"{name} est écrit avec {library} : le cours demande TensorFlow et Keras"
    if not is_network(source) or any(name > "ex06" for name in known):
        return known, ""  # ceux-là apprennent sur les jeux des premiers
    if not known and reuses(source):
        return _with_a_base(source), ""
    return _with_networks(source, known)


def _with_a_base(source: Source) -> list[str]:
    """Rend les exercices d'un fichier qui reprend une base, et construit peut-être un réseau à lui.

    Sans images d'un dossier, la base apprend ce qu'apprend l'autre réseau : l'exercice est celui de
    ces images.
    """
    if "Conv2D" not in _called(source):
        return [*TRANSFER]
    own = _networks_of(source) or list(filter(None, [data_of([source])]))
    if own and FOLDERS.isdisjoint(_called(source)):
        return own
    return [*TRANSFER, *own]


def _defined(source: Source) -> list[str]:
    """Rend les modules dont un fichier définit les fonctions.

    Une fonction `conv2d` qui appelle `tf.nn.conv2d` n'est pas celle, écrite à la main, d'ex00.
    """
    defined = source.functions - {
        getattr(node, "name", "") for _, _, node in source.nodes if _is_short_for_conv2d(node)
    }
    known = [module for module, names in DECISIVE.items() if names & defined]
    return [name for name in known if SHADOWS.get(name) not in known]


def _is_short_for_conv2d(node: ast.stmt) -> bool:
    if not isinstance(node, ast.FunctionDef) or node.name != "conv2d":
        return False
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return any(APPLIES.search(ast.unparse(each.func)) for each in calls)


def loads_keras(source: Source) -> bool:
    """Dit si un fichier importe Keras ou TensorFlow, lui-même ou par un module du cours."""
    return _text_loads_keras(source.text)


def _text_loads_keras(text: str) -> bool:
    named = [name for pair in OF_COURSE.findall(text) for name in (pair[0], ".".join(pair))]
    return bool(LOADS_KERAS.search(text)) or any(map(_course_loads_keras, named))


@functools.cache
def _course_loads_keras(module: str) -> bool:
    """Dit si un module du cours, `"convnets.figures.charts"`, importe Keras à son tour."""
    path = REPO.joinpath(*module.split(".")).with_suffix(".py")
    return path.is_file() and _text_loads_keras(path.read_text(encoding="utf-8"))


def filters(source: Source) -> bool:
    """Dit si un fichier donne à `tf.nn.conv2d` un filtre qui n'est pas appris : l'exercice 01."""
    return bool(lines_of(source, APPLIES)) and not teaches(source)


def teaches(source: Source) -> bool:
    """Dit si un fichier apprend, relit un réseau, ou charge le jeu d'un autre exercice."""
    called = _called(source)
    models = any(map(_is_model, source.nodes))
    return models or trains(source) or not called.isdisjoint(TEACHES | LOADS)


def lines_of(source: Source, pattern: re.Pattern) -> list[str]:
    """Rend les lignes où un fichier appelle une fonction dont le nom entier suit un motif."""
    calls = [
        (label, each)
        for label, text in source.cells
        for each in ast.walk(_parsed(text))
        if isinstance(each, ast.Call)
    ]
    return [
        f"ligne {each.lineno} de {label}"
        for label, each in calls
        if pattern.search(ast.unparse(each.func))
    ]


def _with_networks(source: Source, known: list[str]) -> tuple[list[str], str]:
    """Ajoute aux modules connus d'un fichier ceux de ses réseaux ; rend aussi un doute."""
    networks = _networks_of(source)
    if known:  # MNIST sert aussi d'exemple à d'autres exercices
        networks = [name for name in networks if name != "ex04_lenet"]
    elif not networks and _has_colour_thumbnails(source):
        networks = ["ex03_cifar10"]
    if known or networks:
        return [*dict.fromkeys([*known, *networks])], ""
    reads = _saved_data(source)
    return [], (
        f"{source.path.name} construit un réseau dont la correction n'a pas reconnu l'exercice"
        f"{f' : il apprend ce que contient {reads}' if reads else ''} ; s'il est à noter, "
        f"dites-le par --as ex02={source.path.name} (ou ex03, ex04, ex05)"
    )


def _saved_data(source: Source) -> str:
    """Nomme le premier fichier de nombres qu'un programme ouvre, et n'écrit pas ; ou ""."""
    written = _written_files(source)
    texts = [text for _, _, node in source.nodes for text in _quoted(node)]
    return next((text for text in texts if SAVED.search(text) and text not in written), "")


def _written_files(source: Source) -> set[str]:
    """Rend les textes entre guillemets de ce qui écrit un fichier."""
    calls = [each for each in _every_node(source) if isinstance(each, ast.Call)]
    saves = [each for each in calls if WRITES.search(ast.unparse(each.func))]
    return {text for each in saves for text in _quoted(each)}


def _networks_of(source: Source) -> list[str]:
    """Rend les exercices dont une cellule nomme le jeu de données, et nul autre."""
    networks, held = {}, _held_data(source)
    for _, text in source.cells:
        named = _data_named(_parsed(text), held)
        if len(named) == 1:
            networks[named[0]] = None
    return [*networks]


def _data_named(tree: ast.AST, held: dict[str, str]) -> list[str]:
    """Rend les exercices dont un texte nomme le jeu de données ; s'il en charge un, celui-là.

    Args:
        tree: le texte.
        held: ce que rend `_held_data`.
    """
    words = set()
    loads = [
        each.func
        for each in ast.walk(tree)
        if isinstance(each, ast.Call) and getattr(each.func, "attr", "") == "load_data"
    ]
    for each in chain.from_iterable(map(ast.walk, loads or [tree])):
        is_held = isinstance(each, ast.Name) and each.id in held
        words.update([held[each.id]] if is_held else _words(each))
    return [module for module, data in DATASETS.items() if _names_data(words, module, data)]


def _held_data(source: Source) -> dict[str, str]:
    """Rend les variables qui sont un jeu de données : dans `mnist = datasets.fashion_mnist`, une.

    Returns:
        Par variable, le nom du jeu.
    """
    held = {}
    for _, _, node in source.nodes:
        for each in ast.walk(node):
            if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
                for module in _data_named(each.value, {}):
                    held[each.targets[0].id] = DATASETS[module]
    return held


def _names_data(words: set[str], module: str, data: str) -> bool:
    return not words.isdisjoint({module, data, f"load_{data}"})


def data_of(sources: list[Source]) -> str:
    """Rend l'exercice du jeu que nomment les fichiers d'un rendu, pris ensemble ; "" si plusieurs.

    Un nom de fichier ou une adresse, `"fashion-mnist_train.csv"`, le nomme aussi ; à défaut, un
    commentaire, ou le nom d'un fichier du rendu.
    """
    named, texts = set(), []
    for source in sources:
        held = _held_data(source)
        texts += [source.path.name, source.text]
        for _, _, node in source.nodes:
            named.update(_data_named(node, held))
            named.update(_data_written(_quoted(node)))
    named = named or _data_written(texts)
    return named.pop() if len(named) == 1 else ""


def _quoted(tree: ast.AST) -> list[str]:
    """Rend les textes entre guillemets d'un programme."""
    constants = [each.value for each in ast.walk(tree) if isinstance(each, ast.Constant)]
    return [each for each in constants if isinstance(each, str)]


def _data_written(texts: list[str]) -> set[str]:
    """Rend les exercices dont l'un de ces textes dit le jeu de données."""
    return {
        module for module, data in WRITTEN.items() if any(re.search(data, text) for text in texts)
    }


def _has_colour_thumbnails(source: Source) -> bool:
    """Dit si un fichier parle d'images de la taille de celles de CIFAR-10."""
    return any("32,32,3" in text.replace(" ", "") for _, text in source.cells)


def is_network(source: Source) -> bool:
    """Dit si un fichier construit un réseau à noter, ou en apprend un, et non s'il le relit."""
    builds = {"build_model", "train"} & source.functions or MODELS & _called(source)
    return learns(source) or bool(builds) or any(map(_is_model, source.nodes))


def _is_model(place: tuple[int, int, ast.stmt]) -> bool:
    """Dit si une instruction définit une sorte de modèle : `class LeNet(keras.Model)`."""
    bases = getattr(place[2], "bases", ())
    return any(MODELS & {getattr(each, "attr", ""), getattr(each, "id", "")} for each in bases)


def learns(source: Source) -> bool:
    """Dit si un fichier compile un réseau et l'entraîne."""
    return "compile" in _called(source) and not FITS.isdisjoint(_called(source))


def trains(source: Source) -> bool:
    """Dit si un fichier compile un réseau, ou en entraîne un."""
    return not {"compile", *FITS}.isdisjoint(_called(source))


def reuses(source: Source) -> bool:
    """Dit si un fichier se sert d'une base déjà apprise : de Keras, de TensorFlow Hub, VGGFace.

    Celle d'un autre paquet se reconnaît à l'argument `include_top`. Une architecture dont aucun
    poids n'est repris, `VGG16(weights=None)`, n'en est pas une.
    """
    nodes = _every_node(source)
    found = [set(_words(each)) for each in nodes]
    named = any(words & BASES and not words & PIXELS_ONLY for words in found)
    headless = any(getattr(each, "arg", None) == "include_top" for each in nodes)
    return (named or headless) and not _takes_no_weights(source)


def _takes_no_weights(source: Source) -> bool:
    """Dit si un fichier ne prend à Keras que des architectures, sans leurs poids appris."""
    places, written = _names_of_applications(source), _written_files(source)
    calls = [each for each in _every_node(source) if isinstance(each, ast.Call)]
    built = [each for each in calls if _builds_one_of(each, places)]
    reread = [{*_quoted(each)} for each in calls if "load_weights" in _calls(each)]
    own = all(texts and texts <= written for texts in reread)
    return bool(built) and all(map(_has_no_weights, built)) and own


def _names_of_applications(source: Source) -> set[str]:
    """Rend les noms par où un fichier atteint `keras.applications`, et ce qu'il en importe."""
    aliases = [
        alias.asname or alias.name
        for each in _every_node(source)
        if isinstance(each, IMPORTS)
        for alias in each.names
        if "applications" in f"{getattr(each, 'module', '')}.{alias.name}"
    ]
    return {"applications", *aliases}


def _builds_one_of(call: ast.Call, places: set[str]) -> bool:
    """Dit si un appel construit une architecture : `vgg16.VGG16(…)`, pas `preprocess_input(…)`."""
    parts = ast.unparse(call.func).split(".")
    return parts[-1][:1].isupper() and not places.isdisjoint(parts)


def _has_no_weights(call: ast.Call) -> bool:
    return "weights=None" in map(ast.unparse, call.keywords)


def _every_node(source: Source) -> list[ast.AST]:
    return [each for _, _, node in source.nodes for each in ast.walk(node)]


def other_library(source: Source) -> str:
    """Nomme la bibliothèque de réseaux qu'un fichier importe, s'il n'importe pas Keras."""
    imported = {
        name.partition(".")[0]
        for _, _, node in source.nodes
        for each in ast.walk(node)
        if isinstance(each, IMPORTS)
        for name in (getattr(each, "module", None) or "", *(alias.name for alias in each.names))
    }
    others = [title for name, title in OTHERS.items() if name in imported]
    if others and not imported & KERAS:
        return others[0]
    draws_graph = GRAPHS & _called(source) and not is_network(source)
    return "TensorFlow 1, sans couche de Keras" if draws_graph else ""


def _called(source: Source) -> set[str]:
    return {name for _, _, node in source.nodes for name in _calls(node)}


def together(found: list[Source], sources: list[Source]) -> Source:
    """Réunit les programmes que lance l'élève pour un exercice, l'un après l'autre.

    Ce sont ceux qui préparent des données, ses fichiers, ou ceux qui les importent et que rien
    n'importe, puis ceux qui relisent un réseau.

    Args:
        found: les fichiers de l'exercice.
        sources: tous les fichiers du rendu qui peuvent en être.
    """
    others = [each for each in sources if each not in found]
    rereads = [each for each in others if _rereads(each)]
    prepares = [each for each in others if each not in rereads and _prepares(each)]
    launched = _launched(found, [each for each in sources if each not in rereads])
    return _joined([*prepares, *sorted(launched or found, key=learns), *rereads])


def _joined(programs: list[Source]) -> Source:
    """Met des fichiers bout à bout ; le premier leur donne son nom."""
    return programs[0]._replace(
        cells=[cell for each in programs for cell in each.cells],
        lost={name: place for each in programs for name, place in each.lost.items()},
        remarks=[said for each in programs for said in each.remarks],
        wrong=[each for program in programs for each in program.wrong],
    )


def _rereads(source: Source) -> bool:
    """Dit si un fichier relit un réseau enregistré."""
    if re.search("load_model|_from_json", source.text):
        return True
    return "load_weights" in source.text and not learns(source)


def _prepares(source: Source) -> bool:
    """Dit si un fichier prépare des données, ou les sorties d'une base, qu'un autre relit."""
    writes = re.search(
        r"(?s)(load_data\(|applications|data_batch).*(\.save\w*|dump)\(", source.text
    )
    return bool(writes) and not learns(source)


def _launched(found: list[Source], sources: list[Source]) -> list[Source]:
    """Remonte des fichiers d'un exercice à ceux que lance l'élève.

    Rien ne les importe, ou ils apprennent quand ils sont lancés.
    """
    programs, climbing = [], list(found)
    for each in climbing:  # s'allonge
        # Et non lui-même : `main.ipynb` importe `main.py`.
        users = [other for other in sources if other != each and imports(other, each)]
        climbing += [user for user in users if user not in climbing]
        programs += [] if users and not _learns_when_launched(each) else [each]
    return programs


def _learns_when_launched(source: Source) -> bool:
    """Dit si un fichier apprend sous `if __name__ == "__main__"`, par ses fonctions au besoin."""
    nodes = [node for _, _, node in source.nodes]
    tests = [node for node in nodes if isinstance(node, ast.If) and ast.unparse(node.test) == MAIN]
    called = {name for node in tests for name in _calls(node)}
    teachers = {
        node.name for node in nodes if isinstance(node, ast.FunctionDef) and FITS & _calls(node)
    }
    return not called.isdisjoint(FITS | teachers)


def imports(user: Source, source: Source) -> bool:
    """Dit si un fichier en importe un autre."""
    stem = re.escape(source.path.stem).replace("__init__", r"\.\s+import")  # `from . import …`
    return bool(re.search(rf"(?m){IMPORTED}{stem}\b", user.text))


def _words(node: ast.AST) -> list[str]:
    """Rend les mots d'un nœud qui peuvent nommer un jeu de données ou un module."""
    if isinstance(node, ast.Constant):
        return [str(node.value).removesuffix(".keras")]
    keys = ("attr", "id", "name", "module")
    return [word for key in keys for word in str(getattr(node, key, "")).split(".")]


def _calls(node: ast.AST) -> set[str]:
    """Rend le dernier nom de chaque fonction appelée : `"fit"` pour `model.fit(…)`."""
    functions = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return {getattr(each, "attr", getattr(each, "id", "")) for each in functions}


# --- Écrire --------------------------------------------------------------------------


def convert(source: Source, module: str, root: Path) -> None:
    """Écrit le module d'un exercice, fait d'un notebook ou d'un fichier d'un autre nom.

    Args:
        source: le fichier.
        module: `"ex02_fashion"`, par exemple.
        root: dossier des modules du rendu.
    """
    folder = source.path.parent
    plan = {
        "cells": source.cells,
        "kept": _kept(source),
        "lost": source.lost,
        "wrong": source.wrong,
        "folder": folder.relative_to(root).as_posix() if folder.is_relative_to(root) else ".",
    }
    place = root / file_of(module)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_suffix(".cells.json").write_text(json.dumps(plan), encoding="utf-8")
    place.write_text(
        f'"""Fait de {json.dumps(source.path.name)[1:-1]} par la correction."""\n\n'
        "from exercises._cellules import define\n\ndefine(globals(), __file__)\n",
        encoding="utf-8",
    )
    shutil.copyfile(RUNTIME, root / "_cellules.py")


def handed(module: str, root: Path) -> Source:
    """Relit un module d'un rendu : ce qu'en a écrit `convert`, ou le fichier tel qu'il est arrivé.

    Raises:
        RefusedError: le fichier est trop long.
    """
    path = root / file_of(module)
    plan = path.with_suffix(".cells.json")
    if not plan.is_file():
        return read(path)
    content = json.loads(plan.read_text(encoding="utf-8"))
    wrong = [Wrong(*each) for each in content["wrong"]]
    return Source(path, content["cells"], content["lost"], [], wrong)


def _kept(source: Source) -> list[tuple[int, int, list[str]]]:
    """Choisit ce qu'exécute l'import : imports, définitions, et les valeurs qu'elles lisent.

    Returns:
        `(cellule, rang, noms définis)` de chaque instruction.
    """
    nodes = [(number, rank, node, *_names(node)) for number, rank, node in source.nodes]
    kept, needed = {}, set()
    for _ in range(MAX_PASSES):
        for number, rank, node, bound, read in reversed(nodes):
            place = not isinstance(node, IMPORTS), number, rank  # les imports d'abord
            if place not in kept and _is_defined(node, bound & needed):
                kept[place] = sorted(bound)
                needed |= read
    return [(number, rank, names) for (_, number, rank), names in sorted(kept.items())]


def _is_defined(node: ast.stmt, needed: set[str]) -> bool:
    """Dit si l'import exécute une instruction, dont certains noms sont lus par ce qu'il garde."""
    calls = _calls(node)
    if isinstance(node, IMPORTS | DEFINITIONS) or not calls:
        return isinstance(node, IMPORTS | DEFINITIONS | VALUES)
    short = isinstance(getattr(node, "value", None), ast.Lambda) or not any(map(LONG.match, calls))
    return isinstance(node, VALUES) and short and bool(needed)


def _names(node: ast.stmt) -> tuple[set[str], set[str]]:
    """Rend les noms qu'une instruction définit, puis ceux qu'elle lit sans les définir."""
    inside = list(ast.walk(node))
    names = [each for each in inside if isinstance(each, ast.Name)]
    imported = [each.asname or each.name for each in inside if isinstance(each, ast.alias)]
    bound = {each.id for each in names if isinstance(each.ctx, ast.Store)}
    bound |= {name.partition(".")[0] for name in imported}
    own = bound | {each.arg for each in inside if isinstance(each, ast.arg)}
    read = {each.id for each in names} - own
    return {node.name} if isinstance(node, DEFINITIONS) else bound, read
