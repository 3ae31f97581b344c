"""Onglet « Prédire » : une image, la classe, les probabilités, et ce qui a décidé.

Ce que fait `./predict`, avec les mêmes fonctions : `classifier.Classifier` pour répondre,
les méthodes qu'`convnets.explaining.explain` réunit pour expliquer.
"""

import functools
import io
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import gradio as gr
import numpy as np

from convnets.core.cli import percent
from convnets.core.images import open_image
from convnets.core.paths import MODELS_DIR
from convnets.core.reports import load_report
from convnets.explaining.methods import EXPLANATIONS
from convnets.serving.classifier import Classifier, Result
from convnets.serving.router import Router
from demo import html, limits
from demo.components import Drop, Thumbnails

if TYPE_CHECKING:
    from convnets.explaining.maps import Explanation, Subject

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
PREVIEW_PX, THUMBNAIL_PX = 640, 72  # plus grand côté de l'aperçu et d'une vignette
PAIRS = ("ex00_position", "ex04_comparison")  # deux réseaux dans un export : onglet Chiffre
TITLES = {  # d'après la première classe d'un modèle
    "Avion": "Objets et animaux",
    "T-shirt ou haut": "Vêtements",
    "0": "Chiffres",
    "X": "X ou O",
    "Chat": "Chat ou chien",
}
AUTOMATIC = "auto"  # comme `./predict` sans `--model`
METHODS = {"none": "Aucune"} | {  # les plus légères d'abord
    name: EXPLANATIONS[name].title
    for name in sorted(EXPLANATIONS, key=lambda name: EXPLANATIONS[name].derives)
}


# --- L'image -------------------------------------------------------------------------


class Picture(NamedTuple):
    """Une image telle qu'elle est arrivée ; gardée en mémoire, le temps de la visite."""

    name: str
    content: bytes
    arrived_s: float = 0.0  # la même image, choisie deux fois, est expliquée deux fois

    def stream(self) -> io.BytesIO:
        """Rend un fichier ouvert, au nom de l'image : les messages le citent."""
        stream = _Named(self.content)
        stream.name = self.name
        return stream


class _Named(io.BytesIO):
    """Un fichier en mémoire, qui peut avoir un nom."""


def read_picture(path: str | Path, *, name: str | None = None) -> Picture:
    """Lit le fichier déposé, sans le décoder.

    Args:
        path: fichier.
        name: son nom d'origine, s'il en a changé en route.

    Returns:
        L'image.

    Raises:
        ValueError: fichier trop gros.
        OSError: fichier absent ou illisible.
    """
    path = Path(path)
    name = name or path.name
    limits.check_size(path.stat().st_size, name)
    return Picture(name, path.read_bytes(), time.monotonic())


def preview(picture: Picture) -> str:
    """Rend une adresse `data:` de l'image, droite et réduite.

    Raises:
        ValueError: image illisible ou démesurée, dit en français.
    """
    image = open_image(picture.stream(), min_side_px=PREVIEW_PX)
    image.thumbnail((PREVIEW_PX, PREVIEW_PX))
    return html.data_url(image, lossy=True)


@functools.cache
def samples() -> tuple[tuple[str, str], ...]:
    """Rend les images de `samples/` : `(nom, vignette)`, la vignette en adresse `data:`."""
    found = []
    for path in sorted(SAMPLES.iterdir()):
        if path.suffix != ".md":
            image = open_image(path, min_side_px=2 * THUMBNAIL_PX)
            image.thumbnail((2 * THUMBNAIL_PX, THUMBNAIL_PX))
            found.append((path.name, html.data_url(image, lossy=True)))
    return tuple(found)


# --- Répondre ------------------------------------------------------------------------


