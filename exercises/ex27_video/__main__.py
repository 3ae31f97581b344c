"""Vidéo : suivre des objets qui se croisent, reconnaître ce qu'aucune image seule ne montre.

Document : S3 « Object Tracking », « Action Recognition » ; S0 « Convolution 3D ».
Commandes : python -m exercises.ex27_video
            python -m exercises.ex27_video FILM
Résultat mesuré : docs/laboratoire/resultats.md, sur cinq graines
(`python -m recipes.seeds ex27_video --seeds 5`).

Suivre n'apprend rien : c'est relier des boîtes, dans `tracking.py`. Reconnaître une action, si : un
noyau 3D couvre aussi trois images qui se suivent, et peut voir dans quel sens elles changent. Deux
réseaux à deux dimensions, d'autant de poids, lui sont comparés, et le film appris le plus
ressemblant, qui n'apprend rien.
"""

import keras
import numpy as np
from keras import layers, ops

from convnets.core.cli import lesson_parser, natural_int, percent
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline
from convnets.datasets.scenes import limited, split_pictures
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.batches import shuffled
from convnets.training.nearest import copy_nearest
from exercises.ex27_video import figures, moving
from exercises.ex27_video.clips import CLASSES, CLASSES_FR, CLIP_PX, NUM_FRAMES, compose_clips
from exercises.ex27_video.metrics import Tracks, count, idf1, mota
from exercises.ex27_video.tracking import METHODS, track
from exercises.ex27_video.videos import compose_video, detect, truths

NUM_VIDEOS = 20
WIDTHS = {  # canaux des cartes de 16, 8 et 4 pixels de côté
    "conv3d": (16, 32, 64),
    "frames": (28, 56, 108),  # chaque image seule ; les réponses sont moyennées
    "stack": (28, 56, 106),  # les huit images comme huit canaux d'une seule
}
MOMENTUM = 0.9  # à 0,99, les moyennes des lots seraient en retard : il n'y a que 560 pas
SHARES = {"conv3d": 0.25, "frames": 0.55, "stack": 0.2}  # du temps d'apprentissage
EPOCHS = 6
BATCH_SIZE = 32
LEARNING_RATE = 2e-3  # d'Adam, au début ; il suit ensuite un cosinus jusqu'à zéro (lesson.Clock)
NUM_CLIPS = {"train": 3000, "val": 600, "test": 600}  # ceux de test ont, en plus, leurs jumeaux
HEADLINE = [
    Headline("idf1_neighbour", "suivi : IDF1, de voisin en voisin"),
    Headline("idf1_memory", "suivi : IDF1, mémoire seule"),
    Headline("idf1_kalman", "suivi : IDF1, vitesse et mémoire"),
    Headline("idf1_hungarian", "suivi : IDF1, vitesse, mémoire et affectation hongroise"),
    Headline("mota_neighbour", "suivi : MOTA, de voisin en voisin"),
    Headline("mota_memory", "suivi : MOTA, mémoire seule"),
    Headline("mota_kalman", "suivi : MOTA, vitesse et mémoire"),
    Headline("accuracy_nearest", "actions : exactitude, film appris le plus ressemblant"),
    Headline("accuracy_frames", "actions : exactitude, 2D image par image"),
    Headline("accuracy_stack", "actions : exactitude, 2D sur les images empilées"),
    Headline("accuracy_conv3d", "actions : exactitude, convolution 3D"),
]
TRACKING_PAIRS = (  # écarts publiés : de combien le premier dépasse le second
    ("idf1_memory", "idf1_neighbour"),
    ("idf1_kalman", "idf1_memory"),
    ("idf1_kalman", "idf1_neighbour"),
    ("idf1_hungarian", "idf1_kalman"),
    ("mota_memory", "mota_neighbour"),
    ("mota_kalman", "mota_memory"),
    ("mota_hungarian", "mota_kalman"),
)
ACTION_PAIRS = (
    ("accuracy_stack", "accuracy_conv3d"),
    ("accuracy_conv3d", "accuracy_frames"),
    ("accuracy_conv3d", "accuracy_nearest"),
    ("accuracy_frames", "accuracy_nearest"),
)


def show_measures(metrics: dict[str, float]) -> None:
    """Affiche les mesures d'`HEADLINE` que l'on a, dans son ordre."""
    known = [each for each in HEADLINE if each.metric in metrics]
    rows = [[each.label, percent(metrics[each.metric])] for each in known]
    print(table(["mesure", "valeur"], rows))


# --- Question : qui est qui, d'une image à l'autre ? ---------------------------------


