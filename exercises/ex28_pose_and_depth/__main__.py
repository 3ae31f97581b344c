"""Pose et relief : un point, puis un nombre par pixel, et ce qu'ils valent.

Document : S3 « Pose Estimation », « 3D Reconstruction ».
Commandes : python -m exercises.ex28_pose_and_depth
            python -m exercises.ex28_pose_and_depth gauche.jpg droite.jpg
            python -m exercises.ex28_pose_and_depth gauche.jpg droite.jpg --focal 995 --baseline 19

Ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

import functools

import numpy as np

from convnets.core.cli import add_model_option, agreed, lesson_parser, percent, positive_number
from convnets.core.images import open_image
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline, format_headline
from convnets.datasets import sources, stereo
from convnets.figures.charts import picture_rows, table
from convnets.figures.style import output_dir
from convnets.training import lesson
from exercises.ex28_pose_and_depth import depth, figures, own_pair, pose
from exercises.ex28_pose_and_depth.pairs import Pairs, compose_pairs
from exercises.ex28_pose_and_depth.puppets import Puppets, compose_puppets
from exercises.ex28_pose_and_depth.training import EPOCHS, train

NUM_IMAGES = {"pose": (2000, 600), "depth": (500, 200)}  # pour apprendre, pour mesurer
SAME = 0.98  # corrélation, sans décalage, de deux images qui n'en font qu'une ; aloe : 0,56
MIN_AGREEMENT = 0.6  # entre aloe, 0,91, et les 56 paires que font huit images de samples/, 0,32
PAIR_PX = 180  # largeur d'une vraie paire : la disparité d'aloe y va de 6 à 30 pixels
# Ce que `pool` compare, pantin par pantin et paire par paire : chaque réseau, et ses témoins.
PAIRS = (
    ("pck_heat", "pck_argmax"),
    ("pck_heat", "pck_regression"),
    ("pck_regression", "pck_mean"),
    ("bad_constant_all", "bad_network_all"),
    ("bad_blind_all", "bad_network_all"),
    ("bad_small_all", "bad_network_all"),
    ("bad_zncc_all", "bad_network_all"),
    ("bad_sad_all", "bad_network_all"),
    ("bad_network_all", "bad_checked_all"),
    ("bad_network_all", "bad_sgm_all"),
    ("bad_network_visible", "bad_checked_visible"),
    ("bad_network_visible", "bad_sgm_visible"),
    ("bad_network_hidden", "bad_checked_hidden"),
    ("bad_network_hidden", "bad_sgm_hidden"),
)
HEADLINE = [
    Headline("pck_heat", "pose : PCK à 0,2 torse, cartes de chaleur"),
    Headline("pck_argmax", "pose : le même, sans affiner"),
    Headline("pck_heat_hidden", "pose : le même, articulations cachées seulement"),
    Headline("pck_regression", "pose : PCK, coordonnées d'un coup"),
    Headline("pck_mean", "pose : PCK, toujours la pose moyenne"),
    Headline("bad_network_all", "relief : pixels faux de plus d'un pixel, réseau siamois"),
    Headline("bad_sad_all", "relief : les mêmes, fenêtres de 21 pixels et SAD"),
    Headline("bad_zncc_all", "relief : les mêmes, fenêtres de 21 pixels et ZNCC"),
    Headline("bad_small_all", "relief : les mêmes, fenêtres de 7 pixels et SAD"),
    Headline("bad_checked_all", "relief : les mêmes, fenêtres de 15 pixels vérifiées, complétées"),
    Headline("bad_sgm_all", "relief : les mêmes, SGM vérifié et complété, sans rien apprendre"),
    Headline("bad_constant_all", "relief : les mêmes, toujours la disparité médiane"),
    Headline("bad_blind_all", "relief : les mêmes, le réseau recevant deux fois l'image de gauche"),
    Headline(
        "bad_network_hidden", "relief : les mêmes, là où la droite ne voit rien, réseau siamois"
    ),
    Headline(
        "bad_sad_hidden", "relief : les mêmes, là où la droite ne voit rien, fenêtres de 21 pixels"
    ),
    Headline("aloe_network", "relief, vraie paire aloe : pixels faux, réseau siamois"),
    Headline("aloe_sad", "relief, vraie paire aloe : pixels faux, fenêtres de 21 pixels et SAD"),
    Headline("aloe_zncc", "relief, vraie paire aloe : pixels faux, fenêtres de 21 pixels et ZNCC"),
    Headline("aloe_small", "relief, vraie paire aloe : pixels faux, fenêtres de 7 pixels et SAD"),
    Headline("aloe_checked", "relief, vraie paire aloe : les mêmes, 15 pixels vérifiés, complétés"),
    Headline("aloe_sgm", "relief, vraie paire aloe : pixels faux, SGM vérifié et complété"),
    Headline("aloe_constant", "relief, vraie paire aloe : pixels faux, toujours sa médiane"),
]


# --- Question : apprendre, et mesurer ------------------------------------------------


def make_parts(*, limit: int | None) -> list[tuple[Puppets, Pairs]]:
    """Compose toutes les images, au plus `limit` de chaque sorte.

    Elles sont les mêmes pour toutes les graines de l'entraînement.

    Returns:
        Les images d'entraînement, puis celles de test. Aucune photographie ni aucun vêtement n'est
        dans les deux.
    """
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()
    parts = []
    for rank, ((objects, _), (photographs, _)) in enumerate(zip(fashion, cifar, strict=True)):
        num = {name: min(each[rank], limit or each[rank]) for name, each in NUM_IMAGES.items()}
        drawn = {"seed": 2 * rank}
        puppets = compose_puppets(photographs, objects, num_images=num["pose"], **drawn)
        parts.append(
            (puppets, compose_pairs(photographs, objects, num_pairs=num["depth"], **drawn))
        )
    return parts


@functools.cache
def match_without_network(limit: int | None) -> tuple[dict, dict]:
    """Apparie les paires de test, puis aloe, sans rien apprendre : une fois pour les graines.

    Returns:
        Pour les unes puis pour l'autre, les disparités de `depth.without_network`.
    """
    _, (_, pairs) = make_parts(limit=limit)
    pair, _ = stereo.load_aloe(PAIR_PX)
    return depth.without_network(pairs.images), depth.without_network(pair[None])


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: float | None = None, limit: int | None = None
) -> lesson.Run:
    """Compose les images, apprend les trois réseaux et les mesure.

    Args:
        seed: graine des poids et de l'ordre des images.
        epochs: nombre d'époques de chaque réseau.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant d'images de chaque sorte.

    Returns:
        Les mesures de `HEADLINE` et de quelques autres ; le réseau siamois ; dans `pooled`, le PCK
        de chaque pantin et la part des pixels faux de chaque paire, et ce que montrent les figures.
    """
    pair, truth = (each[None] for each in stereo.load_aloe(PAIR_PX))
    print("Composition des images…", flush=True)
    (puppets, pairs), (test_puppets, test_pairs) = make_parts(limit=limit)
    # Chaque taux d'apprentissage est le meilleur, en validation, de deux à quatre essayés (celui du
    # relief, sur de plus petites paires). Avec le taux des cartes de chaleur, les coordonnées
    # n'apprennent presque rien. Le dernier nombre est la part du temps d'apprentissage.
    tasks = [
        (pose.build_heat, pose.heat_loss, puppets.images, puppets.joints, 4e-3, 0.2),
        (pose.build_regression, "mae", puppets.images, puppets.joints, 1e-3, 0.1),
        (depth.build_model, "mae", pairs.images, pairs.disparity, 2e-3, 0.7),
    ]
    heat, regression, siamese = (
        train(
            build_model,
            loss,
            (images, truth),
            rate=rate,
            seed=seed,
            clock=lesson.Clock(epochs, minutes, share=share),
        )
        for build_model, loss, images, truth, rate, share in tasks
    )
    maps, joints = (model.predict(test_puppets.images, verbose=0) for model in (heat, regression))
    known, hidden = truth > stereo.UNKNOWN, test_pairs.hidden
    matched, matched_aloe = match_without_network(limit)
    found = matched | depth.with_network(siamese, test_pairs.images, np.median(pairs.disparity))
    real = matched_aloe | depth.with_network(siamese, pair, np.median(truth[known]))
    values = pose.measure(maps, joints, test_puppets, puppets.joints.mean(0))
    for name, where in (("all", np.ones_like(hidden)), ("hidden", hidden), ("visible", ~hidden)):
        bad = depth.bad_pixels(found, test_pairs.disparity, where)
        values |= {f"bad_{kind}_{name}": shares for kind, shares in bad.items()}
    metrics, pooled = by_image(values)
    metrics["pck_heat_hidden"] = pose.pck(pose.decode(maps), test_puppets, hidden=True)
    bad = depth.bad_pixels(real, truth, known)
    metrics |= {f"aloe_{kind}": float(shares[0]) for kind, shares in bad.items()}
    answered = {
        "composée": (test_pairs.images, test_pairs.disparity, found),
        "aloe": (pair, truth, real),
    }
    kept = {"puppets": test_puppets, "maps": maps, "joints": joints, "answered": answered}
    return lesson.Run(metrics, siamese, kept | {"pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend l'écart des deux réponses de chaque couple de `PAIRS`.

    Args:
        found: par graine, le PCK de chaque pantin et la part des pixels faux de chaque paire.

    Returns:
        `{"gaps": {"pck_heat - pck_argmax": [moyenne, bas, haut]…}}`, graines et images ensemble.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def teach(options) -> None:
    """Apprend et mesure une graine, enregistre le réseau siamois, et dessine ce qui est trouvé."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    report = lesson.save(found.model, options, found.metrics, light=False, headline=HEADLINE)
    print(table(["mesure, sur les images de test", "valeur"], format_headline(report)))
    folder, kept = output_dir(options), found.kept
    figures.save_poses(folder / "pose.png", kept["puppets"], kept["maps"], kept["joints"])
    figures.save_depths(folder / "relief.png", kept["answered"])
    print(f"Figures écrites dans {folder}/")
    left, right, _ = stereo.find_aloe()
    print(f"Le relief d'une paire : {lesson.command_for(options)} {left} {right}")