class Network:
    """Un modèle livré, partagé entre les visiteurs : LiteRT ne calcule qu'une chose à la fois.

    Args:
        slug: nom du modèle.
    """

    def __init__(self, slug: str):
        self.classifier = Classifier(slug)
        self._lock = threading.Lock()

    def classify(self, picture: Picture) -> Result:
        """Rend la réponse de `./predict`.

        Raises:
            ValueError: image illisible.
        """
        with self._lock:
            result = next(self.classifier.classify([picture.stream()]))
        if result.error:
            raise ValueError(result.error)
        return result

    def answer(self, picture: Picture) -> list[float]:
        """Rend les probabilités étalonnées de chaque classe : voir `classify`."""
        return self.classify(picture).probabilities

    def seen(self, picture: Picture) -> np.ndarray:
        """Rend l'image que lit le réseau, uint8 `(h, w, 3)` ou `(h, w)`."""
        return self.classifier.prepare(picture.stream())

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Rend les probabilités `(n, classes)` d'images déjà prêtes."""
        with self._lock:
            return self.classifier.predict(images)


@functools.cache
def load(slug: str) -> Network:
    """Charge un modèle, une fois pour tous les visiteurs.

    Raises:
        FileNotFoundError: modèle ou base absents, ou nom inconnu.
        ValueError: fichiers qui ne vont pas ensemble.
    """
    if slug not in dict(models()).values():
        raise FileNotFoundError(f"Modèle {slug!r} inconnu : choisissez-en un dans la liste.")
    return Network(slug)


def load_for(picture: Picture, slug: str) -> Network:
    """Charge le modèle choisi ; si c'est `AUTOMATIC`, celui qui va à cette image.

    Raises:
        ValueError, OSError: image illisible, modèle absent.
    """
    if slug == AUTOMATIC:
        router = _router()
        slug = router.slug_for(router.read(picture.stream()))
    return load(slug)


@functools.cache
def _router() -> Router:
    return Router(models_dir=MODELS_DIR)


@functools.cache
def models() -> tuple[tuple[str, str], ...]:
    """Rend les modèles de `models/` qui nomment une image : `(titre, nom)`, dans l'ordre."""
    found = []
    for path in sorted(MODELS_DIR.glob("*.tflite")):
        try:
            report = load_report(path.with_suffix(".json"))
        except (OSError, ValueError):
            continue
        classes = report.classes_fr
        # Une détection, une segmentation ne nomment pas une image.
        if path.stem in PAIRS or not classes or len(report.confusion_matrix) != len(classes):
            continue
        title = TITLES.get(classes[0])
        found.append((f"{title} ({path.stem})" if title else path.stem, path.stem))
    return tuple(found)


def describe(picture: Picture, slug: str) -> str:
    """Rend la réponse d'un modèle, en HTML.

    Raises:
        ValueError, OSError: image illisible, modèle absent.
    """
    network = load_for(picture, slug)
    result, classes = network.classify(picture), network.classifier.classes
    probabilities, best = result.probabilities, result.best
    tuned = "étalonnée" if network.classifier.card.temperature else "non étalonnée"
    return html.side_by_side(
        '<div class="verdict" role="status">'
        f'<p class="reponse">Prédiction : <strong>{html.escape(classes[best])}</strong></p>'
        + _doubt(probabilities[best], len(classes), familiar=result.familiar)
        + html.note(f"Réseau qui a répondu : {_title(network.classifier.slug)}.")
        + "</div>",
        html.bars(classes, probabilities, title=f"Probabilité ({tuned}) de chaque classe"),
        html.picture(network.seen(picture), caption="Ce que le réseau voit"),
    )


def _doubt(probability: float, num_classes: int, *, familiar: bool = True) -> str:
    """Dit qu'une réponse n'est pas sûre, et pourquoi ; rien si elle l'est."""
    reasons = []
    if probability < html.SURE:
        reasons.append(f"{percent(probability)}, moins d'une chance sur deux")
    if not familiar:
        reasons.append("cette image ressemble peu à ce qu'il a appris")
    if not reasons:
        return ""
    return html.warning(
        f"Le réseau n'est pas sûr : {' ; '.join(reasons)}. Ce que "
        f"montre l'image n'est peut-être d'aucune des {num_classes} classes qu'il connaît."
    )


def _title(slug: str) -> str:
    return {name: title for title, name in models()}.get(slug, slug)


# --- Expliquer -----------------------------------------------------------------------


