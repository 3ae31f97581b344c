"""La familiarité : ce qui fait dire à `./predict` qu'une image ne ressemble à rien d'appris.

À lancer une fois les réseaux appris (cinq minutes) : python -m recipes.familiarity
Résultat mesuré : docs/laboratoire/familiarite.md.

Ce n'est pas une recette : aucun poids du réseau n'est appris. Des opérations sont ajoutées à la
fin de l'export int8 livré, qui répond pareil au bit près. Elles lisent ce que la passe a déjà
calculé, et sa deuxième sortie est la familiarité de l'image. Le seuil, fixé sur les images de
validation, va dans le compte rendu.

- Un réseau de vignettes, de vêtements ou de chiffres : l'énergie de ses scores, moins l'écart des
  cartes d'un de ses groupes, le premier ou le deuxième, à celles des images d'entraînement.
- De plus, sauf pour les chiffres : de quel côté d'une autre frontière est l'image. Une régression
  logistique la place entre les images d'entraînement et celles de `recipes.outliers`.
- Celui des photos : l'énergie des classes, moins celle de colonnes « rien de cela »
  (`recipes.nothing`). Ses cartes ne serviraient à rien : il a été appris de vignettes agrandies, et
  toute vraie photo leur est étrangère.
"""

import copy
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from PIL import Image
from sklearn.linear_model import LogisticRegression
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from convnets.core import files, reports
from convnets.core.cli import FrenchParser, run
from convnets.core.images import crop_resize
from convnets.core.paths import MODELS_DIR
from convnets.datasets import sources
from convnets.serving.classifier import PHOTO_MODEL, Classifier
from convnets.serving.look import Look
from recipes import nothing, outliers

NUM_VAL = 2000  # images de validation, de celles que les recettes mettent de côté
NUM_TRAIN = 10_000  # images d'entraînement dont la mesure retient les statistiques
NUM_OUTLIERS = 1000  # images étrangères de chaque sorte, faites de ces mêmes images
# Quatre doutes pour 2 000 images : à 95 % de chances, moins de 0,5 % de toutes (Clopper et
# Pearson, borne supérieure 0,46 %). Avec dix, un autre jeu dépasserait 0,5 % une fois sur deux.
DOUBTED_OF_VAL = 0.002
# Une sur cent des images connues de `recipes.nothing`, photographies comprises : autant que ce que
# l'on accepte de perdre de bonnes réponses.
DOUBTED_OF_PHOTOS = 0.01
FEW = 200  # vignettes où vérifier que `photos`, dont le seuil vient d'ailleurs, répond pareil
RANK = 32  # directions gardées d'une gaussienne ; au-delà, rien de plus sur les images d'essai
RIDGE = 1e-2  # ajouté aux variances, de moyenne 1
LOWEST = 0.005  # part des images de validation qui donne l'unité d'une mesure ; voir `unit`
BATCH_SIZE = 8

MEASURES = {
    "garments": "énergie + groupe 2 + frontière apprise",
    "thumbnails": "énergie + groupe 1 + frontière apprise",
    "digits": "énergie + groupe 1",
    "photos": "classes contre rien de cela",
}
ENERGY_WEIGHTS = {"garments": 1.5}  # ce que pèse l'énergie ; 1 ailleurs
BOUNDARY_WEIGHT = 0.5  # ce que pèse une frontière apprise, choisi sur des sortes non apprises
SETS = {  # jeu, et images que sa recette met de côté ; CIFAR-10 pour les autres
    "garments": ("load_fashion_mnist", 2000),
    "digits": ("load_mnist", 5000),
}


# --- Les mesures ---------------------------------------------------------------------------


Term = Callable  # terme(vecteurs, scores) : une partie d'une mesure, en TensorFlow ; rend (n,)


