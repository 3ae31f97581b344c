"""Onglet « Réseau » : les architectures des cours, couche par couche.

Les réseaux sont ceux d'`ex00_convolution` (`networks`, `x_or_o`) et d'`ex15_architectures` ; le
champ récepteur et les opérations y sont comptés aussi. Keras n'est chargé qu'à l'ouverture de
l'onglet.
"""

import functools
import threading
from collections.abc import Callable
from typing import NamedTuple

import gradio as gr

from demo import html, limits
from exercises.ex00_convolution.geometry import receptive_field

KINDS = {
    "InputLayer": "entrée",
    "Conv2D": "convolution",
    "MaxPooling2D": "max-pooling",
    "AveragePooling2D": "pooling moyen",
    "GlobalMaxPooling2D": "maximum global",
    "Flatten": "dépliement",
    "Dense": "dense",
    "ReLU": "ReLU",
    "Concatenate": "concaténation",
    "Permute": "permutation",
    "Add": "addition",
    "Dropout": "extinction (dropout)",
    "GlobalAveragePooling2D": "moyenne globale",
    "ZeroPadding2D": "bord de zéros",
    "Softmax": "softmax",
    "Reshape": "remise en forme",
    "Rescaling": "mise à l'échelle",
}
FOLDED = ("BatchNormalization", "Activation")  # comptées avec la couche qui les précède
MAX_SIDE_PX = 600  # au-delà, construire le réseau est long et n'apprend rien de plus


class Architecture(NamedTuple):
    """Un réseau des cours."""

    title: str
    source: str
    build: Callable  # (côté) -> keras.Model
    side: int | None = None  # côté par défaut, si la taille de l'image est libre
    min_side: int = 1


def _networks():
    from exercises.ex00_convolution import networks

    return networks


def _published(name: str):
    from exercises.ex15_architectures.operations import FULL_SIZE

    return FULL_SIZE[name]()


def _x_or_o(_side):
    from exercises.ex00_convolution.x_or_o import build_model

    return build_model()


def _at_side(model, side: int):
    """Rend le même réseau pour des images de ce côté : les tailles deviennent des nombres."""
    import keras

    images = keras.Input((side, side, model.input_shape[-1]))
    return keras.models.clone_model(model, input_tensors=images)


ARCHITECTURES = {
    "lenet32": Architecture(
        "LeNet-5, images 32×32",
        "S2 et S3 ; LeCun et al., 1998",
        lambda _: _networks().build_lenet(32),
    ),
    "lenet28": Architecture(
        "LeNet-5, images 28×28 (MNIST)", "S2, TD, question 1", lambda _: _networks().build_lenet(28)
    ),
    "dense": Architecture(
        "Réseau dense 784-78-10, aussi gros que LeNet",
        "S2, TD, question 1",
        lambda _: _networks().build_dense(78),
    ),
    "x_or_o": Architecture("X ou O ?", "S0, « Résultat Final »", _x_or_o),
    "convnet": Architecture(
        "Un étage de convolution",
        "S3, « Récapitulatif des paramètres »",
        lambda _: _networks().build_convnet(),
    ),
    "convnet_dense": Architecture(
        "La couche dense de même sortie que cet étage",
        "S3",
        lambda _: _networks().build_dense_equivalent(),
    ),
    "basic_cnn": Architecture(
        "BasicCNNModel, taille libre",
        "S0, dernier encadré",
        lambda side: _at_side(_networks().build_basic_cnn(), side),
        32,
        5,
    ),
    "fashion": Architecture(
        "Fashion-MNIST, architecture imposée",
        "S1, exercice 2",
        lambda _: _networks().build_fashion(),
    ),
    "alexnet": Architecture(
        "AlexNet",
        "S3 ; Krizhevsky et al., 2012",
        lambda _: _published("AlexNet (2012, en deux moitiés)"),
    ),
    "vgg16": Architecture(
        "VGG16", "S3 ; Simonyan et Zisserman, 2014", lambda _: _published("VGG16 (2014)")
    ),
    "resnet50": Architecture(
        "ResNet50", "S3 ; He et al., 2015", lambda _: _published("ResNet50 (2015)")
    ),
    "inception": Architecture(
        "InceptionV3 sans sa tête",
        "S2, TD, question 2 ; Szegedy et al., 2015",
        lambda side: _networks().build_inception(side),
        150,
        75,
    ),
}


