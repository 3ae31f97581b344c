"""Pose, relief, foule : un point, un nombre par pixel, un compte, et ce qu'ils valent.

Document : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
Commande : python -m exercises.ex28_pose_and_depth

Ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

import keras
import numpy as np

from convnets.core.cli import lesson_parser
from convnets.core.reports import Headline, format_headline
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from exercises.ex28_pose_and_depth import counting, data, depth, figures, measures, pose
from exercises.ex28_pose_and_depth.training import EPOCHS, train

HEADLINE = [
    Headline("pck_heat", "pose : PCK à 0,2 torse, cartes de chaleur"),
    Headline("pck_argmax", "pose : le même, sans affiner"),
    Headline("pck_heat_hidden", "pose : le même, articulations cachées seulement"),
    Headline("pck_regression", "pose : PCK, coordonnées d'un coup"),
    Headline("pck_mean", "pose : PCK, toujours la pose moyenne"),
    Headline("bad_network_all", "relief : pixels faux de plus d'un pixel, réseau siamois"),
    Headline("bad_sad_all", "relief : les mêmes, fenêtres et SAD"),
    Headline("bad_zncc_all", "relief : les mêmes, fenêtres et ZNCC"),
    Headline("bad_constant_all", "relief : les mêmes, toujours la disparité médiane"),
    Headline("bad_blind_all", "relief : les mêmes, le réseau recevant deux fois l'image de gauche"),
    Headline(
        "bad_network_hidden", "relief : les mêmes, là où la droite ne voit rien, réseau siamois"
    ),
    Headline("bad_sad_hidden", "relief : les mêmes, là où la droite ne voit rien, fenêtres et SAD"),
    Headline("mae_network_all", "relief : écart moyen, réseau siamois", "px"),
    Headline("mae_sad_all", "relief : écart moyen, fenêtres et SAD", "px"),
    Headline("relative_density_21", "foule de 21 à 40 : écart relatif, densité"),
    Headline("relative_constant_21", "foule de 21 à 40 : écart relatif, toujours le compte moyen"),
    Headline("relative_density_81", "foule de 81 à 100, jamais vue : écart relatif, densité"),
]


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: float | None = None, limit: int | None = None
) -> lesson.Run:
    """Compose les images, apprend les quatre réseaux et les mesure.

    Args:
        seed: graine des poids et de l'ordre des images.
        epochs: nombre d'époques de chaque réseau.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant d'images de chaque sorte.
    """
    print("Composition des images…", flush=True)
    part, test = data.make_parts(limit=limit)
    puppets, pairs, crowds = part["pose"], part["depth"], part["crowd"]
    densities = counting.SCALE * np.stack([counting.density_map(heads) for heads in crowds.heads])
    # Chaque taux d'apprentissage est le meilleur, en validation, de deux à quatre essayés. Avec le
    # taux des cartes de chaleur, les coordonnées n'apprennent presque rien. Le dernier nombre est
    # la part mesurée du temps d'apprentissage que prend le réseau.
    tasks = [
        (pose.build_heat, pose.heat_loss, puppets.images, puppets.joints, 4e-3, 0.27),
        (pose.build_regression, "mae", puppets.images, puppets.joints, 1e-3, 0.19),
        (depth.build_model, "mae", pairs.images, pairs.disparity, 2e-3, 0.4),
        (counting.build_model, "mse", crowds.images, densities, 5e-3, 0.14),
    ]
    models = [
        train(
            build_model,
            loss,
            (images, truth),
            rate=rate,
            seed=seed,
            clock=lesson.Clock(epochs, minutes, share=share),
        )
        for build_model, loss, images, truth, rate, share in tasks
    ]
    heat, regression, siamese, density = models
    metrics = {
        **measures.measure_poses(heat, regression, puppets, test["pose"]),
        **measures.measure_depths(siamese, pairs, test["depth"]),
        **measures.measure_counts(density, crowds, test["crowd"]),
    }
    return lesson.Run(metrics, assemble(models), test)


def assemble(models: list[keras.Model]) -> keras.Model:
    """Met les quatre réseaux dans un seul modèle, qu'un seul fichier garde.

    Returns:
        Modèle : `[images, images, paires, images]` uint8 → les quatre réponses ; chaque
        réseau y est une couche, à son nom.
    """
    inputs = [keras.Input(model.input_shape[1:], dtype="uint8") for model in models]
    outputs = [model(given) for model, given in zip(models, inputs, strict=True)]
    return keras.Model(inputs, outputs, name="ex28_pose_and_depth")


def teach(options) -> None:
    """Apprend et mesure une graine, enregistre les réseaux, et dessine ce qu'ils trouvent."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    report = lesson.save(found.model, options, found.metrics, light=False, headline=HEADLINE)
    print(table(["mesure, sur les images de test", "valeur"], format_headline(report)))
    folder = output_dir(options)
    figures.save_examples(folder, found.model, found.kept)
    print(f"Figures écrites dans {folder}/")


def main(argv: list[str] | None = None) -> int:
    """Lit les options, puis apprend et mesure les quatre réseaux."""
    parser = lesson_parser("ex28_pose_and_depth", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
