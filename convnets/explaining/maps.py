"""Ce que partagent les méthodes d'introspection : le sujet, ses dérivées, sa figure.

Keras n'est importé que par ce qui dérive : occulter ou perturber une image n'en a pas besoin.

Une carte (`heatmap`) est toujours un tableau `(H, W)` float32 dans [0, 1], de la taille de
l'image, nul partout quand rien n'est positif. Les méthodes elles-mêmes sont dans les exercices.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convnets.core import reports
from convnets.core.cli import FrenchParser, add_folders, percent
from convnets.figures.style import new_figure
from convnets.serving.calibration import soften
from convnets.serving.classifier import FRAMING, prepare
from convnets.training import saving

if TYPE_CHECKING:
    import keras

# Le petit réseau de l'exercice 03 : quatre fois moins de paramètres que celui de ./predict, moins
# de cartes à regarder, et des dérivées calculées bien plus vite.
STUDY_MODEL = "ex03_cifar10_light"


class Subject(NamedTuple):
    """Une image et le modèle qui l'explique."""

    model: "keras.Model"  # ou ce qui a sa méthode `predict`
    image: np.ndarray  # (H, W, 3) uint8, telle que le modèle la voit
    class_index: int
    class_fr: str
    probability: float  # de cette classe


def explanation_parser(
    module: str, description: str, *, command: str | None = None
) -> FrenchParser:
    """Prépare les options d'un exercice qui explique une prédiction.

    Args:
        module: nom du dossier des figures.
        description: une phrase, la première de l'aide.
        command: voir `training_parser`.

    Returns:
        Un analyseur : image, `--model`, `--class`, `--output`, `--models-dir`.
    """
    prog = f"python -m exercises.{command or module}"
    parser = FrenchParser(prog=prog, description=description)
    add = parser.add_argument
    add(
        "image",
        nargs="?",
        default="samples/chat.png",
        help="image à expliquer (samples/chat.png par défaut)",
    )
    add(
        "--model",
        default=STUDY_MODEL,
        metavar="NOM",
        help=f"modèle de models/ ({STUDY_MODEL} par défaut)",
    )
    add(
        "--class",
        dest="class_fr",
        metavar="CLASSE",
        help="classe à expliquer, par exemple Chien (la plus probable par défaut)",
    )
    add_folders(parser, module, models="où lire le modèle")
    return parser


def load_subject(options) -> Subject:
    """Charge le modèle, prépare l'image comme `./predict`, et choisit la classe.

    Args:
        options: options d'`explanation_parser`.

    Returns:
        Le sujet à expliquer.

    Raises:
        FileNotFoundError: image ou modèle absent.
        ValueError: image illisible, classe inconnue, ou modèle qui n'est pas un réseau à images en
            couleurs.
    """
    report = reports.read_report(options.model, models_dir=options.models_dir)
    shape, classes = tuple(report.input_shape), report.classes_fr
    if len(shape) != 3:
        raise ValueError(
            f"Le modèle {options.model} lit des images {shape} : une image en couleurs "
            f"(h, w, 3) est attendue. Prenez par exemple --model {STUDY_MODEL}."
        )
    names = [name.lower() for name in classes]
    if options.class_fr and options.class_fr.lower() not in names:
        raise ValueError(f"Classe {options.class_fr!r} inconnue : {', '.join(classes)}.")
    image = prepare(options.image, shape, framing=report.framing or FRAMING)
    model = load_network(options.model, models_dir=options.models_dir)
    # Étalonnées, comme celles que dit ./predict.
    temperature = report.calibration.get("temperature", 1.0)
    probabilities = soften(model.predict(image[None], verbose=0), temperature)[0]
    if options.class_fr:
        index = names.index(options.class_fr.lower())
    else:
        index = int(probabilities.argmax())
    return Subject(model, image, index, classes[index], float(probabilities[index]))


def load_network(slug: str, *, models_dir: Path) -> "keras.Model":
    """Charge un réseau entier ; si le modèle n'est qu'une tête, avec sa base.

    Args:
        slug: nom du modèle.
        models_dir: dossier des modèles.

    Returns:
        Images uint8 `(n, H, W, 3)` → probabilités `(n, classes)`.

    Raises:
        FileNotFoundError: modèle absent, ou base introuvable.
    """
    model, report = (
        load(slug, models_dir=models_dir) for load in (saving.load_model, reports.read_report)
    )
    if not report.base:
        return model
    from convnets.datasets.pretrained import whole_model

    return whole_model(model, report.base)


