"""Suivre et reconnaître : mesurer sur plusieurs tirages, garder le meilleur réseau.

D'après : S3 « Object Tracking », « Action Recognition » ; S0 « Convolution 3D ».
Commande : python -m exercises.ex27_video
"""

from argparse import Namespace

import keras
import numpy as np

from convnets.core.cli import percent, training_command
from convnets.core.reports import Headline, Report
from convnets.datasets import sources
from convnets.training import progress, result, saving, study
from convnets.training.precision import choose_precision
from exercises.ex27_video import figures, training
from exercises.ex27_video.clips import CLASSES, CLASSES_FR, CLIP_PX, NUM_FRAMES
from exercises.ex27_video.metrics import Tracks, add, count, idf1, mota
from exercises.ex27_video.tracking import METHODS, track
from exercises.ex27_video.videos import compose_video, detect, truths

NUM_DRAWS = 3  # tirages de vidéos : le suivi n'apprend rien, seules les vidéos changent
NUM_VIDEOS = 20  # par tirage
HEADLINE = (
    ("idf1_kalman", "suivi : IDF1, vitesse et mémoire"),
    ("idf1_memory", "suivi : IDF1, mémoire seule"),
    ("idf1_neighbour", "suivi : IDF1, de voisin en voisin"),
    ("mota_kalman", "suivi : MOTA, vitesse et mémoire"),
    ("mota_neighbour", "suivi : MOTA, de voisin en voisin"),
    ("accuracy_conv3d", "actions : exactitude, convolution 3D"),
    ("accuracy_stack", "actions : exactitude, 2D sur les images empilées"),
    ("accuracy_frames", "actions : exactitude, 2D image par image"),
    ("accuracy_mean", "actions : exactitude, 2D sur l'image moyenne"),
    ("accuracy_constant", "actions : exactitude, toujours la même réponse"),
    ("order_conv3d", "actions : ordre juste, la paire donnée, convolution 3D"),
    ("order_shuffled", "actions : le même, images mélangées"),
)


# --- Question : qui est qui, d'une image à l'autre ? ---------------------------------


def measure_tracking(
    objects: np.ndarray, backgrounds: np.ndarray, *, num_videos: int
) -> dict[str, list[float]]:
    """Mesure chaque façon de suivre sur `NUM_DRAWS` tirages de vidéos.

    Args:
        objects: vêtements uint8 `(m, 28, 28)`.
        backgrounds: photographies uint8 `(f, h, w, 3)`.
        num_videos: vidéos par tirage.

    Returns:
        `mota_…`, `idf1_…` et `switches_…` de chaque méthode : une valeur par tirage ; les
        changements d'identité sont comptés par vidéo.
    """
    found = {}
    for draw in range(NUM_DRAWS):
        made = []
        for seed in range(draw * num_videos, (draw + 1) * num_videos):
            video = compose_video(objects, backgrounds, seed=seed)
            made.append((Tracks(*truths(video)), detect(video, seed=seed)))
        for name, method in METHODS.items():
            counts = add([count(true, Tracks(track(d, method), d)) for true, d in made])
            for measure, value in (
                ("mota", mota(counts)),
                ("idf1", idf1(counts)),
                ("switches", counts.switches / num_videos),
            ):
                found.setdefault(f"{measure}_{name}", []).append(value)
    return found


# --- Question : tout mesurer ---------------------------------------------------------


def compare(options) -> int:
    """Mesure le suivi, entraîne chaque graine, enregistre le meilleur réseau ; rend 0."""
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()
    (_, _), (objects, _) = fashion
    (_, _), (backgrounds, _) = cifar
    num_videos = min(NUM_VIDEOS, options.limit or NUM_VIDEOS)
    tracked = measure_tracking(objects, backgrounds, num_videos=num_videos)
    fixed = {name: study.summarise(values) for name, values in tracked.items()}
    print(figures.tracking_table(fixed), flush=True)

    def rehearse(options) -> float:
        training.measure(make(options), seed=0, options=options)
        return 0.0  # tout a été mesuré : rien ne s'ajoutera

    def make(options) -> dict:
        return training.make_clips(fashion, cifar, limit=options.limit)

    num_clips = min(training.NUM_CLIPS["train"], options.limit or training.NUM_CLIPS["train"])
    options = study.fit_to_minutes(options, rehearse, num_images=num_clips, stages=training.COSTS)
    print("Composition des films…", flush=True)
    clips, runs = make(options), []
    with progress.follow(seeds=options.seeds, stages=training.COSTS, options=options):
        for seed in range(options.seeds):
            runs.append(training.measure(clips, seed=seed, options=options))
            test = runs[-1].test
            progress.say(
                f"Graine {seed}, test : convolution 3D {percent(test['accuracy_conv3d'])}, image "
                f"par image {percent(test['accuracy_frames'])}"
            )
    best = max(range(len(runs)), key=lambda seed: runs[seed].val)
    learned = {name: study.summarise([run.test[name] for run in runs]) for name in runs[0].test}
    report = Report(
        command=training_command(options),
        metrics=fixed | learned,
        headline=[Headline(name, label) for name, label in HEADLINE],
        shipped={"seed": best, **runs[best].test},
        score=runs[best].val,
        validation=study.summarise([run.val for run in runs]),
        seeds=list(range(options.seeds)),
        duration_s=study.summarise([sum(run.history["duration_s"]) for run in runs]),
        precision=choose_precision(options.precision),
        backend=keras.backend.backend(),
        num_parameters=int(runs[best].model.count_params()),
        parameters=runs[best].parameters,
        num_images={part: len(x) for part, (x, _) in clips.items()},
        data_sha256={
            "fashion_mnist": sources.dataset_sha256(fashion),
            "cifar10": sources.dataset_sha256(cifar),
        },
        input_shape=[NUM_FRAMES, CLIP_PX, CLIP_PX],
        history=runs[best].history,
        classes=CLASSES,
        classes_fr=CLASSES_FR,
        details={"num_videos": num_videos},
    )
    published = result.published(options.module)
    folder, reason = saving.save_model(
        runs[best].model, options.module, report, models_dir=options.models_dir, force=options.force
    )
    written = Namespace(**vars(options) | {"models_dir": folder})
    figures.save_all(written, report, runs[best].model, objects, backgrounds)
    result.tell(
        written,
        report,
        reason=reason,
        published=published,
        shown=result.Shown("accuracy_conv3d", "Exactitude de la convolution 3D"),
        use=result.own_command(options, "--show", folder=folder),
    )
    return 0