class _UntilLate:
    """Ce que les méthodes sans dérivée attendent d'un modèle, tant qu'il reste du temps."""

    def __init__(self, network: Network, deadline: float):
        self._network, self._deadline = network, deadline

    def predict(self, images: np.ndarray, *, batch_size: int = 64, verbose: int = 0):
        parts = []
        for start in range(0, len(images), batch_size):
            if time.monotonic() > self._deadline:
                raise TimeoutError
            parts.append(self._network.predict(images[start : start + batch_size]))
        return np.concatenate(parts)


@functools.cache
def _whole_network(slug: str):
    from convnets.explaining.maps import load_network

    return load_network(slug, models_dir=MODELS_DIR)


_turns = limits.Turns(
    2, lambda seconds: f"Explication en cours depuis {seconds} s ({limits.MAX_SECONDS} au plus)…"
)
_keras_lock = threading.Lock()  # un seul chargement, un seul calcul de Keras à la fois


def judged(picture: Picture, slug: str, method: str) -> "tuple[Subject, Explanation]":
    """Calcule la carte d'une explication, pour la classe la plus probable, et ce qu'elle vaut.

    Args:
        picture: image.
        slug: modèle à images en couleurs.
        method: une clé d'`EXPLANATIONS`.

    Returns:
        L'image et la classe expliquées, et ce que `maps.judge` en dit.

    Raises:
        ValueError: modèle à images grises, image illisible, ou calcul trop long.
    """
    network = load_for(picture, slug)
    if len(network.classifier.input_shape) != 3:
        raise ValueError(
            f"{slug} lit des images grises : seuls les modèles en couleurs "
            "s'expliquent. Choisissez-en un, ou « Aucune »."
        )
    from convnets.explaining.explain import load_method
    from convnets.explaining.maps import Subject, judge

    image, probabilities = network.seen(picture), network.answer(picture)
    index = int(np.argmax(probabilities))
    light = _UntilLate(network, time.monotonic() + limits.MAX_SECONDS)
    class_fr = network.classifier.classes[index]
    subject = Subject(light, image, index, class_fr, probabilities[index])

    def work():
        found = load_method(method)
        if not EXPLANATIONS[method].derives:
            values = found.measure(light, image, index)
        else:
            with _keras_lock:
                values = found.measure(_whole_network(network.classifier.slug), image, index)
        return judge(subject, values, unit=found.unit)

    return subject, limits.within(limits.MAX_SECONDS, work)


