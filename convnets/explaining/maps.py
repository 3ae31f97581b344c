"""Ce que partagent les méthodes d'explication : l'image et son modèle, ses dérivées, sa carte.

Keras n'est importé que par ce qui dérive : occulter ou perturber une image n'en a pas besoin.

Une carte (`heatmap`) est toujours un tableau `(H, W)` float32 dans [0, 1], de la taille de
l'image, nul partout quand rien n'est positif. Les méthodes elles-mêmes sont dans les exercices ;
ce que vaut une carte, et sa figure, dans `verdict.py`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convnets.core import reports
from convnets.core.cli import FrenchParser, lesson_name
from convnets.core.files import quiet_stderr
from convnets.core.paths import MODELS_DIR
from convnets.serving.calibration import soften
from convnets.serving.classifier import FRAMING, Classifier, prepare

if TYPE_CHECKING:
    import keras

# Un petit réseau : quatre fois moins de paramètres que celui de ./predict, moins de cartes à
# regarder, et des dérivées calculées bien plus vite.
STUDY_MODEL = "thumbnails"
SAMPLE = "samples/chien.webp"  # là où la réponse tient à un endroit de l'image


# --- Le sujet ------------------------------------------------------------------------


class LightModel(NamedTuple):
    """Un réseau servi par le moteur léger : la méthode `predict` d'un modèle, et elle seule."""

    classifier: Classifier
    scored: bool = False  # rendre des scores : expliquer par eux ne s'arrête pas à 100 %

    def predict(self, images: np.ndarray, **_) -> np.ndarray:
        """Rend les probabilités étalonnées `(n, classes)`, ou les scores, voir `scores`.

        Args:
            images: uint8 `(n, H, W, 3)` ; un réseau à images grises lit la première couleur.
        """
        is_grey = len(self.classifier.input_shape) == 2
        found = self.classifier.predict(images[..., 0] if is_grey else images)
        return scores(found) if self.scored else found


def scores(probabilities: np.ndarray) -> np.ndarray:
    """Rend le score de chaque classe d'avant le softmax, compté depuis celui des autres réunies.

    Args:
        probabilities: `(n, classes)`.

    Returns:
        `(n, classes)`, log(p / (1 - p)) : 0 pour une chance sur deux, 4,6 pour 99 %.
    """
    found = np.asarray(probabilities, np.float64)
    others = found @ (1 - np.eye(found.shape[1]))  # 1 - p s'arrondirait à zéro
    return np.log(np.maximum(found, 1e-30)) - np.log(np.maximum(others, 1e-30))


class Subject(NamedTuple):
    """Une image et le modèle qui l'explique."""

    model: "keras.Model | LightModel"
    image: np.ndarray  # (H, W, 3) uint8, telle que le modèle la voit
    class_index: int
    class_fr: str
    probability: float  # de cette classe, étalonnée
    temperature: float = 1.0  # qui étalonne les probabilités du modèle
    familiar: bool = True  # faux si `./predict` doute de l'image (docs/laboratoire/familiarite.md)


def explanation_parser(module: str, description: str) -> FrenchParser:
    """Prépare les options d'un exercice qui explique une prédiction.

    Args:
        module: ce que lance `python -m exercises.` ; `lesson_name` en fait celui des figures.
        description: texte dont la première ligne ouvre l'aide.

    Returns:
        Un analyseur : image, `--model`, `--class`, `--output`.
    """
    parser = FrenchParser(
        prog=f"python -m exercises.{module}", description=description.splitlines()[0]
    )
    name = lesson_name(module)
    add = parser.add_argument
    add("image", nargs="?", default=SAMPLE, help=f"image à expliquer ({SAMPLE} par défaut)")
    add(
        "--model",
        default=STUDY_MODEL,
        metavar="NOM",
        help="modèle de models/ (%(default)s par défaut)",
    )
    add(
        "--class",
        dest="class_fr",
        metavar="CLASSE",
        help="classe à expliquer, par exemple Chien (la plus probable par défaut)",
    )
    add(
        "--output",
        type=Path,
        metavar="DOSSIER",
        help=f"où écrire les figures (figures/{name} par défaut)",
    )
    parser.set_defaults(module=name)
    return parser


