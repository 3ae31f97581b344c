"""CAM : la carte d'une classe, lue dans les poids d'un réseau de forme choisie.

D'après : S3 « Class Activation Map ».
Commandes : python -m exercises.ex09_grad_cam.cam
            python -m exercises.ex09_grad_cam.cam samples/chien.webp
Résultat mesuré : models/ex09_cam.json.

CAM, que Grad-CAM généralise, demande que le réseau finisse par la moyenne de chaque carte, puis une
couche dense. Celui de l'exercice 03 prend le maximum : on garde ses convolutions, figées, et on
réapprend cette fin seule. Sans image, la commande apprend ; avec une image, elle l'explique.
"""

import hashlib
from pathlib import Path

import keras
import numpy as np
from keras import layers

from convnets.core.cli import run, training_parser
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.datasets.cache import cached_array
from convnets.datasets.pretrained import weights_sha256
from convnets.explaining import maps as explanations
from convnets.explaining.maps import STUDY_MODEL
from convnets.explaining.methods import RELATIVE
from convnets.figures.charts import save_training_figures
from convnets.figures.style import output_dir
from convnets.training import saving, study
from exercises.ex09_grad_cam.grad_cam import enlarge

HEADLINE = "exactitude sur CIFAR-10, réseau de CAM (moyenne des cartes)"
EPOCHS = 10
BATCH_SIZE = 256
LEARNING_RATE = 1e-3  # d'Adam, au début ; il décroît jusqu'à zéro
NUM_VAL = 2000  # images retirées de l'entraînement, les mêmes que pour l'exercice 03


# --- Question : un réseau qui finit par une moyenne et une couche dense --------------


def build_model(base: keras.Model, *, layer_name: str | None = None) -> keras.Model:
    """Coupe un réseau après une couche, et lui donne la fin que CAM demande.

    Args:
        base: modèle à cartes, par exemple celui de l'exercice 03 ; ses couches sont partagées.
        layer_name: dernière couche gardée, une de `map_layers` ; None : la dernière.

    Returns:
        Modèle : images uint8 `(n, H, W, 3)` → probabilités `(n, classes)` float32.

    Raises:
        ValueError: couche inconnue.

    Source : Lin, Chen et Yan, arXiv 1312.4400, 2013 (la moyenne des cartes).
    """
    names = explanations.map_layers(base)
    layer_name = layer_name or names[-1]
    if layer_name not in names:
        raise ValueError(f"Couche {layer_name!r} inconnue de {base.name} : {', '.join(names)}.")
    maps = base.get_layer(layer_name).output  # (n, h, w, c)
    means = layers.GlobalAveragePooling2D(dtype="float32")(maps)  # (n, c)
    outputs = layers.Dense(base.output_shape[-1], activation="softmax", dtype="float32")(means)
    return keras.Model(base.inputs[0], outputs, name="ex09_cam")


# --- Question : n'apprendre que la dernière couche -----------------------------------