class Gaussian(NamedTuple):
    """Une gaussienne approchée : hors de `RANK` directions, une seule variance, leur moyenne.

    La distance de Mahalanobis d'un vecteur x est, au carré, |z|² - |z·kept|², où z vaut
    (x - mean) / std.
    """

    mean: np.ndarray  # (c,)
    std: np.ndarray  # (c,)
    kept: np.ndarray  # (c, rank)


def fit_gaussian(known: np.ndarray) -> Gaussian:
    """Ajuste une gaussienne à des vecteurs `(n, c)` ; elle garde au plus c - 1 directions.

    Source : Lee et al., arXiv 1807.03888, 2018, sur les moyennes des cartes, sans les classes.
    """
    rank = min(RANK, known.shape[1] - 1)
    mean, std = known.mean(0), known.std(0) + 1e-6
    values, vectors = np.linalg.eigh(np.cov(((known - mean) / std).T))
    values, kept = values[::-1] + RIDGE, vectors[:, ::-1][:, :rank]
    rest = values[rank:].mean()
    return Gaussian(mean, std * np.sqrt(rest), kept * np.sqrt(1 - rest / values[:rank]))


def fit_boundary(known: np.ndarray, strange: np.ndarray) -> np.ndarray:
    """Rend la direction `(c,)` qui sépare le mieux des vecteurs connus d'étrangers.

    Args:
        known: vecteurs `(n, c)`, du côté où la direction croît.
        strange: vecteurs `(m, c)` ; les deux côtés pèsent autant.
    """
    mean, std = known.mean(0), known.std(0) + 1e-6
    x = (np.concatenate([known, strange]) - mean) / std
    sides = np.arange(len(x)) < len(known)
    fitted = LogisticRegression(class_weight="balanced", max_iter=500).fit(x, sides)
    return fitted.coef_[0] / std


def moments(maps):
    """Rend la moyenne et la moyenne quadratique de cartes `(n, h, w, c)` : `(n, 2c)`."""
    squares = tf.sqrt(tf.reduce_mean(tf.square(maps), (1, 2)))
    return tf.concat([tf.reduce_mean(maps, (1, 2)), squares], 1)


def energy(vectors, scores):
    """Rend l'énergie des scores : le logarithme de la somme de leurs exponentielles."""
    most = tf.reduce_max(scores, 1)  # sans quoi l'exponentielle pourrait déborder
    return most + tf.math.log(tf.reduce_sum(tf.exp(scores - most[:, tf.newaxis]), 1))


def nearness(fitted: Gaussian) -> Term:
    """Rend le terme opposé au carré de la distance des derniers vecteurs à une gaussienne."""
    mean, std, kept = (each.astype("float32") for each in fitted)

    def term(vectors, scores):
        z = vectors[-1] * (1 / std) - mean / std
        return tf.reduce_sum(tf.square(z @ kept), 1) - tf.reduce_sum(tf.square(z), 1)

    return term


def outweighing(kernel: np.ndarray, bias: np.ndarray, handicap: np.ndarray) -> Term:
    """Rend le terme qui compare les scores des classes à ceux de colonnes « rien de cela ».

    C'est le logarithme du rapport des deux probabilités, si un softmax lisait toutes les colonnes.

    Args:
        kernel: de ces colonnes, `(c, colonnes)`.
        bias: leurs biais, `(colonnes,)`.
        handicap: ce que cède le score de chaque classe, `(k,)`.
    """
    kernel, bias, handicap = (each.astype("float32") for each in (kernel, bias, handicap))

    def term(vectors, scores):
        others = vectors[0] @ kernel + bias
        return energy(vectors, scores - handicap) - energy(vectors, others)

    return term


def side(direction: np.ndarray) -> Term:
    """Rend le terme qui projette sur une direction tous les vecteurs, mis bout à bout."""
    return lambda vectors, scores: tf.reduce_sum(
        tf.concat(vectors, 1) * direction.astype("float32"), 1
    )