# --- Question : et le relief de deux images ? ----------------------------------------


def show_depth(options) -> None:
    """Dit à quelle distance sont les zones de deux images, d'après SGM, et dessine leur relief.

    SGM se trompe moins que le réseau livré sur les deux vraies paires de la leçon ; deux paires et
    une graine ne donnent pas d'intervalle.

    Raises:
        ValueError: les deux images n'ont pas de décalage.
    """
    model = lesson.load_saved(options)
    pair = stereo.read_pair(*options.images, width_px=PAIR_PX)
    if depth.agreement(pair, np.zeros(pair.shape[1:])) > SAME:
        raise ValueError(
            f"{options.images[1]} ne montre presque aucun décalage avec {options.images[0]} : "
            "c'est la même image, ou une scène trop lointaine pour ces deux caméras."
        )
    learned = model.predict(pair[None], verbose=0)[0]
    disparity = depth.match_semi_global(pair[None])[0]
    if depth.agreement(pair, disparity) < MIN_AGREEMENT:
        print(
            "Décalée de ce que SGM trouve, l'image de droite ne redonne pas celle de gauche. Ce ne "
            "sont sans doute pas deux vues d'une même scène, la gauche puis la droite : ce qui "
            "suit n'y veut rien dire."
        )
    low, high = np.percentile(disparity, (5, 95))
    print(f"Décalages, pour neuf pixels sur dix : de {low:.0f} à {high:.0f} pixels sur {PAIR_PX}.")
    scale = PAIR_PX / open_image(options.images[0]).width
    cameras = options.focal and own_pair.Cameras(options.focal * scale, options.baseline)
    print(own_pair.say_distances(disparity + options.offset * scale, cameras))
    apart = np.abs(learned - disparity) > depth.TOLERANCE_PX
    print(f"Le réseau et SGM diffèrent de plus d'un pixel sur {percent(apart.mean())} de l'image.")
    path = output_dir(options) / "relief_de_la_paire.png"
    shown = [*pair, figures.show_depth(disparity), figures.show_depth(learned)]
    heads = ["image de gauche", "de droite", "décalages, SGM", "décalages, réseau"]
    picture_rows(path, {"": shown}, side=3.4, heads=heads)
    print(f"Figure : {path}")


