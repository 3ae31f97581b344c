"""Du programme de l'énoncé à celui de la leçon, un changement à la fois : ce que chacun rapporte.

Commande : python -m recipes.steps ex02 --seeds 5 ; de même pour ex03 et ex04
Résultat mesuré : docs/mesures/ex02_steps.json, et les tableaux des leçons 02, 03 et 04.

La première étape est le programme de `exercises/plain/` ; la dernière est ce que lance
`python -m exercises.ex02_fashion`. Chaque étape change une chose à la précédente. Toutes apprennent
les mêmes images, et se comparent sur dix mille images de validation, par paires de même graine. Le
jeu de test n'est lu que pour la première étape et la dernière. Une mesure finie est une ligne de
plus dans `docs/mesures/exNN_steps.jsonl` : relancer la commande reprend à la suivante.
"""

import base64
import json
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from convnets.core import files, intervals, reports
from convnets.core.cli import FrenchParser, agreed, markdown_table, positive_int, run, shown_path
from convnets.core.paths import MEASURES_DIR
from convnets.datasets import sources
from convnets.figures.charts import number
from convnets.training import lesson
from convnets.training.batches import Augment, shuffled
from exercises import FOLDER, ex02_fashion, ex03_cifar10, ex04_lenet
from exercises.plain import ex02_fashion as plain_fashion
from exercises.plain import ex03_cifar10 as plain_cifar10
from exercises.plain import ex04_lenet as plain_lenet

NUM_VAL = 10_000  # les dernières images d'entraînement ; une exactitude y est connue à 0,3 point
MISSING = "pas encore mesuré"
LESSONS = FOLDER / "lessons"


class Recipe(NamedTuple):
    """Tout ce qui distingue une étape d'une autre."""

    build: Callable[[], keras.Model]
    epochs: int
    batch_size: int = 128
    optimizer: Callable[[], keras.optimizers.Optimizer] = keras.optimizers.Adam
    falls: bool = False  # le taux d'apprentissage suit un cosinus jusqu'à zéro
    warmup: float = 0.0  # part de l'entraînement où il monte d'abord
    augment: Augment | None = None
    smoothing: float = 0.0
    rounded: bool = False  # arrondir les poids, comme le font les modèles publiés


class Step(NamedTuple):
    """Une ligne du tableau."""

    name: str
    title: str  # ce que le tableau en dit
    before: str | None  # l'étape à laquelle celle-ci se compare
    recipe: Recipe
    tested: bool = False  # la première et la dernière lisent aussi le jeu de test


class Chain:
    """Des étapes, chacune définie par ce qu'elle change à une autre.

    Args:
        first: la première étape.
    """

    def __init__(self, first: Step):
        self.steps = {first.name: first}
        self.last = first.name

    def add(self, name: str, title: str, *, tested: bool = False, **changes) -> None:
        """Ajoute une étape qui change `changes` à la dernière."""
        self.compare(name, title, self.last, tested=tested, **changes)
        self.last = name

    def compare(
        self, name: str, title: str, before: str, *, tested: bool = False, **changes
    ) -> None:
        """Ajoute un témoin : il change `changes` à l'étape `before`, et rien ne le suit."""
        recipe = self.steps[before].recipe._replace(**changes)
        self.steps[name] = Step(name, title, before, recipe, tested)


# --- Exercice 02 : Fashion-MNIST ------------------------------------------------------


