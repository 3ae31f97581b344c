"""Exercice 03 : CIFAR-10 et la commande de prédiction."""

import io
import re

import numpy as np
from PIL import Image

from grading import copies, pupil, submission
from grading.questions import RIGHT, Ask, Credit, credit, networks, question

SHAPE = (32, 32, 3)
ENGLISH = "airplane automobile bird cat deer dog frog horse ship truck".split()
FRENCH = "Avion Voiture Oiseau Chat Cerf Chien Grenouille Cheval Bateau Camion".split()
# Dans l'extrait, l'image de chaque classe dont le réseau livré est le plus sûr.
CLEAR = (27, 351, 135, 184, 167, 239, 102, 69, 51, 50)
# D'autres, que les deux réseaux livrés reconnaissent, et plus du tout si le rouge et le bleu sont
# échangés.
COLOURED = (24, 307, 166, 269, 26, 342)
SWAPPED = 2  # images mieux reconnues une fois échangées : c'est la commande qui échange
LINE = re.compile(r"Prédiction: ([^\n]+)\n")


def _network(ask: Ask) -> dict:
    return networks.chosen(ask, judge_network)


@question("ex03.network")
def ask_network(ask: Ask) -> Credit:
    """Vérifie les formes, les convolutions et les fonctions non linéaires."""

    def judge():
        return judge_network(networks.facts_of(ask, _network(ask)))

    return networks.judged(ask, "build_model", judge)


def judge_network(found: dict) -> Credit:
    """Juge un réseau d'architecture libre.

    Args:
        found: une description (voir `probes.inspect`).
    """
    if len(found["output_shape"] or ()) != 2:
        return credit(0, "flatten_forgotten")
    if found["output_shape"][1] != networks.NUM_CLASSES:
        return credit(0, "wrong_number_of_classes")
    judged = networks.judge_non_linearity(found, free=True)
    return judged if judged.level == 1 else credit("1/2", judged.reason)


networks.ask_common("ex03", "build_model", _network, "scaling output train")


@question("ex03.evaluate")
def ask_evaluate(ask: Ask) -> Credit:
    """Mesure un modèle dont on sait l'exactitude."""
    return networks.judged(ask, "evaluate", lambda: networks.judge_evaluate(ask))


@question("ex03.weights")
def ask_weights(ask: Ask) -> Credit:
    """Mesure les poids rendus."""
    return networks.judge_weights(ask, "cifar10", SHAPE)


@question("ex03.command")
def ask_command(ask: Ask) -> Credit:
    """Lance la commande sur une image par classe, et lit ce qu'elle affiche."""
    script = submission.own_command(ask.submission)
    if not script and not ask.submission.shipped:  # celle du cours, avec les poids du rendu
        if submission.weights(ask.submission, "ex03_cifar10", ".tflite") is None:
            return credit(0, "command_missing")
        if found := copies.judge(ask, "ex03_cifar10"):
            return credit(0, *found)
    x, y = networks.extract("cifar10")
    clear, coloured = list(CLEAR), list(COLOURED)
    images = [*x[clear], *x[coloured], *x[coloured][..., ::-1]]
    truths = np.concatenate([y[clear], y[coloured], y[coloured]])
    found = ask.op("command", pictures=[as_png(image) for image in images], script=script or "")
    if not isinstance(found, list) or len(found) != len(images):
        raise pupil.Failure("forged_answer")
    guesses = []
    for each in found:
        if each.get("error"):
            failure = pupil.failure_of(each["error"])
            reason = "command_fails" if failure.reason == "exception" else failure.reason
            return credit(0, reason, failure.detail)
        if each.get("code") != 0:
            return credit(0, "command_fails", f"code de sortie {pupil.clean(each.get('code'))}")
        name, reason = read_line(str(each.get("stdout")))
        if reason:
            return credit("1/4", reason)
        guesses.append(name)
    guesses, right = np.array(guesses), ask.settings["right"]
    plain, swapped = len(clear), len(clear) + len(coloured)
    matches = guesses == truths
    if matches[swapped:].sum() >= matches[plain:swapped].sum() + SWAPPED:
        return credit("1/2", "channels_swapped")
    shifts = [((guesses[:plain] + k) % 10 == truths[:plain]).sum() for k in range(10)]
    if shifts[0] >= right:
        return RIGHT
    shifted = max(shifts) >= right
    return credit(
        "1/2",
        "class_order_shifted" if shifted else "often_wrong",
        "" if shifted else f"{shifts[0]} sur {plain}",
    )


def read_line(printed: str) -> tuple[int | None, str | None]:
    """Lit ce qu'affiche la commande : `(numéro de la classe, None)`, ou `(None, raison)`."""
    exact = LINE.fullmatch(printed)
    if exact and exact[1] in FRENCH:
        return FRENCH.index(exact[1]), None
    last = printed.rstrip("\n").rpartition("\n")[2].rpartition("\r")[2].strip("\x08 ")
    words = re.findall(r"\w+", last.lower())
    if any(name in words for name in ENGLISH):
        return None, "english_class"
    if LINE.fullmatch(last + "\n") and last != printed.rstrip("\n"):
        return None, "progress_bar"
    return None, "wrong_line"


def as_png(image) -> bytes:
    """Écrit une image au format PNG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