def main(argv: list[str] | None = None) -> int:
    """Sans image, donne la leçon ; avec une paire, en dit les distances et en montre le relief."""
    parser = lesson_parser("ex28_pose_and_depth", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument(
        "images", nargs="*", metavar="IMAGE", help="vues de gauche et de droite d'une même scène"
    )
    for name, unit, help_text in (
        ("--focal", "PIXELS", "focale, en pixels de l'image de gauche"),
        ("--baseline", "CM", "écartement des deux caméras, en centimètres"),
    ):
        parser.add_argument(name, type=positive_number, metavar=unit, help=help_text)
    offset_help = "ce qu'il faut ajouter aux décalages, en pixels (0 par défaut)"
    parser.add_argument("--offset", type=float, default=0, metavar="PIXELS", help=offset_help)
    add_model_option(parser)
    options = parser.parse_args(argv)
    if len(options.images) not in (0, 2):
        given = agreed(len(options.images), "image donnée", "images données")
        parser.error(f"{given} : il en faut deux, gauche puis droite")
    if options.focal is not None and not options.images:
        parser.error("--focal et --baseline vont avec deux images, gauche puis droite")
    if (options.focal is None) != (options.baseline is None):
        parser.error("--focal et --baseline vont ensemble : donnez les deux, ou aucun")
    return lesson.run(show_depth if options.images else teach, options)


if __name__ == "__main__":
    raise SystemExit(main())
