"""Ce que partagent les méthodes d'introspection : le sujet, ses dérivées, sa carte, sa figure.

Keras n'est importé que par ce qui dérive : occulter ou perturber une image n'en a pas besoin.

Une carte (`heatmap`) est toujours un tableau `(H, W)` float32 dans [0, 1], de la taille de
l'image, nul partout quand rien n'est positif. Les méthodes elles-mêmes sont dans les exercices.

Ramenée à [0, 1], toute carte paraît dire quelque chose. `judge` garde donc son échelle, et mesure
ce que perd la classe quand on cache ce que la carte désigne : cela se compare d'une méthode à
l'autre, et une carte qui ne désigne rien qui compte n'est pas peinte.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convnets.core import reports
from convnets.core.cli import FrenchParser, add_folders, percent
from convnets.core.files import quiet_stderr
from convnets.explaining.methods import POINTS, RELATIVE
from convnets.figures.style import new_figure
from convnets.serving.calibration import soften
from convnets.serving.classifier import FRAMING, Classifier, prepare
from convnets.training import saving

if TYPE_CHECKING:
    import keras

# Le petit réseau de l'exercice 03 : quatre fois moins de paramètres que celui de ./predict, moins
# de cartes à regarder, et des dérivées calculées bien plus vite.
STUDY_MODEL = "thumbnails_light"
SAMPLE = "samples/chien.webp"  # là où la réponse tient à un endroit de l'image
HIDDEN = 1 / 8  # part de l'image cachée pour juger une carte, comme à l'exercice 11 : deux pas
CELLS = 8  # cases par côté où la cacher : de 4×4 pixels, comme là, pour une image de 32×32
# Un point de probabilité, l'erreur type des mesures de l'exercice 11 : moins, c'est presque rien.
FLOOR = 0.01
PLACES = (
    ("en haut à gauche", "en haut", "en haut à droite"),
    ("à gauche", "au centre", "à droite"),
    ("en bas à gauche", "en bas", "en bas à droite"),
)
UNFAMILIAR = "L'image ressemble peu à ce que ce réseau a appris : la réponse n'est pas sûre."


# --- Le sujet ------------------------------------------------------------------------


class Subject(NamedTuple):
    """Une image et le modèle qui l'explique."""

    model: "keras.Model"  # ou ce qui a sa méthode `predict`
    image: np.ndarray  # (H, W, 3) uint8, telle que le modèle la voit
    class_index: int
    class_fr: str
    probability: float  # de cette classe, étalonnée
    temperature: float = 1.0  # qui étalonne les probabilités du modèle
    familiar: bool = True  # faux si `./predict` en doute (docs/familiarite.md)


class LightModel:
    """Un réseau servi par le moteur léger : la méthode `predict` d'un modèle, et elle seule."""

    def __init__(self, classifier: Classifier):
        self.classifier = classifier

    def predict(self, images: np.ndarray, *, batch_size: int = 256, verbose: int = 0):
        """Rend les probabilités étalonnées `(n, classes)` d'images uint8 `(n, H, W, 3)`."""
        starts = range(0, len(images), batch_size)
        parts = [self.classifier.predict(images[i : i + batch_size]) for i in starts]
        return np.concatenate(parts)


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
    add("image", nargs="?", default=SAMPLE, help=f"image à expliquer ({SAMPLE} par défaut)")
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


def load_subject(options, *, light: bool = False) -> Subject:
    """Charge le modèle, prépare l'image comme `./predict`, et choisit la classe.

    Args:
        options: options d'`explanation_parser`.
        light: charge le moteur léger de `./predict`, et non Keras : il répond, sans dériver.

    Returns:
        Le sujet à expliquer.

    Raises:
        FileNotFoundError: image ou modèle absent.
        ValueError: image illisible, classe inconnue, ou modèle qui ne dit pas la classe d'une image
            en couleurs.
    """
    report = reports.read_report(options.model, models_dir=options.models_dir)
    shape, classes = tuple(report.input_shape), report.classes_fr
    remedy = f"Prenez par exemple --model {STUDY_MODEL}."
    if len(shape) != 3 or shape[-1] != 3:
        raise ValueError(
            f"Le modèle {options.model} lit des images {shape} : une image en couleurs "
            f"(h, w, 3) est attendue. {remedy}"
        )
    unnamed = f"{options.model} ne répond pas par une classe : il n'y a rien à expliquer. {remedy}"
    if None in shape or not classes:
        raise ValueError(unnamed)
    names = [name.lower() for name in classes]
    if options.class_fr and options.class_fr.lower() not in names:
        raise ValueError(f"Classe {options.class_fr!r} inconnue : {', '.join(classes)}.")
    image = prepare(options.image, shape, framing=report.framing or FRAMING)
    if light:
        with quiet_stderr():  # LiteRT y annonce, en anglais, comment il calculera
            model = LightModel(Classifier(options.model, models_dir=options.models_dir))
        temperature = 1.0  # le moteur étalonne déjà
    else:
        model = load_network(options.model, models_dir=options.models_dir)
        if len(model.inputs) != 1 or model.output_shape != (None, len(classes)):
            raise ValueError(unnamed)
        temperature = report.calibration.get("temperature", 1.0)
    # Étalonnées, comme celles que dit ./predict.
    probabilities = soften(model.predict(image[None], verbose=0), temperature)[0]
    if options.class_fr:
        index = names.index(options.class_fr.lower())
    else:
        index = int(probabilities.argmax())
    probability = float(probabilities[index])
    return Subject(model, image, index, classes[index], probability, temperature)


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
    import keras

    keras.config.set_image_data_format("channels_last")  # keras.json peut dire autre chose
    model, report = (
        load(slug, models_dir=models_dir) for load in (saving.load_model, reports.read_report)
    )
    if not report.base:
        return model
    from convnets.datasets.pretrained import whole_model

    return whole_model(model, report.base)


