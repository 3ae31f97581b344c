"""Exercice 03 : CIFAR-10 et la commande de prédiction."""

import io
import re
from functools import partial

import numpy as np
from PIL import Image

from grading.asking import failures, staging
from grading.questions import Ask, Credit, copies, credit, first_fault, networks, question
from grading.reading import submission

ENGLISH = "airplane automobile bird cat deer dog frog horse ship truck".split()
FRENCH = "Avion Voiture Oiseau Chat Cerf Chien Grenouille Cheval Bateau Camion".split()
# Dans l'extrait, l'image de chaque classe dont le réseau livré est le plus sûr.
CLEAR = (27, 351, 135, 184, 167, 239, 102, 69, 51, 50)
# D'autres, que les deux réseaux livrés reconnaissent, et plus du tout si le rouge et le bleu sont
# échangés.
COLOURED = (24, 307, 166, 269, 26, 342)
SWAPPED = 2  # images mieux reconnues une fois échangées : c'est la commande qui échange
LINE = re.compile(r"Prédiction: ([^\n]+)\n")


def judge_network(found: dict) -> Credit:
    """Juge un réseau d'architecture libre.

    Args:
        found: une description (voir `models.described`).
    """
    shape = found["output_shape"] or ()
    linear = networks.judge_non_linearity(found, free=True)
    return first_fault(
        (0, "flatten_forgotten", len(shape) != 2),
        (0, "wrong_number_of_classes", shape[-1:] != [networks.NUM_CLASSES]),
        ("1/2", linear.reason, linear.level < 1),
    )


networks.ask_common("ex03", "build_model", "network", judge_network)


@question("ex03.evaluate")
def ask_evaluate(ask: Ask) -> Credit:
    """Mesure un modèle dont on sait l'exactitude."""
    return networks.judged(ask, "evaluate", partial(networks.judge_evaluate, ask))


@question("ex03.command")
def ask_command(ask: Ask) -> Credit:
    """Lance la commande sur une image par classe, et lit ce qu'elle affiche."""
    script = staging.own_command(ask.desk.submission)
    if not script and not ask.desk.submission.shipped:  # celle du cours, avec les poids du rendu
        if submission.weights(ask.desk.submission, "ex03_cifar10", ".tflite") is None:
            return networks.not_handed_in(ask, "command_missing")
        if found := copies.judge(ask, "ex03_cifar10"):
            return credit(0, *found)
    x, y = networks.extract("cifar10")
    clear, coloured = list(CLEAR), list(COLOURED)
    images = [*x[clear], *x[coloured], *x[coloured][..., ::-1]]
    truths = np.concatenate([y[clear], y[coloured], y[coloured]])
    found = ask.op("command", pictures=[as_png(image) for image in images], script=script or "")
    if not isinstance(found, list) or len(found) != len(images):
        raise failures.Failure("forged_answer")
    guesses = [_guess(each) for each in found]
    refused = [each for each in guesses if isinstance(each, Credit)]
    if refused:
        return refused[0]
    guesses, right = np.array(guesses), ask.settings["right"]
    plain, swapped = len(clear), len(clear) + len(coloured)
    matches = guesses == truths
    better = matches[swapped:].sum() - matches[plain:swapped].sum()
    shifts = [((guesses[:plain] + k) % 10 == truths[:plain]).sum() for k in range(10)]
    return first_fault(
        ("1/2", "channels_swapped", better >= SWAPPED),
        ("1/2", "class_order_shifted", max(shifts) >= right > shifts[0]),
        ("1/2", "often_wrong", shifts[0] < right, f"{shifts[0]} sur {plain}"),
    )


def _guess(found: dict) -> int | Credit:
    """Lit la classe que la commande a dite d'une image, ou pourquoi on ne peut pas la lire."""
    if found["error"]:
        failure = failures.failure_of(found["error"])
        told = {"exception": "command_fails", "missing_package": "command_not_run"}
        reason = told.get(failure.reason, failure.reason)
        return credit(0, reason, failure.detail)
    if found["code"] != 0:
        return credit(0, "command_fails", f"code de sortie {failures.clean(found['code'])}")
    name, reason = read_line(str(found["stdout"]))
    return credit("1/4", reason) if reason else name


def read_line(printed: str) -> tuple[int | None, str | None]:
    """Lit ce qu'affiche la commande : `(numéro de la classe, None)`, ou `(None, raison)`."""
    exact = LINE.fullmatch(printed)
    if exact and exact[1] in FRENCH:
        return FRENCH.index(exact[1]), None
    last = re.split(r"[\r\n]", printed.strip())[-1].strip("\x08 ")
    english = set(ENGLISH) & set(re.findall(r"\w+", last.lower()))
    found = first_fault(
        (0, "english_class", english),
        (0, "progress_bar", LINE.fullmatch(last + "\n") and last != printed.rstrip("\n")),
        (0, "wrong_line", True),
    )
    return None, found.reason


def as_png(image) -> bytes:
    """Écrit une image au format PNG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
