"""Les figures du réseau d'un élève, tirées des fichiers de son rendu sans rien en exécuter.

Un rendu est fait par un inconnu : un compte rendu n'est lu que comme des nombres et des noms
courts, une image n'est gardée que redessinée par Pillow. Ce qui ne se lit pas est laissé de côté.
"""

import io
import json
import warnings
from pathlib import Path

from PIL import Image

from convnets.core.cli import agreed
from grading.submission import MAX_FIGURE_BYTES, published
from grading.term.elements import Html, join, picture, table, tag

MAX_REPORT_BYTES = 2**20
MAX_IMAGE_PIXELS = 16 * 10**6
MAX_SIDE_PX = 1000  # d'une image dans la page
MAX_IMAGES = 6
MAX_CHARTS = 8
MAX_EPOCHS = 2000
MAX_POINTS = 200  # d'une courbe dessinée
MAX_CLASSES = 30
MAX_NAME = 40
MAX_NUMBER = 1e9
MEASURES = {"accuracy": "Exactitude", "loss": "Perte"}
REDRAWN = ("courbes", "confusion")  # le compte rendu en dit autant, en chiffres
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 320, 180, 44, 160, 12  # d'une courbe


def network(folder: Path, exercise: str) -> Html | None:
    """Montre ce que les fichiers d'un rendu disent du réseau de l'élève.

    Args:
        folder: dossier des modules du rendu ; `models/`, `runs/` et `figures/` sont dedans, ou à
            côté d'`exercises/`.
        exercise: `"ex02"`.

    Returns:
        Courbes, matrice de confusion et images ; None s'il n'y en a pas.
    """
    folder, parts, drawn = (folder.parent if folder.name == "exercises" else folder), [], False
    for path in _files(folder, exercise, ("models", "runs/*"), ".json", MAX_REPORT_BYTES):
        where = path.relative_to(folder).as_posix()
        shown = _report(path, where)
        if shown:
            said = "Valeurs que votre entraînement a écrites dans "
            end = " ; le correcteur ne les a pas refaites."
            parts += [tag("p", said, tag("code", where), end, class_="discret"), shown]
            drawn = True
    figures = _files(folder, exercise, ("figures",), ".png", MAX_FIGURE_BYTES)
    wanted = [path for path in figures if not (drawn and path.stem in REDRAWN)]
    images = [
        tag(
            "figure",
            picture(content, f"Figure {path.stem} de votre rendu"),
            tag("figcaption", path.relative_to(folder).as_posix()),
        )
        for path in wanted[:MAX_IMAGES]
        if (content := redraw(path.read_bytes()))
    ]
    if images:
        parts.append(tag("div", *images, class_="courbes"))
    return join(*parts) if parts else None


def _files(folder: Path, exercise: str, places, suffix: str, limit: int) -> list[Path]:
    """Trouve les fichiers d'un exercice : sans lien, sans excès, et qui ne sont pas les nôtres."""
    home, found = folder.resolve(), []
    for place in places:
        deep = "" if suffix == ".json" else f"{exercise}_*/"
        name = f"{exercise}_*{suffix}" if suffix == ".json" else f"*{suffix}"
        for path in sorted(folder.glob(f"{place}/{deep}{name}")):
            own = path.is_file() and path.resolve() == home / path.relative_to(folder)
            if own and path.stat().st_size <= limit and not _is_ours(path):
                found.append(path)
    return found


def _is_ours(path: Path) -> bool:
    ours = published(path.stem, path.suffix)
    return ours.is_file() and ours.read_bytes() == path.read_bytes()


def _report(path: Path, where: str) -> Html | None:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    charts = _charts(content.get("history"))
    matrix = _confusion(content.get("confusion_matrix"), content.get("classes_fr"), where)
    parts = [tag("div", *charts, class_="courbes")] if charts else []
    return join(*parts, matrix) if parts or matrix else None


def _charts(history) -> list[Html]:
    """Dessine les mesures d'un entraînement, une par courbe, et sa validation avec elle."""
    found = []
    for key in history if isinstance(history, dict) else ():
        prefix, _, measure = key.rpartition("_")
        train, val = _curve(history, key), _curve(history, f"{prefix}_val_{measure}".lstrip("_"))
        if train and measure in MEASURES and prefix != "val" and not prefix.endswith("_val"):
            of = f" ({prefix[:MAX_NAME]})" if prefix else ""
            found.append(_chart(MEASURES[measure] + of, train, val, higher=measure == "accuracy"))
    return found[:MAX_CHARTS]