# --- Ses dérivées --------------------------------------------------------------------


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


class Explanation(NamedTuple):
    """Ce qu'une méthode a mesuré, et ce que perd la classe quand on cache ce qu'elle désigne."""

    values: np.ndarray  # (H, W) float32, de signe quelconque, dans `unit`
    unit: str  # ce que compte la carte : POINTS, RELATIVE, ou une autre, en français
    drop: float  # de la probabilité, la part `HIDDEN` la plus forte cachée ; négatif : un gain

    @property
    def largest(self) -> float:
        """Le plus grand changement de probabilité mesuré, en valeur absolue."""
        own = abs(self.values).max() if self.unit == POINTS else 0.0
        return max(abs(self.drop), float(own))

    @property
    def matters(self) -> bool:
        """Dit si quelque chose change d'au moins `FLOOR` ; sinon, la carte n'est pas peinte."""
        return self.largest >= FLOOR

    def painted(self) -> tuple[np.ndarray, float]:
        """Rend la carte à peindre, et ce que vaut le haut de son échelle.

        Returns:
            `(carte, haut)` : `(H, W)` positive, dans l'unité de l'échelle, nulle si presque rien
            ne change ; en points, le haut est d'au moins `FLOOR`, pour qu'une baisse infime
            reste sombre.
        """
        factor, least = (100, FLOOR) if self.unit == POINTS else (1, 0.0)
        positive = np.maximum(self.values, 0)
        top = max(float(positive.max()), least) or 1.0
        return factor * positive * self.matters, factor * top