def fashion_dense() -> keras.Model:
    """Construit le témoin sans convolution : deux couches denses, de 512 et 256 neurones."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Rescaling(1 / 127.5, -1),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dense(256, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def fashion_stride(dense_units: int) -> keras.Model:
    """Construit le réseau de l'énoncé, dont la première convolution avance de deux pixels.

    Args:
        dense_units: neurones de la couche dense. Les cartes ont quatre fois moins de pixels : avec
            autant de neurones, le réseau a quatre fois moins de poids.
    """
    model = plain_fashion.build_model()
    kept = [layer for layer in model.layers if not isinstance(layer, layers.Dense)]
    first = next(row for row, layer in enumerate(kept) if isinstance(layer, layers.Conv2D))
    kept[first] = layers.Conv2D(32, 5, strides=2, padding="same", activation="relu")
    copies = [layer.__class__.from_config(layer.get_config()) for layer in kept]
    dense = layers.Dense(dense_units, activation="relu")
    output = layers.Dense(10, activation="softmax")
    return keras.Sequential([keras.Input((28, 28)), *copies, dense, output])


def fashion_steps() -> Chain:
    """Rend les étapes de l'exercice 02."""
    first = Recipe(plain_fashion.build_model, plain_fashion.EPOCHS)
    chain = Chain(Step("plain", "le programme de l'énoncé", None, first, tested=True))
    chain.compare("dense", "témoin : deux couches denses", "plain", build=fashion_dense)
    chain.compare("stride", "témoin : premier pas de 2", "plain", build=lambda: fashion_stride(256))
    chain.compare(
        "stride_equal",
        "témoin : premier pas de 2, autant de poids",
        "plain",
        build=lambda: fashion_stride(1383),
    )
    chain.add("epochs", "16 époques au lieu de 5", epochs=ex02_fashion.EPOCHS)
    chain.add("normalised", "une normalisation après chaque couche", build=ex02_fashion.build_model)
    chain.add("falling", "un taux d'apprentissage qui descend", falls=True)
    chain.add("moved", "des images déplacées et retournées", augment=ex02_fashion.augment)
    chain.add(
        "decay",
        "AdamW : les poids sont ramenés vers zéro",
        optimizer=lambda: keras.optimizers.AdamW(weight_decay=0.05),
    )
    chain.add("batches", "des lots deux fois plus grands", batch_size=ex02_fashion.BATCH_SIZE)
    chain.add(
        "larger",
        "un taux d'apprentissage deux fois plus grand",
        optimizer=lambda: keras.optimizers.AdamW(ex02_fashion.LEARNING_RATE, weight_decay=0.05),
    )
    chain.add("smoothed", "une cible adoucie", smoothing=ex02_fashion.LABEL_SMOOTHING)
    chain.add("lesson", "des poids arrondis : la leçon", rounded=True, tested=True)
    return chain


# --- Exercice 03 : CIFAR-10 -----------------------------------------------------------


def cifar10_undivided() -> keras.Model:
    """Construit le réseau de l'exercice 03, dont les scores ne sont pas divisés par 3."""
    model = ex03_cifar10.build_model()
    scores = next(layer for layer in model.layers if isinstance(layer, layers.Dense)).output
    return keras.Model(model.input, layers.Softmax(dtype="float32")(scores), name="undivided")


def descent() -> keras.optimizers.Optimizer:
    """Rend la descente avec élan de l'exercice 03."""
    return keras.optimizers.SGD(
        ex03_cifar10.LEARNING_RATE,
        ex03_cifar10.MOMENTUM,
        nesterov=True,
        weight_decay=ex03_cifar10.WEIGHT_DECAY,
    )


def cifar10_steps() -> Chain:
    """Rend les étapes de l'exercice 03."""
    first = Recipe(plain_cifar10.build_model, plain_cifar10.EPOCHS)
    chain = Chain(Step("plain", "le programme de l'énoncé", None, first, tested=True))
    chain.add("epochs", "15 époques au lieu de 5", epochs=ex03_cifar10.EPOCHS)
    chain.add("moved", "des images déplacées et retournées", augment=ex03_cifar10.augment)
    chain.add("network", "six convolutions normalisées au lieu de trois", build=cifar10_undivided)
    chain.add("falling", "un taux d'apprentissage qui descend", falls=True)
    chain.add(
        "descent",
        "la descente avec élan, par lots de 256",
        optimizer=descent,
        batch_size=ex03_cifar10.BATCH_SIZE,
        warmup=ex03_cifar10.WARMUP,
    )
    chain.add("smoothed", "une cible adoucie", smoothing=ex03_cifar10.LABEL_SMOOTHING)
    chain.add("divided", "des scores divisés par 3", build=ex03_cifar10.build_model)
    chain.add("lesson", "des poids arrondis : la leçon", rounded=True, tested=True)
    return chain


# --- Exercice 04 : MNIST --------------------------------------------------------------


def adamw() -> keras.optimizers.Optimizer:
    """Rend l'optimiseur de l'exercice 04."""
    return keras.optimizers.AdamW(ex04_lenet.LEARNING_RATE, weight_decay=ex04_lenet.WEIGHT_DECAY)