def add_up(terms: Sequence[tuple[Term, float]], summarize: Callable) -> Callable:
    """Rend la mesure que TensorFlow convertira : `(tenseurs…, scores) -> (n, 1)`.

    Args:
        terms: chaque terme et son unité.
        summarize: ce que les termes lisent de chaque tenseur, par exemple `moments`.
    """

    def measure(*tensors):
        *others, scores = tensors
        vectors = [summarize(each) for each in others]
        return sum(term(vectors, scores) * (1 / size) for term, size in terms)[:, None]

    return measure


def unit(val: np.ndarray) -> float:
    """Rend l'unité d'une mesure : l'écart entre sa médiane et ses 0,5 % les plus basses."""
    return float(np.median(val) - np.quantile(val, LOWEST))


def threshold(val: np.ndarray, share: float = DOUBTED_OF_VAL) -> float:
    """Rend le seuil sous lequel on doute : cette part des images de validation y est."""
    return float(np.sort(val)[int(share * len(val))])


# --- L'export ------------------------------------------------------------------------------


def read_export(content: bytes):
    """Lit un export, sans la familiarité qu'il aurait déjà."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    graph = model.subgraphs[0]
    named = {*graph.inputs, *graph.outputs}
    for number, tensor in enumerate(graph.tensors):  # les noms que rien ne lit pèsent des ko
        if number not in named:
            found = re.search(rb"group\d_out\d", tensor.name.rpartition(b";")[2])
            tensor.name = found[0] if found else b""
    if len(graph.outputs) == 1:
        return model
    answer = graph.outputs[0]  # le dernier tenseur que l'export avait
    last = next(i for i, each in enumerate(graph.operators) if answer in each.outputs)
    graph.operators, graph.tensors = graph.operators[: last + 1], graph.tensors[: answer + 1]
    graph.outputs = [answer]
    model.signatureDefs[0].outputs = model.signatureDefs[0].outputs[:1]
    codes = max(each.opcodeIndex for each in graph.operators)
    buffers = max(each.buffer for each in [*graph.tensors, *(model.metadata or [])])
    model.operatorCodes, model.buffers = (
        model.operatorCodes[: codes + 1],
        model.buffers[: buffers + 1],
    )
    return model


def write_export(model) -> bytes:
    """Rend le contenu du fichier `.tflite`."""
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


class Taps(NamedTuple):
    """Les tenseurs d'un export que les mesures lisent."""

    maps: list[int]  # cartes d'un groupe, de la première convolution à la dernière
    features: int
    scores: int


def find_taps(model, *, group: int = 1) -> Taps:
    """Rend les tenseurs que les mesures lisent.

    Args:
        model: ce que `read_export` a rendu.
        group: à partir de 1, le groupe d'un réseau de `recipes.network` dont on lit les cartes ;
            d'un autre réseau, ce que lit la convolution qui suit.
    """
    graph = model.subgraphs[0]
    softmax = next(each for each in graph.operators if graph.outputs[0] in each.outputs)
    dense = next(each for each in graph.operators if softmax.inputs[0] in each.outputs)
    names = [each.name.decode() for each in graph.tensors]
    start = f"group{group}_out"
    found = {name: i for i, name in enumerate(names) if name.startswith(start)}  # le dernier
    convolution = schema.BuiltinOptions.Conv2DOptions
    read = [op.inputs[0] for op in graph.operators if op.builtinOptionsType == convolution]
    return Taps(sorted(found.values()) or [read[group]], dense.inputs[0], softmax.inputs[0])