def measure_tracking(
    objects: np.ndarray, backgrounds: np.ndarray, *, seed: int, num_videos: int
) -> dict[str, np.ndarray]:
    """Mesure chaque façon de suivre sur les mêmes vidéos et les mêmes détections.

    Args:
        objects: vêtements uint8 `(m, 28, 28)`.
        backgrounds: photographies uint8 `(f, h, w, 3)`.
        seed: graine du tirage des vidéos : le suivi n'apprend rien, elles seules changent.
        num_videos: nombre de vidéos.

    Returns:
        `mota_…` et `idf1_…` de chaque méthode, pour chaque vidéo : `(num_videos,)`.
    """
    made = []
    for number in range(seed * num_videos, (seed + 1) * num_videos):
        video = compose_video(objects, backgrounds, seed=number)
        made.append((Tracks(*truths(video)), detect(video, seed=number)))
    found = {}
    for name, method in METHODS.items():
        counts = [count(true, Tracks(track(d, method), d)) for true, d in made]
        for measure in (mota, idf1):
            found[f"{measure.__name__}_{name}"] = np.array([measure(each) for each in counts])
    return found


# --- Question : des films, dont aucun objet n'a servi deux fois ----------------------


def make_clips(pictures: dict, *, limit: int | None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Compose les films d'entraînement, de validation et de test.

    Args:
        pictures: rendu par `scenes.split_pictures` : aucun vêtement ni aucun fond n'est dans deux
            jeux.
        limit: au plus tant de films par jeu, dix fois moins de validation ; None : `NUM_CLIPS`.

    Returns:
        `{"train", "val", "test"}`, des `(films, classes)` ; chaque film de test est suivi de son
        jumeau.
    """
    sizes = limited(NUM_CLIPS, limit)
    return {
        part: compose_clips(
            objects, backgrounds, num_clips=sizes[part], seed=seed, twins=part == "test"
        )
        for seed, (part, (objects, _, backgrounds)) in enumerate(pictures.items())
    }


# --- Question : que change la troisième dimension ? ----------------------------------


def build_model(kind: str = "conv3d") -> keras.Model:
    """Construit un des trois réseaux.

    Args:
        kind: une clé de `WIDTHS`.

    Returns:
        Modèle : films uint8 `(n, 8, 32, 32)` → six probabilités `(n, 6)` float32.
    """
    clips = keras.Input((NUM_FRAMES, CLIP_PX, CLIP_PX), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1)(clips)  # (n, 8, 32, 32)
    if kind == "conv3d":  # un film est un volume
        x = ops.expand_dims(x, -1)  # (n, 8, 32, 32, 1)
    elif kind == "frames":  # chaque image est lue seule
        x = ops.reshape(x, (-1, CLIP_PX, CLIP_PX, 1))  # (8n, 32, 32, 1)
    else:  # les images d'un film sont les canaux d'une seule
        x = ops.transpose(x, (0, 2, 3, 1))  # (n, 32, 32, 8)
    for rank, width in enumerate(WIDTHS[kind]):
        x = convolution(kind, width, is_first=rank == 0)(x)
        x = layers.BatchNormalization(momentum=MOMENTUM)(x)
        x = layers.Activation("relu")(x)  # conv3d : (n, 2, 4, 4, 64) ; frames : (8n, 4, 4, 108)
    x = layers.Flatten()(x)
    x = layers.Dense(len(CLASSES), activation="softmax", dtype="float32")(x)
    if kind == "frames":  # la réponse d'un film est la moyenne de celles de ses images
        x = ops.mean(ops.reshape(x, (-1, NUM_FRAMES, len(CLASSES))), axis=1)
    return keras.Model(clips, x, name=f"ex27_{kind}")


def convolution(kind: str, width: int, *, is_first: bool) -> keras.layers.Layer:
    """Rend la convolution d'un bloc, qui divise par deux les côtés des cartes.

    Args:
        kind: comme pour `build_model`.
        width: nombre de canaux qu'elle rend.
        is_first: la première garde toutes les images d'un film, les suivantes une sur deux.
    """
    if kind == "conv3d":
        strides = (1 if is_first else 2, 2, 2)
        return layers.Conv3D(width, 3, strides=strides, padding="same", use_bias=False)
    return layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False)


# --- Question : apprendre ------------------------------------------------------------


def train(kind: str, clips: dict, *, seed: int, epochs: int, minutes) -> keras.Model:
    """Entraîne un des trois réseaux.

    Args:
        kind: une clé de `WIDTHS`.
        clips: rendu par `make_clips`.
        seed: graine des poids et de l'ordre des films.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
    """
    keras.utils.set_random_seed(seed)
    model = build_model(kind)
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    x_train, y_train = clips["train"]
    model.fit(
        shuffled(x_train, y_train, batch_size=min(BATCH_SIZE, len(x_train)), seed=seed),
        epochs=epochs,
        validation_data=clips["val"],
        validation_batch_size=200,
        callbacks=[lesson.Clock(epochs, minutes, share=SHARES[kind])],
        verbose=0,
    )
    lesson.round_weights(model)
    return model


# --- Question : que vaut chacun ? ----------------------------------------------------


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Mesure le suivi, entraîne les trois réseaux et les mesure sur les films de test.

    Args:
        seed: graine des vidéos suivies, des poids et de l'ordre des films.
        epochs: nombre d'époques de chaque réseau.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de vidéos, et de films de chaque jeu ; None : tous.

    Returns:
        Les mesures du suivi et des actions ; la convolution 3D ; les images et les films de test ;
        dans `pooled`, ce que vaut chaque vidéo suivie, puis chaque film de test et son jumeau, dont
        les réponses ne sont pas indépendantes : la part des deux qui est juste.
    """
    pictures = split_pictures()
    objects, _, backgrounds = pictures["test"]
    num_videos = min(NUM_VIDEOS, limit or NUM_VIDEOS)
    values = measure_tracking(objects, backgrounds, seed=seed, num_videos=num_videos)
    clips = make_clips(pictures, limit=limit)
    x, y = clips["test"]
    models, found = {}, {"nearest": copy_nearest(*clips["train"], x)}
    for kind in WIDTHS:
        models[kind] = train(kind, clips, seed=seed, epochs=epochs, minutes=minutes)
        found[kind] = models[kind].predict(x, batch_size=200, verbose=0).argmax(1)
    for name, classes in found.items():
        values[f"accuracy_{name}"] = (classes == y).reshape(-1, 2).mean(axis=1)
    metrics, pooled = by_image(values)
    kept = {"pictures": (objects, backgrounds), "films": (x, y), "pooled": pooled}
    return lesson.Run(metrics, models["conv3d"], kept)


def pool(found: list[dict]) -> dict:
    """Rend les écarts publiés, sur toutes les graines et tous les films.

    Chaque graine suit d'autres vidéos, et le suivi n'apprend rien : les vidéos de toutes les
    graines sont alors autant de vidéos d'une seule. Les films de test, eux, sont toujours les
    mêmes : leurs écarts comptent les graines et les films.

    Args:
        found: par graine, ce que garde `run`.

    Returns:
        `{"gaps": {"idf1_memory - idf1_neighbour": [moyenne, bas, haut]…}}`.
    """
    names = {name for pair in TRACKING_PAIRS for name in pair}
    videos = {name: [value for each in found for value in each[name]] for name in names}
    return {"gaps": paired_gaps([videos], TRACKING_PAIRS) | paired_gaps(found, ACTION_PAIRS)}


def teach(options) -> None:
    """Mesure, dessine et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    show_measures(found.metrics)
    lesson.save(
        found.model,
        options,
        found.metrics,
        light=False,
        headline=HEADLINE,
        input_shape=[NUM_FRAMES, CLIP_PX, CLIP_PX],
        classes=CLASSES,
        classes_fr=CLASSES_FR,
    )
    folder = output_dir(options)
    figures.save_tracks(*found.kept["pictures"], folder / "suivi.png")
    clips, labels = (each[: len(CLASSES)] for each in found.kept["films"])
    figures.save_clips(clips, labels, found.model.predict(clips, verbose=0), folder / "films.png")
    print(f"Figures : {folder}/suivi.png et {folder}/films.png")
    print(f"Un autre film à suivre : python -m {options.command} --video 7")
    print(f"Un film à vous, pris par une caméra fixe : python -m {options.command} FILM")


def follow(options) -> None:
    """Compose un film, le suit de toutes les façons et le dessine."""
    objects, _, backgrounds = split_pictures()["test"]
    found = measure_tracking(objects, backgrounds, seed=options.video, num_videos=1)
    show_measures({name: float(values.mean()) for name, values in found.items()})
    path = output_dir(options) / f"suivi_{options.video}.png"
    figures.save_tracks(objects, backgrounds, path, seed=options.video)
    print(f"Figure : {path}")


def main(argv: list[str] | None = None) -> int:
    """Lit les options, et donne la leçon, suit un film composé, ou celui qu'on lui donne."""
    parser = lesson_parser("ex27_video", __doc__.splitlines()[0], epochs=EPOCHS)
    film_help = "film à suivre, d'une caméra fixe : vidéo, image animée ou dossier d'images"
    parser.add_argument("film", nargs="?", metavar="FILM", help=film_help)
    help_text = "suivre le film composé de ce numéro, sans rien apprendre"
    parser.add_argument("--video", type=natural_int, metavar="N", help=help_text)
    options = parser.parse_args(argv)
    if options.film is not None and options.video is not None:
        parser.error("un film et --video : donnez l'un ou l'autre")
    if options.film is not None:
        return lesson.run(moving.teach, options)
    return lesson.run(teach if options.video is None else follow, options)


if __name__ == "__main__":
    raise SystemExit(main())