def lenet_steps() -> Chain:
    """Rend les étapes de l'exercice 04, chacune pour LeNet et pour le réseau dense."""
    first = Recipe(plain_lenet.build_lenet, plain_lenet.EPOCHS)
    chain = Chain(Step("plain", "le programme de l'énoncé", None, first, tested=True))
    chain.add("epochs", "40 époques au lieu de 5", epochs=ex04_lenet.EPOCHS)
    chain.add("bent", "des chiffres déformés", augment=ex04_lenet.augment)
    chain.add("falling", "un taux d'apprentissage qui descend", falls=True)
    chain.add(
        "adamw",
        "AdamW : les poids sont ramenés vers zéro",
        optimizer=lambda: keras.optimizers.AdamW(weight_decay=ex04_lenet.WEIGHT_DECAY),
    )
    chain.add("decay", "un taux deux fois plus grand", optimizer=adamw)
    chain.add("lesson", "des poids arrondis : la leçon", rounded=True, tested=True)
    for name, step in list(chain.steps.items()):
        chain.compare(
            f"dense_{name}",
            f"{step.title}, réseau dense",
            name,
            tested=step.tested,
            build=plain_lenet.build_dense,
        )
    return chain


class Exercise(NamedTuple):
    """Ce que la commande mesure."""

    lesson: str
    load: Callable[[], sources.Dataset]
    steps: Callable[[], Chain]


EXERCISES = {
    "ex02": Exercise("ex02_fashion", sources.load_fashion_mnist, fashion_steps),
    "ex03": Exercise("ex03_cifar10", sources.load_cifar10, cifar10_steps),
    "ex04": Exercise("ex04_lenet", sources.load_mnist, lenet_steps),
}


# --- Mesurer une étape ----------------------------------------------------------------


class Images(NamedTuple):
    """Des images, et le numéro de la classe de chacune."""

    x: np.ndarray
    y: np.ndarray


