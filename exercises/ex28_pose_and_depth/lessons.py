"""Les trois leçons, pour une graine : apprendre, choisir sur la validation, mesurer sur le test.

D'après : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
"""

from functools import partial
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from convnets.core.cli import percent
from convnets.training import progress
from exercises.ex28_pose_and_depth import counting, data, depth, pose
from exercises.ex28_pose_and_depth.crowds import Crowds
from exercises.ex28_pose_and_depth.pairs import Pairs
from exercises.ex28_pose_and_depth.puppets import Puppets
from exercises.ex28_pose_and_depth.training import train

# Taux d'apprentissage au début : les meilleurs, en validation, de deux à quatre essayés. Chaque
# perte a le sien : à celui des cartes de chaleur, les coordonnées n'apprennent presque rien.
RATES = {"heat": 4e-3, "regression": 1e-3, "depth": 2e-3, "density": 5e-3, "peaks": 5e-3}

PASS_SIZE = 100  # entrées à la fois


class Measured(NamedTuple):
    """Ce qu'une graine a appris d'une leçon, et ce que cela vaut."""

    models: list[keras.Model]
    val: float  # dans [0, 1], plus grand vaut mieux
    test: dict[str, float]
    history: dict[str, list[float]]
    chosen: dict[str, float]  # sur la validation
    curve: dict[str, list[float]]  # PCK selon l'écart permis


# --- Question : mesurer la pose ------------------------------------------------------


def measure_pose(parts: dict[str, Puppets], *, seed: int, options) -> Measured:
    """Apprend les deux réseaux et mesure leur PCK.

    Args:
        parts: `"train"`, `"val"`, `"test"`.
        seed: graine des poids et de l'ordre des images.
        options: options de `cli.training_parser`.
    """
    learned = {name: (each.images, each.joints) for name, each in parts.items()}
    found, models, histories = {}, [], []
    for kind, build_model, loss in (
        ("heat", pose.build_heat, pose.heat_loss),
        ("regression", pose.build_regression, "mae"),
    ):
        model, history = train(
            build_model, loss, learned, rate=RATES[kind], seed=seed, options=options
        )
        models.append(model)
        histories.append(history)
    for name in ("val", "test"):
        maps, joints = (answer(model, parts[name].images) for model in models)
        found[name] = {
            "heat": pose.decode(maps),
            "argmax": pose.decode(maps, refine=False),
            "regression": joints,
        }
    test = measure_places(found["test"], parts["test"])
    curve = {
        kind: [pose.pck(places, parts["test"], each) for each in pose.FRACTIONS]
        for kind, places in found["test"].items()
    }
    val = pose.pck(found["val"]["heat"], parts["val"])
    progress.say(
        f"Graine {seed}, pose : PCK {percent(test['pck_heat'])} par cartes de chaleur, "
        f"{percent(test['pck_regression'])} par coordonnées"
    )
    return Measured(models, val, test, _join(models, histories), {}, curve)


def measure_places(found: dict[str, np.ndarray], puppets: Puppets) -> dict[str, float]:
    """Rend le PCK de chaque réponse : toutes les articulations, les visibles, les cachées."""
    measured = {}
    for kind, places in found.items():
        for suffix, hidden in (("", None), ("_visible", False), ("_hidden", True)):
            measured[f"pck_{kind}{suffix}"] = pose.pck(places, puppets, hidden=hidden)
    return measured


# --- Question : mesurer le relief ----------------------------------------------------


def measure_depth(parts: dict[str, Pairs], *, seed: int, options) -> Measured:
    """Apprend le réseau siamois et mesure ses disparités ; mêmes arguments que `measure_pose`."""
    learned = {name: (each.images, each.disparity) for name, each in parts.items()}
    model, history = train(
        depth.build_model, "mae", learned, rate=RATES["depth"], seed=seed, options=options
    )
    val = depth.judge(answer(model, parts["val"].images), parts["val"])
    images = parts["test"].images
    found = {"network": answer(model, images), "blind": answer(model, images[:, [0, 0]])}
    test = measure_disparities(found, parts["test"])
    progress.say(
        f"Graine {seed}, relief : {percent(test['bad_network_all'])} de pixels faux de plus d'un "
        "pixel"
    )
    return Measured([model], 1 - val["bad_all"], test, _join([model], [history]), {}, {})