def mean_maps(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Rend la moyenne de chaque carte, calculée une fois, puis relue du cache.

    Args:
        model: modèle rendu par `build_model`.
        x: images uint8 `(n, H, W, 3)`.

    Returns:
        `(n, c)` float32.
    """
    *_, maps, pooling, _ = model.layers
    means = keras.Model(model.inputs[0], pooling.output)
    images_sha256 = hashlib.sha256(np.ascontiguousarray(x)).hexdigest()
    return cached_array(
        "ex09",
        f"{maps.name} {weights_sha256(means)} {images_sha256}",
        lambda: means.predict(x, batch_size=500, verbose=0),
    )[0]


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Apprend la couche dense : une régression logistique sur les moyennes des cartes."""
    base = saving.load_model(options.base, models_dir=options.models_dir)
    if base.input_shape[1:] != x_train.shape[1:]:
        raise ValueError(
            f"{options.base} lit des images {base.input_shape[1:]}, celles de CIFAR-10 sont "
            f"{x_train.shape[1:]} : prenez un modèle qui les lit, comme {STUDY_MODEL}."
        )
    keras.utils.set_random_seed(seed)
    model = build_model(base, layer_name=options.layer)
    means, dense = mean_maps(model, x_train), model.layers[-1]
    head = keras.Sequential([keras.Input(means.shape[1:]), dense], name=model.name)
    batches = study.Batches(
        means, y_train, batch_size=options.batch_size or BATCH_SIZE, seed=seed, augment=None
    )
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * len(batches))
    head.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=study.JIT_COMPILE,
    )
    history = study.fit(
        head, batches, options=options, validation_data=(mean_maps(model, x_val), y_val)
    )
    return model, history


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure l'exactitude du réseau entier, de l'image à la probabilité."""
    probabilities = model.predict(x, batch_size=500, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(1) == y.reshape(-1)))
    return {"accuracy": accuracy, "probabilities": probabilities}


# --- Question : la carte d'une classe ------------------------------------------------


def cam_map(model: keras.Model, image: np.ndarray, class_index: int) -> np.ndarray:
    """Additionne les cartes, chacune multipliée par son poids pour la classe.

    Args:
        model: modèle fini par une `GlobalAveragePooling2D` puis une `Dense`, suivie ou non d'un
            `Softmax` à part ; il n'est pas modifié.
        image: `(H, W, 3)` uint8.
        class_index: classe expliquée.

    Returns:
        `(h, w)` float32, de signe quelconque : ni ReLU, ni mise à l'échelle. Sa moyenne est le
        score de la classe, au biais près.

    Raises:
        ValueError: modèle d'une autre forme.

    Source : Zhou et al., arXiv 1512.04150, équation 2.
    """
    *_, means, dense = [each for each in model.layers if not isinstance(each, layers.Softmax)]
    if not isinstance(means, layers.GlobalAveragePooling2D) or not isinstance(dense, layers.Dense):
        raise ValueError(
            f"{model.name} finit par {means.name} et {dense.name} ; CAM demande une "
            "GlobalAveragePooling2D puis une Dense. Prenez Grad-CAM, ou le modèle ex09_cam."
        )
    maps = keras.Model(model.inputs[0], means.input)(image[None], training=False)
    return keras.ops.convert_to_numpy(maps)[0] @ dense.get_weights()[0][:, class_index]


def cam(model: keras.Model, image: np.ndarray, class_index: int) -> np.ndarray:
    """Rend la carte de `cam_map`, mêmes arguments : `(H, W)` float32 dans [0, 1]."""
    return enlarge(cam_map(model, image, class_index), image)


def explain(options) -> int:
    """Explique une image et écrit la figure ; rend 0."""
    if not (options.models_dir / f"{options.model}.json").exists():
        raise FileNotFoundError(
            f"Pas de modèle {options.model} dans {options.models_dir}. "
            f"Apprenez-le d'abord : python -m exercises.{options.command}"
        )
    subject = explanations.load_subject(options)
    heatmap = cam(subject.model, subject.image, subject.class_index)
    path = output_dir(options) / f"{Path(options.image).stem}_cam.png"
    explanations.show(subject, heatmap, path, method="CAM", unit=RELATIVE)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Sans image, apprend la dernière couche ; avec une image, l'explique."""
    parser = training_parser(
        "ex09_cam", __doc__.splitlines()[0], epochs=EPOCHS, command="ex09_grad_cam.cam"
    )
    add = parser.add_argument
    add("image", nargs="?", help="image à expliquer ; sans elle, le modèle est appris")
    add(
        "--class",
        dest="class_fr",
        metavar="CLASSE",
        help="classe à expliquer, par exemple Chien (la plus probable par défaut)",
    )
    add(
        "--base",
        default=STUDY_MODEL,
        metavar="NOM",
        help=f"modèle dont garder les convolutions ({STUDY_MODEL} par défaut)",
    )
    add("--layer", metavar="COUCHE", help="dernière couche gardée (la dernière par défaut)")
    # Deux secondes d'apprentissage : bfloat16 n'y gagnerait rien.
    parser.set_defaults(model="ex09_cam", precision="float32")
    options = parser.parse_args(argv)
    if options.class_fr and options.image is None:
        parser.error("--class va avec une image à expliquer")
    if options.layer and options.image is not None:
        parser.error("--layer va sans image : la couche est choisie à l'apprentissage")
    if options.image is not None:
        return run(lambda: explain(options))
    command = options.command + (f" --base {options.base}" if options.base != STUDY_MODEL else "")
    command += f" --layer {options.layer}" if options.layer else ""

    def describe(runs) -> dict:
        *_, maps, _, _ = runs[0]["model"].layers
        return {
            "headline": [Headline("accuracy", HEADLINE)],
            "details": {"cut": {"model": options.base, "layer": maps.name}},
        }

    return run(
        lambda: study.run_seeds(
            options,
            dataset=sources.load_cifar10(),
            num_val=NUM_VAL,
            train=train,
            evaluate=evaluate,
            classes=sources.CIFAR10_CLASSES,
            classes_fr=sources.CIFAR10_CLASSES_FR,
            on_saved=save_training_figures,
            command=command,
            describe=describe,
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
