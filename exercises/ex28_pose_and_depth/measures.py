"""Mesurer sur le test ce que répondent les réseaux, et ce que l'on répondrait sans eux.

D'après : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
"""

import keras
import numpy as np

from exercises.ex28_pose_and_depth import counting, data, depth, pose
from exercises.ex28_pose_and_depth.crowds import Crowds
from exercises.ex28_pose_and_depth.pairs import Pairs
from exercises.ex28_pose_and_depth.puppets import Puppets

# --- Question : mesurer la pose ------------------------------------------------------


def measure_poses(
    heat: keras.Model, regression: keras.Model, train: Puppets, test: Puppets
) -> dict[str, float]:
    """Rend le PCK des deux réseaux, et celui de la pose moyenne de l'entraînement."""
    maps = heat.predict(test.images, verbose=0)
    found = {
        "heat": pose.decode(maps),
        "argmax": pose.decode(maps, refine=False),
        "regression": regression.predict(test.images, verbose=0),
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
        "network": model.predict(test.images, verbose=0),
        "blind": model.predict(test.images[:, [0, 0]], verbose=0),
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
    """Rend l'écart relatif des comptes du réseau, et celui du compte moyen de l'entraînement.

    Returns:
        `relative_…`, l'écart absolu moyen divisé par le compte moyen, suivi de la façon de compter
        et du plus petit compte d'un intervalle de `data.BINS`.
    """
    counted = counting.count_density(model.predict(test.images, verbose=0))
    measured = {}
    for low, high in data.BINS:
        inside = (test.counts >= low) & (test.counts <= high)
        truth = test.counts[inside]
        for kind, found in (("density", counted[inside]), ("constant", train.counts.mean())):
            error = np.abs(found - truth).sum()
            measured[f"relative_{kind}_{low}"] = float(error / truth.sum())
    return measured