def add_measure(model, measure: Callable, taps: Sequence[int]) -> bytes:
    """Ajoute une mesure à un export, qui en fait sa deuxième sortie.

    Args:
        model: ce que `read_export` a rendu ; il est modifié.
        measure: fonction de TensorFlow, dont chaque argument est un lot de ces tenseurs.
        taps: tenseur que lit chacun de ses arguments, dans leur ordre.

    Returns:
        Le contenu du fichier `.tflite`.
    """
    graph = model.subgraphs[0]
    names = {f"tap{number}": tap for number, tap in enumerate(taps)}
    shapes = {name: [None, *graph.tensors[tap].shapeSignature[1:]] for name, tap in names.items()}
    specs = [tf.TensorSpec(shape, name=name) for name, shape in shapes.items()]
    owner = tf.Module()
    owner.measure = tf.function(measure, input_signature=specs)
    concrete = owner.measure.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], owner)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]  # int8, comme le réseau
    content = converter.convert()
    part = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    added = part.subgraphs[0]
    entries = {each.tensorIndex: each.name.decode() for each in part.signatureDefs[0].inputs}
    places = {-1: -1}  # -1 : une entrée facultative, absente
    for number, tensor in enumerate(added.tensors):
        if number in entries:
            places[number] = names[entries[number]]
            continue
        places[number] = len(graph.tensors)
        stored = part.buffers[tensor.buffer]
        tensor.name, tensor.buffer = b"", 0  # 0 : rien de constant
        if stored.data is not None:
            tensor.buffer = len(model.buffers)
            model.buffers.append(stored)
        graph.tensors.append(tensor)
    num_codes = len(model.operatorCodes)
    model.operatorCodes += part.operatorCodes
    for operator in added.operators:
        operator.opcodeIndex += num_codes
        operator.inputs = [places[each] for each in operator.inputs]
        operator.outputs = [places[each] for each in operator.outputs]
        graph.operators.append(operator)
    output = schema.TensorMapT()
    output.name, output.tensorIndex = b"output_1", places[added.outputs[0]]
    model.signatureDefs[0].outputs.append(output)
    graph.outputs = [*graph.outputs, output.tensorIndex]
    return write_export(model)


def look(
    model, taps: Sequence[int], images: np.ndarray, *, enlarge: bool = True
) -> Iterator[list[np.ndarray]]:
    """Calcule un export, et rend les tenseurs `taps` de chaque lot d'images.

    Une image plus petite que ce qu'il lit est d'abord agrandie, comme le fait `./predict` d'une
    vignette, sauf si `enlarge` est faux.
    """
    model = copy.deepcopy(model)
    model.subgraphs[0].outputs = [*model.subgraphs[0].outputs, *taps]
    model.signatureDefs = None  # une signature nommerait les sorties
    engine = Interpreter(model_content=write_export(model), num_threads=os.cpu_count())
    details = engine.get_input_details()[0]
    entry, side_px = details["index"], int(details["shape"][1])
    for start in range(0, len(images), BATCH_SIZE):
        batch = images[start : start + BATCH_SIZE]
        if enlarge and batch.shape[1] < side_px:
            batch = np.stack([crop_resize(Image.fromarray(each), side_px) for each in batch])
        engine.resize_tensor_input(entry, batch.shape)
        engine.allocate_tensors()
        engine.set_tensor(entry, batch)
        engine.invoke()
        yield [engine.get_tensor(tap) for tap in taps]


# --- La commande ---------------------------------------------------------------------------