def float_model(model: "keras.Model", *, layer_name: str | None = None) -> "keras.Model":
    """Rend le même réseau, les mêmes couches, mais dérivable par rapport à l'image.

    Un modèle du cours lit des entiers uint8 et finit par un softmax : on ne dérive ni les uns,
    ni, utilement, l'autre, qui mêle toutes les classes.

    Args:
        model: modèle fonctionnel à une entrée, terminé par un softmax. Il n'est pas modifié.
        layer_name: couche à rendre aussi, une de `map_layers` ; None : la dernière.

    Returns:
        Modèle : images float32 `(n, H, W, 3)` de 0 à 255 → `[cartes, scores]`, les cartes
        `(n, h, w, c)` de la couche, et les scores `(n, classes)` d'avant le softmax.

    Raises:
        ValueError: couche inconnue, modèle sans carte, ou qui ne finit pas par un softmax.
    """
    import keras

    maps = map_layers(model)
    if not maps:
        raise ValueError(
            f"{model.name} n'a aucune carte (n, h, w, c) à montrer : un réseau de "
            "convolution est attendu."
        )
    name = layer_name or maps[-1]
    if name not in maps:
        raise ValueError(f"Couche {name!r} inconnue de {model.name} : {', '.join(maps)}.")
    last = model.layers[-1]
    softmax = getattr(last, "activation", None) is keras.activations.softmax
    if not softmax and not isinstance(last, keras.layers.Softmax):
        raise ValueError(f"{model.name} ne finit pas par un softmax : {last.name} est inattendue.")
    image = keras.Input(model.input_shape[1:], dtype="float32")
    inputs = keras.tree.map_structure(lambda _: image, model.input)  # une image, ou une liste d'une
    copy = keras.models.clone_model(model, input_tensors=inputs)
    copy.set_weights(model.get_weights())
    scores = copy.layers[-1].input
    if softmax and isinstance(last, keras.layers.Dense):
        linear = keras.layers.Dense(last.units, use_bias=last.use_bias)
        scores = linear(scores)
        linear.set_weights(last.get_weights())
    return keras.Model(image, [copy.get_layer(name).output, scores])


def map_layers(model: "keras.Model") -> list[str]:
    """Rend, dans l'ordre, le nom des couches qui rendent des cartes de plus d'une case."""
    names = []
    for layer in model.layers[1:]:
        shape = tuple(layer.output.shape)
        if len(shape) == 4 and shape[1:3] != (1, 1):
            names.append(layer.name)
    return names


def normalise(heatmap) -> np.ndarray:
    """Ramène une carte à [0, 1] : le négatif à zéro, le plus grand à un.

    Args:
        heatmap: `(H, W)`, réels.

    Returns:
        `(H, W)` float32 ; des zéros si rien n'est positif, ou si une valeur n'est pas finie.
    """
    heatmap = np.asarray(heatmap, np.float32)
    heatmap = np.maximum(heatmap, 0)
    highest = heatmap.max(initial=0)
    if not np.isfinite(highest) or highest == 0:
        return np.zeros_like(heatmap)
    return heatmap / highest


def resize_map(heatmap: np.ndarray, height: int, width: int) -> np.ndarray:
    """Agrandit une carte `(h, w)` à `(height, width)`, par interpolation bilinéaire."""
    import keras

    heatmap = np.asarray(heatmap, np.float32)[None, :, :, None]
    resized = keras.ops.image.resize(heatmap, (height, width), data_format="channels_last")
    return keras.ops.convert_to_numpy(resized)[0, :, :, 0]


def _french(value: float, _position) -> str:
    return f"{value:.1f}".replace(".", ",")


def save_explanation(subject: Subject, heatmap: np.ndarray, path: Path, *, method: str) -> None:
    """Dessine l'image, la carte avec son échelle, et la carte sur l'image.

    Args:
        subject: image et classe expliquées.
        heatmap: carte `(H, W)` dans [0, 1].
        path: fichier PNG ; son dossier est créé.
        method: nom de la méthode, en français, pour le titre.
    """
    with new_figure(path, columns=3, size=(3.4, 3.6)) as (figure, axes):
        picture, alone, over = axes[0]
        picture.imshow(subject.image)
        picture.set_title("Image vue par le réseau")
        drawn = alone.imshow(heatmap, cmap="cividis", vmin=0, vmax=1)
        alone.set_title("Carte (1 : là où elle est la plus forte)")
        figure.colorbar(drawn, ax=alone, shrink=0.75, format=_french)
        over.imshow(subject.image @ [0.299, 0.587, 0.114], cmap="gray", vmin=0, vmax=255)
        over.imshow(heatmap, cmap="cividis", vmin=0, vmax=1, alpha=0.55)
        over.set_title("Carte sur l'image")
        for axis in axes[0]:
            axis.set_axis_off()
        figure.suptitle(
            f"{method} : {subject.class_fr}, probabilité {percent(subject.probability)}"
        )