def hide_strongest(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Cache, sous la couleur moyenne de l'image, la part `HIDDEN` la plus forte d'une carte.

    On cache par cases, `CELLS` par côté : des pixels épars troubleraient le réseau par eux-mêmes,
    et une carte bruitée en paraîtrait meilleure.

    Args:
        image: `(H, W, 3)` uint8.
        values: `(H, W)` ; une case vaut la moyenne de ce qui y est positif, et une case nulle
            n'est jamais cachée.

    Returns:
        Une copie de l'image.
    """
    rows, columns = np.indices(values.shape) * CELLS // np.reshape(values.shape, (2, 1, 1))
    cells = rows * CELLS + columns
    sums = np.bincount(cells.flat, np.maximum(values, 0).flat, minlength=CELLS**2)
    means = sums / np.maximum(np.bincount(cells.flat, minlength=CELLS**2), 1)
    kept = np.argsort(-means, kind="stable")[: round(HIDDEN * CELLS**2)]
    hidden = image.copy()
    hidden[np.isin(cells, kept[means[kept] > 0])] = image.mean((0, 1)).round()
    return hidden


def judge(subject: Subject, values: np.ndarray, *, unit: str) -> Explanation:
    """Mesure ce que vaut ce qu'une carte désigne.

    Args:
        subject: image et classe expliquées ; de son modèle, seul `predict` sert.
        values: `(H, W)`, réels de signe quelconque, ce qu'une méthode a mesuré ; s'ils ne sont
            pas tous finis, ils ne disent rien, et valent zéro.
        unit: ce qu'ils comptent ; POINTS pour des différences de probabilité, dans [-1, 1].

    Returns:
        La carte, et la baisse de la probabilité étalonnée.
    """
    values = np.asarray(values, np.float32)
    if not np.isfinite(values).all():
        values = np.zeros_like(values)
    images = np.stack([subject.image, hide_strongest(subject.image, values)])
    probabilities = soften(subject.model.predict(images, verbose=0), subject.temperature)
    whole, left = probabilities[:, subject.class_index].tolist()
    return Explanation(values, unit, whole - left)


def place(values: np.ndarray) -> str:
    """Dit dans quel neuvième de l'image une carte est la plus forte : un de `PLACES`."""
    peak = np.argwhere(values == values.max()).mean(axis=0) + 0.5
    row, column = (3 * peak / values.shape).astype(int)
    return PLACES[row][column]


def points(share: float) -> str:
    """Écrit une différence de probabilité, sans son signe : `"54,7 points"`, `"0,08 point"`."""
    value = abs(100 * share)
    text = f"{value:.1f}" if value >= 1 else f"{value:.2f}"
    return f"{text} point{'s' if value >= 2 else ''}".replace(".", ",")


def scale(explanation: Explanation) -> str:
    """Dit en une phrase l'échelle d'une carte, et où elle est la plus forte."""
    values, unit, _ = explanation
    highest, where = float(values.max()), f"le plus fort est {place(values)}"
    if highest <= 0:
        text = "la carte est nulle, rien ne plaide pour cette classe"
    elif values.min() == highest:
        text = "la carte est uniforme, aucun endroit ne compte plus qu'un autre"
    elif unit == POINTS:
        text = f"de 0 à {points(highest)} de probabilité ; {where}"
    elif unit == RELATIVE:
        text = f"{unit} ; {where}"
    else:
        text = f"de 0 à {_french(highest)} ({unit}) ; {where}"
    if unit == POINTS and values.min() <= -FLOOR:
        text += f" ; au plus sombre, cacher fait gagner {points(float(values.min()))}"
    return f"Échelle : {text}."


def effect(explanation: Explanation, class_fr: str) -> str:
    """Dit en une phrase ce que perd, ou gagne, la classe quand on cache ce que montre la carte."""
    if not explanation.matters:
        return (
            f"Presque rien ne change pour « {class_fr} » ({points(explanation.largest)} au plus) : "
            "la carte n'est pas peinte."
        )
    hidden = "Cacher le huitième le plus fort de la carte"
    if abs(explanation.drop) < FLOOR:
        return f"{hidden} ne change presque rien pour « {class_fr} »."
    verb = "perdre" if explanation.drop > 0 else "gagner"
    return f"{hidden} fait {verb} {points(explanation.drop)} à « {class_fr} »."


def _french(value: float, _position=None) -> str:
    text = np.format_float_positional(value, precision=3, fractional=False, trim="-")
    return text.replace(".", ",")  # jamais « 5e-05 »


# --- Sa figure -----------------------------------------------------------------------


def save_explanation(
    subject: Subject, explanation: Explanation, path: Path, *, method: str
) -> None:
    """Dessine l'image, la carte avec son échelle, et la carte sur l'image.

    Args:
        subject: image et classe expliquées.
        explanation: rendu par `judge`.
        path: fichier PNG ; son dossier est créé.
        method: nom de la méthode, en français, pour le titre.
    """
    heatmap, top = explanation.painted()
    colors = {"cmap": "cividis", "vmin": 0, "vmax": top}
    with new_figure(path, columns=3, size=(3.4, 4.0)) as (figure, axes):
        picture, alone, over = axes[0]
        picture.imshow(subject.image)
        picture.set_title("Image vue par le réseau")
        drawn = alone.imshow(heatmap, **colors)
        alone.set_title("Carte" if explanation.matters else "Carte non peinte")
        figure.colorbar(drawn, ax=alone, shrink=0.75, format=_french, label=explanation.unit)
        over.imshow(subject.image @ [0.299, 0.587, 0.114], cmap="gray", vmin=0, vmax=255)
        over.imshow(heatmap, **colors, alpha=0.55)
        over.set_title("Carte sur l'image")
        for axis in axes[0]:
            axis.set_axis_off()
        figure.suptitle(describe(subject, explanation, method=method), fontsize=11)


def describe(subject: Subject, explanation: Explanation, *, method: str) -> str:
    """Dit d'une explication, ligne par ligne, le sujet, l'échelle et ce qu'elle vaut.

    Une ligne de plus, la deuxième, dit d'une image peu familière que la réponse n'est pas sûre.
    """
    lines = [f"{method} : {subject.class_fr}, probabilité {percent(subject.probability)}."]
    lines += [UNFAMILIAR] * (not subject.familiar)
    return "\n".join([*lines, scale(explanation), effect(explanation, subject.class_fr)])


def show(subject: Subject, values: np.ndarray, path: Path, *, method: str, unit: str) -> None:
    """Juge une carte, la dessine et dit ce qu'elle vaut : la fin des exercices 07 à 10.

    Args:
        subject: image et classe expliquées.
        values: voir `judge`.
        path: figure à écrire.
        method: nom de la méthode, en français.
        unit: voir `judge`.
    """
    explanation = judge(subject, values, unit=unit)
    save_explanation(subject, explanation, path, method=method)
    print(describe(subject, explanation, method=method), path, sep="\n")