def extend(
    slug: str, content: bytes, x: np.ndarray, x_val: np.ndarray, *, num_outliers: int
) -> tuple[bytes, dict]:
    """Donne à un export la mesure que `MEASURES` lui destine.

    Args:
        slug: nom du modèle.
        content: son export.
        x: images d'entraînement, uint8 `(n, 32, 32, 3)` ou `(n, 28, 28)`.
        x_val: images de validation.
        num_outliers: images de chaque sorte étrangère, si la mesure en apprend.

    Returns:
        Le nouvel export, et les paramètres de la mesure.
    """
    model, parts = read_export(content), MEASURES[slug].split(" + ")
    learned = "frontière apprise" in parts
    taps = find_taps(model, group=int(parts[1][-1]))  # « groupe 1 » ou « groupe 2 »
    read = [*(taps.maps if learned else taps.maps[-1:]), taps.scores]

    def found_in(images: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Rend ce que la mesure lit des images : des vecteurs, et les scores."""
        few = [(*map(moments, others), scores) for *others, scores in look(model, read, images)]
        *vectors, scores = (np.concatenate(each) for each in zip(*few, strict=True))
        return vectors, scores

    known, _ = found_in(x)
    val, details = found_in(x_val), {"num_train": len(x)}
    terms = {"energy_unit": (energy, ENERGY_WEIGHTS.get(slug, 1))}
    terms["distance_unit"] = nearness(fit_gaussian(known[-1])), 1
    details["rank"] = RANK
    if learned:
        strange, _ = found_in(np.concatenate([*outliers.make(x, count=num_outliers).values()]))
        direction = fit_boundary(np.hstack(known), np.hstack(strange))
        terms["boundary_unit"] = side(direction), BOUNDARY_WEIGHT
        details["num_outliers"] = num_outliers
    units = {name: unit(term(*val)) / weight for name, (term, weight) in terms.items()}
    measure = add_up([(terms[name][0], size) for name, size in units.items()], moments)
    return add_measure(model, measure, read), details | units


def extend_photos(content: bytes, first: int) -> tuple[bytes, dict, np.ndarray]:
    """Donne au réseau des photos ses colonnes « rien de cela ».

    Args:
        content: son export.
        first: numéro de son premier vêtement. Un vêtement s'en sépare mieux qu'un objet : il cède
            ce qu'il faut pour qu'un seul seuil mette en doute la même part des deux.

    Returns:
        Le nouvel export, les paramètres de la mesure, et les familiarités des images connues que
        ces colonnes n'ont pas apprises, `(n,)`.
    """
    model = read_export(content)
    taps, alone = find_taps(model), write_export(model)
    read = [taps.features, taps.scores]
    num_classes = int(model.subgraphs[0].tensors[taps.scores].shape[-1])

    def describe(images: np.ndarray) -> np.ndarray:
        return np.concatenate(
            [np.hstack(each) for each in look(model, read, images, enlarge=False)]
        )

    lots = nothing.gather(describe, alone)
    columns = nothing.fit(lots, num_classes)
    val, scores = lots.val[:, :-num_classes], lots.val[:, -num_classes:]
    garments = np.arange(num_classes) >= first
    alike = outweighing(*columns, np.zeros(num_classes))([val], scores).numpy()
    limits = [
        threshold(alike[garments[scores.argmax(1)] == side], DOUBTED_OF_PHOTOS)
        for side in (False, True)
    ]
    gap = max(0.0, limits[1] - limits[0])
    term = outweighing(*columns, gap * garments)
    known = term([val], scores).numpy()
    sizes = {"num_known": len(lots.known), "num_strange": len(lots.strange)}
    details = sizes | {"num_columns": nothing.COLUMNS, "handicap": gap}
    content = add_measure(model, add_up([(term, 1)], tf.convert_to_tensor), read)
    return content, details, known


def look_at(classifier: Classifier, image: np.ndarray) -> tuple[list[float], float | None]:
    """Rend ce que `./predict` dit d'une image entière : d'un coup d'œil, s'il en est sûr."""
    if image.ndim == 2:  # déjà présentée comme le réseau la lit
        return classifier.answer([image.tobytes()])[0]
    picture = Image.fromarray(image)
    if classifier.glance:
        view, side_px = classifier.glance_of(picture), classifier.glance.side_px
        (glanced,) = classifier.answer([view], side_px=side_px)
        if max(glanced[0]) >= classifier.glance.sure:
            return glanced
    return classifier.answer(classifier.views_of(Look(picture))[:1])[0]


def answers(classifier: Classifier, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rend ce que `./predict` dit d'images entières : probabilités et familiarités.

    Args:
        classifier: un modèle.
        images: uint8 `(n, 32, 32, 3)`, ou `(n, 28, 28)` pour un modèle en gris.

    Returns:
        `(n, classes)` et `(n,)`, NaN si ce modèle n'a pas de familiarité.
    """
    found = [look_at(classifier, image) for image in images]
    probabilities, scores = zip(*found, strict=True)
    return np.array(probabilities), np.array(scores, float)


def load_images(slug: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rend les images d'entraînement, de validation et de test d'un modèle."""
    loader, num_val = SETS.get(slug, ("load_cifar10", NUM_VAL))
    (x, y), (x_test, _) = getattr(sources, loader)()
    (x, _), (x_val, _) = sources.split_validation(x, y, num_val=num_val, seed=0)
    return x, x_val, x_test


def write(
    slug: str, *, models_dir: Path, num_train: int, num_val: int, num_outliers: int
) -> reports.Familiarity:
    """Ajoute sa familiarité à un modèle, et l'écrit dans son compte rendu.

    Args:
        slug: une clé de `MEASURES`.
        models_dir: dossier des modèles.
        num_train: images d'entraînement à regarder.
        num_val: images de validation à regarder.
        num_outliers: images de chaque sorte étrangère, voir `extend`.

    Raises:
        ValueError: la réponse du modèle en changerait.
    """
    x, x_val, _ = load_images(slug)
    x, x_val = x[:num_train], x_val[: FEW if slug == PHOTO_MODEL else num_val]
    report = reports.read_report(slug, models_dir=models_dir)
    before, _ = answers(Classifier(slug, models_dir=models_dir, num_threads=1), x_val)
    content = (models_dir / f"{slug}.tflite").read_bytes()
    share, known = DOUBTED_OF_VAL, None
    if slug == PHOTO_MODEL:
        content, parameters, known = extend_photos(content, report.garments["first"])
        share = DOUBTED_OF_PHOTOS
    else:
        content, parameters = extend(slug, content, x, x_val, num_outliers=num_outliers)
    with tempfile.TemporaryDirectory(dir=models_dir) as temporary:
        staged = Path(temporary)
        (staged / f"{slug}.tflite").write_bytes(content)
        name = next(each for each in report.files if each.endswith(".tflite"))
        report.files[name] = files.file_sha256(staged / f"{slug}.tflite")
        report.size_bytes, report.familiarity = len(content), None
        reports.save_report(report, staged / f"{slug}.json")
        after, scores = answers(Classifier(slug, models_dir=staged, num_threads=1), x_val)
        if not np.array_equal(before, after):
            raise ValueError(f"{slug} ne répondrait plus pareil : rien n'est écrit.")
        val = scores if known is None else known
        limit = threshold(val, share)
        report.familiarity = reports.Familiarity(
            measure=MEASURES[slug],
            threshold=limit,
            num_val=len(val),
            num_doubted=int((val < limit).sum()),
            command="python -m recipes.familiarity",
            parameters=parameters,
        )
        reports.save_report(report, staged / f"{slug}.json")
        files.move_together(staged, models_dir, name=slug)
    return report.familiarity


def main(argv: list[str] | None = None) -> int:
    """Donne leur familiarité aux modèles livrés."""
    parser = FrenchParser(prog="python -m recipes.familiarity", description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=[*MEASURES], help="un seul modèle (tous par défaut)")
    options = parser.parse_args(argv)

    def body() -> int:
        for slug in [options.model] if options.model else MEASURES:
            with files.quiet_stderr():  # TensorFlow et LiteRT y parlent anglais
                found = write(
                    slug,
                    models_dir=MODELS_DIR,
                    num_train=NUM_TRAIN,
                    num_val=NUM_VAL,
                    num_outliers=NUM_OUTLIERS,
                )
            limit = f"{found.threshold:.4g}".replace(".", ",")
            print(
                f"{slug} : {found.measure}, seuil {limit}, "
                f"{found.num_doubted} images de validation sur {found.num_val} en doute."
            )
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