def load_subject(options, *, light: bool = False) -> Subject:
    """Charge le modèle, prépare l'image comme `./predict`, et choisit la classe.

    Args:
        options: options d'`explanation_parser`.
        light: ne pas charger Keras : le moteur léger de `./predict` répond, mais ne dérive pas.

    Returns:
        Le sujet à expliquer.

    Raises:
        FileNotFoundError: image ou modèle absent.
        ValueError: image illisible, classe inconnue, ou modèle qui ne dit pas la classe d'une image
            en couleurs.
    """
    report, temperature = reports.read_report(options.model), 1.0
    shape, classes = tuple(report.input_shape), report.classes_fr
    refusal = (
        f"{options.model} ne s'explique pas : il faut un modèle qui dit la classe d'une image en "
        f"couleurs, par exemple {STUDY_MODEL}."
    )
    if len(shape) != 3 or None in shape or not classes:
        raise ValueError(refusal)
    names = [name.lower() for name in classes]
    if options.class_fr and options.class_fr.lower() not in names:
        raise ValueError(f"Classe {options.class_fr!r} inconnue : {', '.join(classes)}.")
    image = prepare(options.image, shape, framing=report.framing or FRAMING)
    if light:  # le moteur étalonne déjà
        with quiet_stderr():  # LiteRT y annonce, en anglais, comment il calculera
            model = LightModel(Classifier(options.model))
    else:
        model = load_network(options.model)
        temperature = report.calibration.get("temperature", 1.0)
        if model.output_shape != (None, len(classes)):
            raise ValueError(refusal)
    probabilities = soften(model.predict(image[np.newaxis], verbose=0), temperature)[0]
    index = int(probabilities.argmax())
    if options.class_fr:
        index = names.index(options.class_fr.lower())
    probability = float(probabilities[index])
    return Subject(model, image, index, classes[index], probability, temperature)


def load_network(slug: str, *, models_dir: Path = MODELS_DIR) -> "keras.Model":
    """Charge avec Keras un réseau entier, et sa base s'il n'en est que la tête.

    Args:
        slug: nom du modèle.
        models_dir: dossier des modèles.

    Returns:
        Images uint8 `(n, H, W, 3)` → probabilités `(n, classes)`.

    Raises:
        FileNotFoundError: modèle absent, ou base introuvable.
    """
    import keras

    from convnets.datasets.pretrained import inception_v3, join
    from convnets.training import saving

    keras.config.set_image_data_format("channels_last")  # keras.json peut dire autre chose
    model = saving.load_model(slug, models_dir=models_dir)
    if not (described := reports.read_report(slug, models_dir=models_dir).base):
        return model
    base, _ = inception_v3(input_px=described["input_px"], sha256=described["sha256"])
    return join(base, model, layer_name=described["layer"])


# --- Ses dérivées --------------------------------------------------------------------


def float_model(model: "keras.Model", *, layer_name: str | None = None) -> "keras.Model":
    """Rend le même réseau, les mêmes couches, mais dérivable par rapport à l'image.

    Un modèle du cours lit des entiers uint8 et finit par un softmax. On ne dérive pas par rapport
    à des entiers, et la dérivée d'une probabilité mêle toutes les classes.

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

    def without_softmax(layer):
        change = {"activation": "linear"} if softmax and layer is last else {}
        return layer.__class__.from_config(layer.get_config() | change)

    image = keras.Input(model.input_shape[1:], dtype="float32")
    inputs = keras.tree.map_structure(lambda _: image, model.input)  # une image, ou une liste d'une
    copy = keras.models.clone_model(model, inputs, without_softmax)
    copy.set_weights(model.get_weights())
    scores = copy.output if softmax else copy.layers[-1].input
    return keras.Model(image, [copy.get_layer(name).output, scores])


def map_layers(model: "keras.Model") -> list[str]:
    """Rend, dans l'ordre, le nom des couches qui rendent des cartes de plus d'une case."""
    shapes = {layer.name: tuple(layer.output.shape) for layer in model.layers[1:]}
    return [name for name, shape in shapes.items() if len(shape) == 4 and shape[1:3] != (1, 1)]


# --- Sa carte ------------------------------------------------------------------------


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