def _curve(history: dict, key: str) -> list[float]:
    """Rend une courbe de nombres, ou rien si ce n'en est pas une."""
    values = history.get(key)
    if not isinstance(values, list) or not 1 < len(values) <= MAX_EPOCHS:
        return []
    known = all(_is_number(value) for value in values)
    return [float(value) for value in values] if known else []


def _is_number(value) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= MAX_NUMBER  # faux aussi pour NaN


def _chart(title: str, train: list[float], val: list[float], *, higher: bool) -> Html:
    low, high = min(train + val), max(train + val)
    last = max(len(train), len(val))
    labels = [
        tag("text", _decimal(value), x=LEFT - 6, y=y + 4, text_anchor="end")
        for value, y in ((high, TOP), (low, BOTTOM))
    ]
    labels += [
        tag("text", "1", x=LEFT, y=HEIGHT - 4, text_anchor="middle"),
        tag("text", last, x=WIDTH - 8, y=HEIGHT - 4, text_anchor="end"),
        tag("text", "époque", x=(LEFT + WIDTH) / 2, y=HEIGHT - 4, text_anchor="middle"),
    ]
    axes = [
        tag("line", x1=LEFT, y1=BOTTOM, x2=WIDTH - 8, y2=BOTTOM),
        tag("line", x1=LEFT, y1=TOP, x2=LEFT, y2=BOTTOM),
    ]
    lines = [
        tag("polyline", points=_points(values, low, high, last), class_=name)
        for values, name in ((train, "apprise"), (val, None))
        if values
    ]
    drawing = tag(
        "svg",
        *axes,
        *labels,
        *lines,
        class_="courbe",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        aria_hidden="true",
    )
    said = [f"entraînement (pointillé) : {_told(train, higher)}"]
    if val:
        said.append(f"validation (trait plein) : {_told(val, higher)}")
    return tag(
        "figure", drawing, tag("figcaption", tag("strong", title), f" — {' ; '.join(said)}.")
    )


def _told(values: list[float], higher: bool) -> str:
    """Dit une courbe en mots : début, fin, meilleure valeur."""
    best = max(values) if higher else min(values)
    return (
        f"de {_decimal(values[0])} à {_decimal(values[-1])} en {agreed(len(values), 'époque')}, "
        f"au mieux {_decimal(best)} à l'époque {values.index(best) + 1}"
    )


def _points(values: list[float], low: float, high: float, last: int) -> str:
    """Place une courbe dans son cadre, en gardant au plus `MAX_POINTS` points."""
    step = -(-len(values) // MAX_POINTS)
    kept = sorted({*range(0, len(values), step), len(values) - 1})
    span = (high - low) or 1
    return " ".join(
        f"{LEFT + (WIDTH - 8 - LEFT) * i / (last - 1):.1f},"
        f"{BOTTOM - (BOTTOM - TOP) * (values[i] - low) / span:.1f}"
        for i in kept
    )


def _decimal(value: float) -> str:
    return f"{value:.3g}".replace(".", ",")


def _confusion(matrix, classes, where: str) -> Html | None:
    """Écrit la matrice de confusion d'un compte rendu : des effectifs, et des noms courts."""
    size = len(matrix) if isinstance(matrix, list) else 0
    if not 1 < size <= MAX_CLASSES:
        return None
    if not all(isinstance(row, list) and len(row) == size for row in matrix):
        return None
    if not all(type(n) is int and 0 <= n <= MAX_NUMBER for row in matrix for n in row):
        return None
    named = isinstance(classes, list) and len(classes) == size
    names = [str(name)[:MAX_NAME] for name in (classes if named else range(size))]
    rows = [
        [name, *(tag("strong", n) if i == j else n for j, n in enumerate(row))]
        for i, (name, row) in enumerate(zip(names, matrix, strict=True))
    ]
    return table(
        f"Matrice de confusion de {where} : une ligne par vraie classe, une colonne par réponse, "
        "en gras les images bien classées",
        ["Vraie classe", *names],
        rows,
        class_="matrice",
        wide=True,
    )


def redraw(content: bytes) -> bytes | None:
    """Redessine un PNG, pour n'en garder que les pixels.

    Args:
        content: fichier d'un inconnu.

    Returns:
        Un PNG d'au plus `MAX_SIDE_PX` de côté, sans rien d'autre que l'image ; None si ce n'en est
        pas un, ou s'il est démesuré.
    """
    try:
        with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
            image = Image.open(io.BytesIO(content), formats=["PNG"])
            if image.width * image.height > MAX_IMAGE_PIXELS:
                return None
            seen = image.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning):
        return None
    page = Image.new("RGB", seen.size, "white")
    page.paste(seen, mask=seen)
    page.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    file = io.BytesIO()
    page.quantize(256).save(file, "PNG", optimize=True)
    return file.getvalue()