def overlay(image: np.ndarray, heat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colore une carte, seule et sur l'image grise, comme les figures des exercices.

    Args:
        image: uint8 `(H, W, 3)`.
        heat: `(H, W)` dans [0, 1].

    Returns:
        Deux images uint8 `(H, W, 3)`.
    """
    import matplotlib

    alone = matplotlib.colormaps["cividis"](heat)[..., :3] * 255
    grey = (image @ [0.299, 0.587, 0.114])[..., np.newaxis]
    over = 0.45 * grey + 0.55 * alone
    return np.uint8(alone.round()), np.uint8(over.round())


def explain(picture: Picture, slug: str, method: str) -> str:
    """Rend l'explication d'une réponse, en HTML ; rien pour `"none"`.

    Raises:
        ValueError, OSError: voir `judged`.
    """
    if method == "none":
        return ""
    if method not in EXPLANATIONS:
        raise ValueError(f"Explication {method!r} inconnue : choisissez-en une dans la liste.")
    from convnets.explaining import maps

    started = time.monotonic()
    subject, explanation = judged(picture, slug, method)
    duration_s = time.monotonic() - started
    heat, top = explanation.painted()
    alone, over = overlay(subject.image, heat / top)
    title = (
        f"{METHODS[method]} : {subject.class_fr}, probabilité "
        f"{percent(subject.probability)} ({duration_s:.1f} s)".replace(".", ",")
    )
    said = (
        maps.effect(explanation, subject.class_fr)
        .replace("« ", "«\N{NO-BREAK SPACE}")  # une ligne ne coupe pas un nom de ses guillemets
        .replace(" »", "\N{NO-BREAK SPACE}»"),
        maps.scale(explanation),
    )
    caption = "Carte seule (jaune : le plus fort)" if explanation.matters else "Carte non peinte"
    return (
        f"<h3>{html.escape(title)}</h3>"
        + "".join(f"<p>{html.escape(each)}</p>" for each in said)
        + html.side_by_side(
            html.picture(over, caption="Carte sur l'image"), html.picture(alone, caption=caption)
        )
    )


# --- L'onglet ------------------------------------------------------------------------

WELCOME = html.note("Déposez, collez ou photographiez une image, ou choisissez-en une plus bas.")


def build() -> None:
    """Pose l'onglet dans la page en cours."""
    kept = gr.State(None)  # Picture, en mémoire
    with gr.Row():
        with gr.Column(min_width=280):
            drop = Drop(
                label="Image à nommer",
                sources=["upload", "clipboard", "webcam"],
                height=280,
                buttons=[],
                elem_id="image",
                alt_text="L'image choisie",
                placeholder="Déposez une image ici\n\nou cliquez pour en choisir une "
                f"({limits.MAX_BYTES // 10**6} Mo au plus)",
            )
            model = gr.Dropdown(
                [("Automatique : vignette ou photo", AUTOMATIC), *models()],
                value=AUTOMATIC,
                label="Modèle",
                filterable=False,
                elem_id="modele",
            )
            method = gr.Dropdown(
                [(title, name) for name, title in METHODS.items()],
                value="occlusion",
                label="Explication",
                filterable=False,
                elem_id="explication",
                info="Celles qui dérivent le réseau (de Grad-CAM à Gradients intégrés) chargent "
                "Keras : quelques secondes, une fois.",
            )
        with gr.Column(min_width=280):
            result = gr.HTML(WELCOME, elem_id="resultat")
            explanation = gr.HTML("", elem_id="carte")
    thumbnails = Thumbnails(samples(), label="Nos images", elem_id="exemples")

    def show(picture: Picture | None, slug: str) -> str:
        return WELCOME if picture is None else limits.in_french(describe, picture, slug)

    async def show_why(picture: Picture | None, slug: str, name: str):
        if picture is None or name == "none":
            yield ""
            return
        async for shown in _turns.follow(limits.in_french, explain, picture, slug, name):
            yield shown

    def receive(payload, picture: Picture | None, slug: str):
        """Lit ce qui vient d'être déposé, collé ou photographié ; le fichier est vite effacé."""
        if payload is None:  # l'image est retirée, par le visiteur ou après un refus
            return [gr.skip()] * 4 if picture is None else (None, gr.skip(), WELCOME, "")
        if not payload.path:  # l'aperçu que `choose` vient de montrer
            return [gr.skip()] * 4
        try:
            picture = read_picture(payload.path, name=payload.orig_name)
        except (ValueError, OSError) as error:
            return None, None, html.error(limits.sentence(error)), ""
        finally:
            limits.forget(payload.path)
        return choose(picture, slug)

    def choose(picture: Picture, slug: str):
        try:
            shown = preview(picture)
        except (ValueError, OSError) as error:
            return None, None, html.error(limits.sentence(error)), ""
        return picture, shown, show(picture, slug), ""

    def choose_sample(name: str, slug: str):
        if name not in dict(samples()):
            return None, None, html.error(f"Pas d'image {name!r} parmi les nôtres."), ""
        return choose(read_picture(SAMPLES / name), slug)

    outputs = [kept, drop, result, explanation]
    why = {
        "fn": show_why,
        "inputs": [kept, model, method],
        "outputs": explanation,
        "concurrency_limit": None,  # à plus de deux, `_turns` fait attendre, et le dit
        "show_progress": "hidden",
    }
    quiet = {"show_progress": "hidden"}
    # `change` et non `input` : coller une image ne déclenche que lui.
    drop.change(receive, [drop, kept, model], outputs, api_name="predict", **quiet)
    thumbnails.select(choose_sample, [thumbnails, model], outputs, api_name="sample", **quiet)
    kept.change(**why, api_name="explain")
    model.change(show, [kept, model], result, api_visibility="private", **quiet).then(
        **why, api_visibility="private"
    )
    method.change(**why, api_visibility="private")
