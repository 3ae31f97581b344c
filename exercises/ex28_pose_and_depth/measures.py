"""Mesurer sur le test ce que répondent les réseaux, et ce que l'on répondrait sans eux.

D'après : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
"""

import keras
import numpy as np

from exercises.ex28_pose_and_depth import counting, data, depth, pose
from exercises.ex28_pose_and_depth.crowds import Crowds
from exercises.ex28_pose_and_depth.pairs import Pairs
from exercises.ex28_pose_and_depth.puppets import Puppets


def answer(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Rend la réponse d'un réseau à chaque entrée."""
    return model.predict(images, batch_size=100, verbose=0)


# --- Question : mesurer la pose ------------------------------------------------------


def measure_poses(
    heat: keras.Model, regression: keras.Model, train: Puppets, test: Puppets
) -> dict[str, float]:
    """Rend le PCK des deux réseaux, et celui de la pose moyenne de l'entraînement."""
    maps = answer(heat, test.images)
    found = {
        "heat": pose.decode(maps),
        "argmax": pose.decode(maps, refine=False),
        "regression": answer(regression, test.images),
        "mean": np.broadcast_to(train.joints.mean(0), test.joints.shape),
    }
    measured = {f"pck_{kind}": pose.pck(places, test) for kind, places in found.items()}
    return measured | {"pck_heat_hidden": pose.pck(found["heat"], test, hidden=True)}


# --- Question : mesurer le relief ----------------------------------------------------


def measure_depths(model: keras.Model, train: Pairs, test: Pairs) -> dict[str, float]:
    """Rend les écarts du réseau siamois, des fenêtres et de la disparité médiane.

    La réponse `blind` est celle du réseau à qui l'on montre deux fois l'image de gauche.
    """
    found = {
        "network": answer(model, test.images),
        "blind": answer(model, test.images[:, [0, 0]]),
        "constant": np.median(train.disparity),
    }
    for kind, window_px in depth.WINDOWS_PX.items():
        found[kind] = depth.match_windows(test.images, kind, window_px=window_px)
    return {
        f"{measure}_{kind}_{region}": value
        for kind, disparity in found.items()
        for (measure, region), value in depth.judge(disparity, test).items()
    }


# --- Question : mesurer les comptes --------------------------------------------------


def measure_counts(model: keras.Model, train: Crowds, test: Crowds) -> dict[str, float]:
    """Rend l'écart relatif des comptes du réseau, et celui du compte moyen."""
    density = counting.count_density(answer(model, test.images))
    found = {"density": density, "constant": np.full(len(density), train.counts.mean())}
    return judge_counts(found, test.counts)


def judge_counts(found: dict[str, np.ndarray], counts: np.ndarray) -> dict[str, float]:
    """Juge des comptes, intervalle par intervalle de `data.BINS`.

    Args:
        found: les comptes `(n,)` de chaque façon de compter.
        counts: les vrais `(n,)`.

    Returns:
        `relative_…`, l'écart absolu moyen divisé par le compte moyen, suivi de la façon et du plus
        petit compte de l'intervalle.
    """
    measured = {}
    for low, high in data.BINS:
        inside = (counts >= low) & (counts <= high)
        for kind, each in found.items():
            error = np.abs(each - counts)[inside].sum()
            measured[f"relative_{kind}_{low}"] = float(error / counts[inside].sum())
    return measured