def measure_disparities(found: dict[str, np.ndarray], pairs: Pairs) -> dict[str, float]:
    """Rend `mae_…` et `bad_…` de chaque réponse, région par région."""
    measured = {}
    for kind, disparity in found.items():
        for name, value in depth.judge(disparity, pairs).items():
            measure, region = name.split("_")
            measured[f"{measure}_{kind}_{region}"] = value
    return measured


def match_best(parts: dict[str, Pairs]) -> tuple[dict[str, float], dict[str, float]]:
    """Apparie des fenêtres, leur taille choisie sur la validation.

    Returns:
        `(mesures sur le test, côté choisi)`, ce dernier par sorte de fenêtre.
    """
    windows, found = {}, {"constant": np.median(parts["train"].disparity)}
    for kind in depth.COSTS:

        def error(window_px: int, kind=kind) -> float:
            disparity = depth.match_windows(parts["val"].images, kind, window_px=window_px)
            return depth.judge(disparity, parts["val"])["bad_all"]

        windows[kind] = min(depth.WINDOWS, key=error)
        found[kind] = depth.match_windows(parts["test"].images, kind, window_px=windows[kind])
    return measure_disparities(found, parts["test"]), windows


# --- Question : mesurer les comptes --------------------------------------------------


def measure_crowd(parts: dict[str, Crowds], *, seed: int, options) -> Measured:
    """Apprend les deux réseaux et mesure leurs comptes ; mêmes arguments que `measure_pose`."""
    models, histories, counts = [], [], {}
    for kind, target in counting.TARGETS.items():
        learned = {
            name: (parts[name].images, np.stack([target(heads) for heads in parts[name].heads]))
            for name in ("train", "val")
        }
        model, history = train(
            partial(counting.build_model, kind),
            counting.LOSSES[kind],
            learned,
            rate=RATES[kind],
            seed=seed,
            options=options,
        )
        models.append(model)
        histories.append(history)
    answers = {name: answer(models[1], parts[name].images) for name in ("val", "test")}
    threshold = counting.choose_threshold(answers["val"], parts["val"].counts)
    counts["density"] = counting.count_density(answer(models[0], parts["test"].images))
    counts["peaks"] = counting.count_peaks(answers["test"], threshold)
    test = measure_counts(counts, parts["test"].counts)
    val = counting.count_density(answer(models[0], parts["val"].images))
    error = np.abs(val - parts["val"].counts).sum() / parts["val"].counts.sum()
    progress.say(
        f"Graine {seed}, foule : écart relatif {percent(test['relative_density_all'])} par la "
        f"densité, {percent(test['relative_peaks_all'])} par les têtes détectées"
    )
    history = _join(models, histories)
    return Measured(models, 1 - float(error), test, history, {"threshold": threshold}, {})


def measure_counts(found: dict[str, np.ndarray], counts: np.ndarray) -> dict[str, float]:
    """Rend l'écart de chaque compte, en tout et par densité.

    Args:
        found: les comptes `(n,)`, ou un seul, de chaque façon de compter.
        counts: les vrais `(n,)`.

    Returns:
        `count_mae_…`, l'écart absolu moyen ; `relative_…`, le même divisé par le compte moyen ;
        suivis de la façon et de `all`, ou du plus petit compte d'un intervalle de `data.BINS`.
    """
    measured = {}
    for name, low, high in (
        ("all", 0, np.inf),
        *((str(low), low, high) for low, high in data.BINS),
    ):
        where = (counts >= low) & (counts <= high)
        for kind, each in found.items():
            error = np.abs(each - counts)[where]
            if where.any():
                measured[f"count_mae_{kind}_{name}"] = float(error.mean())
                measured[f"relative_{kind}_{name}"] = float(error.sum() / counts[where].sum())
    return measured


# --- Ce que les trois ont en commun --------------------------------------------------


def answer(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Rend la réponse d'un réseau à chaque entrée.

    `predict` préparerait un calcul par réseau et par taille de lot, pour bien peu d'images.
    """
    passes = [model(images[k : k + PASS_SIZE]) for k in range(0, len(images), PASS_SIZE)]
    return np.concatenate([ops.convert_to_numpy(each) for each in passes])


def _join(models, histories) -> dict[str, list[float]]:
    """Met bout à bout les courbes de plusieurs réseaux, au nom de chacun."""
    return {
        f"{model.name}_{key}": values
        for model, history in zip(models, histories, strict=True)
        for key, values in history.items()
    }