def split(dataset: sources.Dataset, *, limit: int | None) -> dict[str, Images]:
    """Partage un jeu de données : `train`, `val` (les dernières images d'entraînement), `test`.

    Args:
        dataset: `(x_train, y_train), (x_test, y_test)`.
        limit: images gardées de chacun ; None, toutes. Un sixième au plus est de validation.
    """
    (x, y), (x_test, y_test) = dataset
    x, y = x[:limit], y[:limit].reshape(-1)
    cut = len(x) - min(NUM_VAL, len(x) // 5)
    return {
        "train": Images(x[:cut], y[:cut]),
        "val": Images(x[cut:], y[cut:]),
        "test": Images(x_test[:limit], y_test[:limit].reshape(-1)),
    }


def train(recipe: Recipe, images: Images, *, seed: int) -> tuple[keras.Model, float]:
    """Entraîne le réseau d'une étape ; rend le modèle, et son exactitude d'entraînement."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    model = recipe.build()
    model.compile(
        recipe.optimizer(),
        keras.losses.CategoricalCrossentropy(label_smoothing=recipe.smoothing),
        metrics=["accuracy"],
    )
    batches = shuffled(
        images.x,
        keras.utils.to_categorical(images.y, 10),
        batch_size=recipe.batch_size,
        seed=seed,
        augment=recipe.augment,
    )
    clock = [lesson.Clock(recipe.epochs, None, warmup=recipe.warmup)] if recipe.falls else []
    history = model.fit(batches, epochs=recipe.epochs, callbacks=clock, verbose=0)
    if recipe.rounded:
        lesson.round_weights(model)
    return model, history.history["accuracy"][-1]


def score(model: keras.Model, images: Images) -> dict[str, float | str]:
    """Rend l'exactitude, la perte et, image par image, les réponses justes d'un modèle.

    Returns:
        `accuracy` dans [0, 1] ; `log_loss`, la moyenne de -log p de la vraie classe ; `right`, un
        bit par image, en base 64 (`unpack` les relit).
    """
    found = model.predict(images.x, batch_size=500, verbose=0)
    right = found.argmax(1) == images.y
    chosen = np.clip(found[np.arange(len(found)), images.y].astype(np.float64), 1e-7, 1)
    return {
        "accuracy": float(right.mean()),
        "log_loss": float(-np.log(chosen).mean()),
        "right": base64.b64encode(np.packbits(right).tobytes()).decode("ascii"),
    }


def unpack(right: str, count: int) -> np.ndarray:
    """Relit les réponses justes qu'a rangées `score` : `(count,)` booléens."""
    return np.unpackbits(np.frombuffer(base64.b64decode(right), np.uint8), count=count).astype(bool)


def append(line: dict, path: Path) -> None:
    """Ajoute une ligne à un fichier, d'une seule écriture : tout, ou rien."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(line, ensure_ascii=False) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, text.encode("utf-8"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_lines(path: Path) -> dict[tuple[str, int], dict]:
    """Relit les mesures finies, par étape et par graine.

    Raises:
        ValueError: une ligne n'est pas une mesure.
    """
    found = {}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for row, line in enumerate(text.splitlines(), start=1):
        try:
            each = json.loads(line)
            found[each["step"], each["seed"]] = each
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path}, ligne {row} : ce n'est pas une mesure. Retirez cette ligne, et relancez."
            ) from error
    return found


def measure_step(step: Step, steps: dict[str, Step], parts: dict, *, seed: int) -> list[dict]:
    """Entraîne et mesure une étape, sur une graine ; rend les lignes à garder.

    L'étape qui ne fait qu'arrondir les poids n'apprend rien : elle est mesurée du même coup.
    """
    start = time.monotonic()
    model, training = train(step.recipe, parts["train"], seed=seed)
    fields = {"seed": seed, "train_accuracy": training, "duration_s": time.monotonic() - start}
    lines = [describe(step, model, parts, **fields)]
    rounded = step.recipe._replace(rounded=True)
    for twin in steps.values():
        if twin.recipe == rounded and twin.name != step.name:
            lesson.round_weights(model)
            lines.append(describe(twin, model, parts, **fields))
    return lines


def describe(step: Step, model: keras.Model, parts: dict[str, Images], **fields) -> dict:
    """Mesure un réseau appris, et rend la ligne à garder : l'étape, la graine, les réponses."""
    line = {"step": step.name, **fields, "epochs": step.recipe.epochs}
    line |= {"parameters": int(model.count_params()), "machine": machine()}
    line |= {"num_images": {name: len(each.y) for name, each in parts.items()}}
    line |= {"val": score(model, parts["val"])}
    return line | ({"test": score(model, parts["test"])} if step.tested else {})


def machine() -> str:
    """Rend le nom du processeur, ou de la carte, et la version de Keras."""
    return f"{reports.environment()['hardware']}, Keras {keras.__version__}"


def measure(options) -> None:
    """Mesure, graine après graine, les étapes qui ne l'ont pas encore été."""
    exercise, path = EXERCISES[options.name], lines_path(options)
    steps = exercise.steps().steps
    names = options.only or list(steps)
    if unknown := [name for name in names if name not in steps]:
        raise ValueError(f"--only {unknown[0]} : les étapes sont {', '.join(steps)}.")
    parts = split(exercise.load(), limit=options.limit)
    for seed in range(options.seeds):
        for name in names:
            if (name, seed) in read_lines(path):
                continue
            for line in measure_step(steps[name], steps, parts, seed=seed):
                append(line, path)
                accuracy = number(100 * line["val"]["accuracy"], 2)
                seconds = round(line["duration_s"])
                print(f"Graine {seed}, {line['step']} : {accuracy} % en {seconds} s.", flush=True)


# --- Le tableau -------------------------------------------------------------------


class Row(NamedTuple):
    """Ce que les mesures disent d'une étape."""

    step: Step
    accuracy: reports.Metric | None  # en validation ; None : pas encore mesurée
    log_loss: reports.Metric | None
    gain: intervals.Interval | None  # sur l'étape d'avant, mêmes graines et mêmes images
    num_pairs: int  # graines communes avec elle


def summarise(steps: Iterable[Step], lines: dict[tuple[str, int], dict]) -> list[Row]:
    """Résume les mesures, étape par étape."""
    rows, by_step = [], {}
    for (name, seed), line in lines.items():
        by_step.setdefault(name, {})[seed] = line
    for step in steps:
        own, before = by_step.get(step.name, {}), by_step.get(step.before, {})
        metrics = [
            reports.summarise([own[seed]["val"][key] for seed in sorted(own)]) if own else None
            for key in ("accuracy", "log_loss")
        ]
        common = sorted(set(own) & set(before))
        gain = None
        if common:
            gain = intervals.paired_gap(answers(own, common), answers(before, common))
        rows.append(Row(step, *metrics, gain, len(common)))
    return rows


def answers(lines: dict[int, dict], seeds: list[int]) -> np.ndarray:
    """Rend les réponses justes, en validation, de quelques graines : `(graines, images)`."""
    return np.stack(
        [unpack(lines[seed]["val"]["right"], lines[seed]["num_images"]["val"]) for seed in seeds]
    )


def format_gain(row: Row) -> str:
    """Écrit un gain en points et son intervalle, ou dit qu'on ne le voit pas."""
    if row.step.before is None:
        return "–"
    if row.gain is None:
        return MISSING
    gain, low, high = (f"{100 * each:+.2f}".replace(".", ",") for each in row.gain)
    text = f"{gain} [{low} ; {high}]".replace("-", "−")
    return text if intervals.sign(row.gain) else f"{text} : nous ne le voyons pas"


def format_table(rows: list[Row]) -> str:
    """Écrit le tableau des étapes, en Markdown."""
    cells = []
    for row in rows:
        measured = row.accuracy is not None
        cells.append(
            [
                row.step.title,
                f"{number(100 * row.accuracy.mean, 2)} %" if measured else MISSING,
                format_gain(row),
                number(row.log_loss.mean, 3) if measured else "",
                str(row.accuracy.n) if measured else "0",
            ]
        )
    heads = ["étape", "exactitude de validation", "gain, en points", "perte", "graines"]
    return markdown_table(heads, cells)


def replace_table(text: str, table: str) -> str:
    """Remplace, dans le texte d'une leçon, le tableau dont la première colonne est « étape ».

    Raises:
        ValueError: le texte n'en a pas un seul.
    """
    pattern = re.compile(r"^\| étape \|.*(?:\n\|.*)*", re.MULTILINE)
    if len(pattern.findall(text)) != 1:
        raise ValueError("Le texte doit avoir un seul tableau dont la première case est « étape ».")
    return pattern.sub(lambda _: table.strip(), text)


def publish(options) -> None:
    """Affiche les mesures finies ; écrit leur compte rendu, et le tableau de la leçon."""
    exercise, lines = EXERCISES[options.name], read_lines(lines_path(options))
    rows = summarise(exercise.steps().steps.values(), lines)
    table = format_table(rows)
    print(table)
    if options.output == MEASURES_DIR:
        path = LESSONS / f"{exercise.lesson}.md"
        with files.replacing(path) as temporary:
            text = replace_table(path.read_text(encoding="utf-8"), table)
            temporary.write_text(text, encoding="utf-8")
    if not lines:
        return
    report = reports.Report(
        command=f"python -m recipes.steps {options.name} --seeds {options.seeds}",
        metrics=collect_metrics(rows, lines),
        seeds=sorted({seed for _, seed in lines}),
        exercise=f"{options.name}_steps",
        details={"machines": sorted({line["machine"] for line in lines.values()})},
    )
    path = options.output / f"{options.name}_steps.json"
    reports.replace_report(report, path)
    print(f"{agreed(len(lines), 'mesure')} : {shown_path(path)}.")


def collect_metrics(rows: list[Row], lines: dict) -> dict[str, reports.Metric]:
    """Rend les mesures du compte rendu, pour chaque étape X.

    Returns:
        `X`, l'exactitude de validation ; `X log_loss` ; `X gain`, sur l'étape d'avant, et les
        bornes de son intervalle, `X gain_low` et `X gain_high` ; `X test`, si elle l'a lu.
    """
    found = {}
    for row in rows:
        if row.accuracy is None:
            continue
        name = row.step.name
        found |= {name: row.accuracy, f"{name} log_loss": row.log_loss}
        if row.gain:
            for part, value in zip(("gain", "gain_low", "gain_high"), row.gain, strict=True):
                found[f"{name} {part}"] = reports.Metric(value, n=row.num_pairs)
        own = [lines[key] for key in sorted(lines) if key[0] == name]
        if all("test" in line for line in own):
            found[f"{name} test"] = reports.summarise([line["test"]["accuracy"] for line in own])
    return found


def lines_path(options) -> Path:
    """Nomme le fichier des mesures : une ligne par étape et par graine."""
    return options.output / f"{options.name}_steps.jsonl"


def measure_and_publish(options) -> int:
    """Mesure ce qui manque, puis écrit le compte rendu ; rend 0."""
    if not options.table:
        measure(options)
    publish(options)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Lit l'exercice, le nombre de graines et les étapes."""
    parser = FrenchParser(prog="python -m recipes.steps", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("name", choices=list(EXERCISES), help="exercice")
    add("--seeds", type=positive_int, default=5, metavar="N", help="graines (5 par défaut)")
    add("--only", nargs="+", metavar="ÉTAPE", help="ne mesurer que ces étapes")
    add("--limit", type=positive_int, metavar="N", help="n'utiliser que les N premières images")
    add("--table", action="store_true", help="ne rien mesurer : refaire le tableau")
    add("--output", type=Path, default=MEASURES_DIR, metavar="DOSSIER", help="où sont les mesures")
    options = parser.parse_args(argv)
    return run(lambda: measure_and_publish(options))


if __name__ == "__main__":
    raise SystemExit(main())
