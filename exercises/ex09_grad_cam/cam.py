"""CAM : la carte d'une classe, lue dans les poids d'un réseau de forme choisie.

D'après : S3 « Class Activation Map ».
Commandes : python -m exercises.ex09_grad_cam.cam
            python -m exercises.ex09_grad_cam.cam samples/chien.webp
Résultat mesuré : models/ex09_cam.json, repris dans docs/laboratoire/resultats.md.

CAM, que Grad-CAM généralise, demande que le réseau finisse par la moyenne de chaque carte, puis une
couche dense. Le réseau `thumbnails`, lui, prend le maximum de chaque carte : on garde ses
convolutions, figées, et on n'apprend qu'une nouvelle couche dense. Sans image, la commande
apprend ; avec une image, elle l'explique.
"""

import keras
import numpy as np
from keras import layers

from convnets.core import cli, session
from convnets.datasets import sources
from convnets.explaining import maps as explanations
from convnets.explaining import verdict
from convnets.explaining.methods import RELATIVE
from convnets.figures.charts import save_training_figures
from convnets.training import lesson, saving
from exercises.ex09_grad_cam.grad_cam import enlarge

EPOCHS = 10
BATCH_SIZE = 256
BATCH_PREDICTED = 500
LEARNING_RATE = 1e-3  # d'Adam, au début ; il décroît jusqu'à zéro (lesson.Clock)
NUM_VAL = 2000  # images retirées de l'entraînement, les mêmes que pour les convolutions


# --- Question : un réseau qui finit par une moyenne et une couche dense --------------


def build_model(base: keras.Model) -> keras.Model:
    """Coupe un réseau après ses dernières cartes, et lui donne la fin que CAM demande.

    Args:
        base: modèle à cartes, par exemple `thumbnails` ; ses couches sont partagées.

    Returns:
        Modèle : images uint8 `(n, H, W, 3)` → probabilités `(n, classes)` float32.

    Source : Lin, Chen et Yan, arXiv 1312.4400, 2013 (la moyenne des cartes).
    """
    maps = base.get_layer(explanations.map_layers(base)[-1]).output  # (n, h, w, c)
    means = layers.GlobalAveragePooling2D(dtype="float32")(maps)  # (n, c)
    outputs = layers.Dense(base.output_shape[-1], activation="softmax", dtype="float32")(means)
    return keras.Model(base.inputs[0], outputs, name="ex09_cam")


# --- Question : n'apprendre que la dernière couche -----------------------------------


def train(model: keras.Model, train_data, val_data, *, epochs: int, minutes: float | None) -> dict:
    """Apprend la couche dense : une régression logistique sur les moyennes des cartes.

    Les convolutions ne changent pas : chaque image ne les traverse qu'une fois.

    Args:
        model: rendu par `build_model` ; sa couche dense est modifiée.
        train_data: images `(n, H, W, 3)` uint8 et classes.
        val_data: les mêmes, pour suivre les progrès.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.

    Returns:
        Les courbes d'apprentissage.
    """
    *_, pooling, dense = model.layers
    means_of = keras.Model(model.inputs[0], pooling.output)
    train_means, val_means = (read_means(means_of, x) for x, _ in (train_data, val_data))
    head = keras.Sequential([keras.Input(train_means.shape[1:]), dense], name="cam")
    head.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = head.fit(
        train_means,
        train_data[1],
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=(val_means, val_data[1]),
        callbacks=[lesson.Clock(epochs, minutes)],
        verbose=0,
    )
    return history.history


def read_means(means_of: keras.Model, images: np.ndarray) -> np.ndarray:
    """Rend les moyennes des cartes d'images `(n, H, W, 3)` : `(n, c)`, lot par lot.

    Raises:
        ValueError: les minutes de la leçon sont passées.
    """
    found = []
    for start in range(0, len(images), BATCH_PREDICTED):
        session.need_time("le passage des images par les convolutions")
        found.append(means_of.predict_on_batch(images[start : start + BATCH_PREDICTED]))
    return np.concatenate(found)


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> float:
    """Mesure l'exactitude du réseau entier, de l'image à la classe."""
    found = model.predict(x, batch_size=BATCH_PREDICTED, verbose=0).argmax(1)
    return float(np.mean(found == y.reshape(-1)))


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: float | None = None, limit: int | None = None
) -> lesson.Run:
    """Charge, construit, entraîne et mesure, avec une graine."""
    parts = lesson.split(sources.load_cifar10(), limit=limit, num_val=NUM_VAL)
    x_train, y_train, x_val, y_val, x_test, y_test = parts
    keras.utils.set_random_seed(seed)
    model = build_model(saving.load_model(explanations.STUDY_MODEL))
    history = train(model, (x_train, y_train), (x_val, y_val), epochs=epochs, minutes=minutes)
    metrics = {"accuracy": evaluate(model, x_test, y_test)}
    kept = {"history": history, "val": (x_val, y_val), "test": (x_test, y_test)}
    return lesson.Run(metrics, model, kept)


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


# --- Les deux commandes --------------------------------------------------------------


def teach(options) -> None:
    """Suit l'énoncé : apprend la dernière couche, et enregistre le réseau entier."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    report = lesson.save_classifier(
        found.model,
        options,
        **found.kept,
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
    )
    save_training_figures(options, report)


def explain(options) -> int:
    """Explique une image et écrit la figure ; rend 0."""
    subject = explanations.load_subject(options)
    heatmap = cam(subject.model, subject.image, subject.class_index)
    verdict.show(subject, heatmap, options, "cam", method="CAM", unit=RELATIVE)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Sans image, apprend la dernière couche ; avec une image, l'explique."""
    parser = cli.lesson_parser("ex09_grad_cam.cam", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("image", nargs="?", help="image à expliquer ; sans elle, le modèle apprend")
    parser.add_argument(
        "--class",
        dest="class_fr",
        metavar="CLASSE",
        help="classe à expliquer, par exemple Chien (la plus probable par défaut)",
    )
    parser.set_defaults(model="ex09_cam")
    options = parser.parse_args(argv)
    if options.image is not None:
        return cli.run(lambda: explain(options))
    if options.class_fr:
        parser.error("--class va avec une image à expliquer")
    return lesson.run(teach, options)


if __name__ == "__main__":
    raise SystemExit(main())