# --- Compter -------------------------------------------------------------------------


class Row(NamedTuple):
    """Une couche, ou une couche et les normalisations qui la suivent."""

    name: str
    kind: str
    shape: tuple[int, ...]  # de la sortie, sans le lot
    parameters: int
    operations: int  # multiplications-additions, pour une image
    field: tuple[int, int] | None  # champ récepteur (h, w), en pixels ; None : toute l'image


def _kernel_and_stride(layer) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Rend noyau et pas d'une couche qui glisse une fenêtre."""
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    return (tuple(size), tuple(layer.strides)) if size and len(size) == 2 else None


def rows(model) -> list[Row]:
    """Compte, couche par couche.

    Args:
        model: réseau Keras fonctionnel, taille d'image fixée.

    Returns:
        Une ligne par couche ; une normalisation ou une activation seule compte avec celle
        qu'elle suit.

    Source : S3, « Récapitulatif des paramètres » et « Agrégation progressive des échelles ».
    """
    import keras

    from exercises.ex15_architectures.operations import operations

    found: dict[str, Row] = {}  # la ligne où une couche est comptée
    paths: dict[int, tuple | None] = {}  # par tenseur : les fenêtres traversées, par axe
    origin: dict[int, str] = {}
    for layer in model.layers:
        sources = [id(each) for each in keras.tree.flatten(layer.input)]
        before = [paths[each] for each in sources] if origin else [((), ())]
        if None in before:
            path = None
        else:  # d'une concaténation, la branche qui voit le plus loin, sur chaque axe
            path = tuple(max((each[axis] for each in before), key=_reach) for axis in (0, 1))
        slides = _kernel_and_stride(layer)
        shape = tuple(layer.output.shape[1:])
        if path and slides:
            size, stride = slides
            path = tuple((*path[axis], (size[axis], stride[axis])) for axis in (0, 1))
        elif len(shape) < 3:  # dépliée ou résumée : tout ce qui suit voit toute l'image
            path = None
        kind, parameters = type(layer).__name__, layer.count_params()
        paths[id(layer.output)], name = path, layer.name
        if kind in FOLDED:
            name = origin[sources[0]]
            found[name] = found[name]._replace(parameters=found[name].parameters + parameters)
        else:
            title = KINDS.get(kind, kind)
            if slides:
                (height, width), (step, _) = slides
                title += f" {height}×{width}" + (f", pas {step}" if step > 1 else "")
            used = operations(keras.Model(layer.input, layer.output)) if parameters else 0
            field = tuple(_reach(each) for each in path) if path else None
            found[name] = Row(name, title, shape, parameters, used, field)
        origin[id(layer.output)] = name
    return list(found.values())


def _reach(path: tuple) -> int:
    return receptive_field(path)[-1] if path else 1


def _loading(seconds: int) -> str:
    return f"Le réseau se construit depuis {seconds} s (une dizaine, la première fois)…"


_lock = threading.Lock()  # Keras nomme ses couches dans un état partagé
_turns = limits.Turns(1, _loading)


@functools.lru_cache(maxsize=32)
def count(name: str, side: float | None) -> tuple[Row, ...]:
    """Construit un réseau d'`ARCHITECTURES` et le compte.

    Args:
        name: une de ses clés.
        side: côté de l'image, si sa taille est libre.

    Raises:
        ValueError: réseau inconnu, côté impossible.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"architecture {name!r} inconnue : choisissez-en une dans la liste.")
    architecture = ARCHITECTURES[name]
    if architecture.side is None:
        side = None
    else:
        side = limits.whole(side, "Le côté", low=architecture.min_side, high=MAX_SIDE_PX)
    import keras

    # Des formes suffisent pour compter : aucun poids n'est tiré ni gardé.
    with _lock, keras.StatelessScope(initialize_variables=False):
        return tuple(rows(architecture.build(side)))


# --- Montrer -------------------------------------------------------------------------


def _size(shape: tuple[int, ...]) -> str:
    return "×".join(str(each) for each in shape)


def _field(field: tuple[int, int] | None) -> str:
    return "toute l'image" if field is None else _size(field)


def describe(name: str, side) -> str:
    """Rend le tableau d'un réseau, en HTML.

    Raises:
        ValueError: voir `count`.
    """
    layers = count(name, side)
    architecture = ARCHITECTURES[name]
    parameters = sum(row.parameters for row in layers)
    operations = sum(row.operations for row in layers)
    lines = "".join(
        f'<tr><th scope="row">{html.escape(row.kind)}</th><td>{_size(row.shape)}</td>'
        f"<td>{html.integer(row.parameters)}</td><td>{html.integer(row.operations)}</td>"
        f"<td>{_field(row.field)}</td></tr>"
        for row in layers
    )
    heads = "".join(
        f'<th scope="col">{head}</th>'
        for head in ("Couche", "Sortie", "Paramètres", "Opérations", "Champ récepteur")
    )
    return (
        f'<p role="status"><strong>{html.escape(architecture.title)}</strong> '
        f"({html.escape(architecture.source)}) : {html.integer(parameters)} paramètres, "
        f"{html.integer(operations)} opérations par image.</p>"
        '<div class="defile" tabindex="0" role="region" aria-label="Couches du réseau">'
        f'<table class="couches"><thead><tr>{heads}</tr></thead>'
        f'<tbody>{lines}</tbody><tfoot><tr><th scope="row">Total</th><td></td>'
        f"<td>{html.integer(parameters)}</td><td>{html.integer(operations)}</td><td></td></tr>"
        "</tfoot></table></div>"
        + html.note(
            "Opérations : multiplications-additions des convolutions et des couches denses, pour "
            "une image. Champ récepteur : côté, en pixels, de ce qu'un neurone voit, padding "
            "compris ; après plusieurs branches, celle qui voit le plus loin."
        )
    )


# --- L'onglet ------------------------------------------------------------------------


def build() -> list:
    """Pose l'onglet dans la page en cours ; rend ce qu'il faut appeler quand il s'ouvre."""
    first = next(iter(ARCHITECTURES))
    with gr.Row():
        choices = [(each.title, key) for key, each in ARCHITECTURES.items()]
        name = gr.Dropdown(
            choices, value=first, label="Architecture", filterable=False, elem_id="architecture"
        )
        side = gr.Number(
            32, label="Côté de l'image (pixels)", interactive=True, visible=False, elem_id="cote"
        )
    shown = gr.HTML(
        html.note("Keras se charge : une dizaine de secondes, une seule fois…"), elem_id="reseau"
    )

    async def update(key: str, px):
        async for text in _turns.follow(limits.in_french, describe, key, px):
            yield text

    async def choose(key: str):
        architecture = ARCHITECTURES.get(key)
        free = architecture is not None and architecture.side is not None
        px = architecture.side if free else None
        field = gr.Number(visible=free, **({"value": px} if free else {}))
        async for text in update(key, px):
            yield text, field

    quiet = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_limit": None,  # à plus d'un, `_turns` fait attendre, et le dit
    }
    name.input(choose, name, [shown, side], **quiet)
    side.input(update, [name, side], shown, trigger_mode="always_last", **quiet)
    return [update, [name, side], shown]
