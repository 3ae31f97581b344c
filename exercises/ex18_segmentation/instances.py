"""Segmentation d'instances : un masque par objet, quand des objets de même classe se touchent.

D'après : S3 « Different problems, models & metrics » (segmentation d'instances).
Commandes : python -m exercises.ex18_segmentation.instances
            python -m exercises.ex18_segmentation.instances image.png
Résultat mesuré : models/ex18_instances.json.

Le U-Net à trois cartes de plus (`grouping.py`) apprend des scènes serrées (`crowds.py`), et ses
masques sont jugés objet par objet (`mask_ap.py`), à côté de réponses naïves (`answers.py`).
"""

from argparse import Namespace

import keras
import numpy as np

from convnets.core.cli import check_output, percent, run, training_command, training_parser
from convnets.core.reports import Headline, Report, format_metric
from convnets.datasets import sources
from convnets.datasets.scenes import SCENE_PX
from convnets.training import export, progress, result, saving, study
from convnets.training.precision import choose_precision
from exercises.ex18_segmentation import instance_figures as figures
from exercises.ex18_segmentation.answers import ANSWERS_FR, answer, knowing_answers, measure_objects
from exercises.ex18_segmentation.crowds import OVERLAPS, Crowds, compose_crowds
from exercises.ex18_segmentation.grouping import add_heads, loss, make_targets
from exercises.ex18_segmentation.networks import build_model
from exercises.ex18_segmentation.training import BATCH_SIZE, LEARNING_RATE, split_sources

EPOCHS = 4
NUM_SCENES = {"train": 4000, "val": 400, "test": 1000}
HEADLINE = (
    ("group_any_ap50", "AP50 des masques, classe ignorée : pixels regroupés"),
    ("components_any_ap50", "AP50 des masques, classe ignorée : taches du même réseau"),
    ("group_any_ap", "AP (IoU de 0,5 à 0,95), classe ignorée : pixels regroupés"),
    ("components_any_ap", "AP (IoU de 0,5 à 0,95), classe ignorée : taches du même réseau"),
    ("true_components_any_ap", "AP (IoU de 0,5 à 0,95), classe ignorée : taches du vrai masque"),
    ("true_boxes_any_ap", "AP (IoU de 0,5 à 0,95), classe ignorée : vraies boîtes, remplies"),
    ("group_ap50", "AP50 des masques, classe comprise : pixels regroupés"),
    ("components_ap50", "AP50 des masques, classe comprise : taches du même réseau"),
)


# --- Question : des scènes serrées, sans image commune -------------------------------


def make_crowds(garments, photos, *, limit: int | None) -> dict[str, Crowds]:
    """Compose les scènes serrées d'apprentissage, de validation et de test.

    Args:
        garments: jeu de Fashion-MNIST, `(x_train, y_train), (x_test, y_test)`.
        photos: jeu de CIFAR-10, de même.
        limit: au plus tant de scènes par jeu, dix fois moins pour la validation, sans descendre
            sous une de chaque sorte là où l'on mesure ; None : toutes celles de `NUM_SCENES`.
    """
    parts, made = split_sources(garments, photos), {}
    for seed, (name, num_scenes) in enumerate(NUM_SCENES.items()):
        if limit:
            least = 1 if name == "train" else len(OVERLAPS)  # une scène de chaque sorte à mesurer
            asked = limit // 10 if name == "val" else limit
            num_scenes = min(num_scenes, max(least, asked))
        made[name] = compose_crowds(*parts[name], num_scenes=num_scenes, seed=seed)
    return made


# --- Question : apprendre ------------------------------------------------------------


def build_instances() -> keras.Model:
    """Construit le U-Net de l'exercice, ses centres et ses décalages en plus."""
    return add_heads(build_model("unet"))


def train(made: dict[str, Crowds], *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne le réseau ; rend celui qu'on livre, et ses courbes."""
    targets = {
        name: make_targets(made[name].owners, made[name].labels) for name in ("train", "val")
    }
    model = study.build(build_instances, seed=seed, precision=options.precision)
    batches = study.Batches(
        made["train"].images,
        targets["train"],
        batch_size=options.batch_size or BATCH_SIZE,
        seed=seed,
        augment=None,
    )
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * len(batches))
    model.compile(keras.optimizers.Adam(schedule), loss=loss, jit_compile=False)
    history = study.fit(
        model,
        batches,
        options=options,
        validation_data=(made["val"].images, targets["val"]),
        validation_batch_size=50,
    )
    return study.to_ship(model, build_instances()), history


# --- Question : toutes les graines ---------------------------------------------------


def run_seed(made: dict[str, Crowds], *, seed: int, options) -> dict:
    """Entraîne et mesure une graine ; rend ce que lit `make_report`."""
    model, history = train(made, seed=seed, options=options)
    val = measure_objects(answer(model, made["val"].images)["group"], made["val"])["ap"]
    test = {
        f"{name}_{key}": value
        for name, found in answer(model, made["test"].images).items()
        for key, value in measure_objects(found, made["test"]).items()
    }
    progress.say(
        f"Graine {seed}, test, classe ignorée : AP50 {percent(test['group_any_ap50'])}, AP "
        f"{percent(test['group_any_ap'])} ; les taches du même réseau, "
        f"{percent(test['components_any_ap50'])} et {percent(test['components_any_ap'])}"
    )
    return {"model": model, "history": history, "val": val, "test": test}


def compare(options: Namespace) -> int:
    """Entraîne chaque graine, écrit le meilleur modèle, le compte rendu et les figures ; rend 0."""
    datasets = sources.load_fashion_mnist(), sources.load_cifar10()

    def rehearse(options) -> float:
        run_seed(make_crowds(*datasets, limit=options.limit), seed=0, options=options)
        return 0.0  # tout a été mesuré : rien ne s'ajoutera

    num_scenes = min(NUM_SCENES["train"], options.limit or NUM_SCENES["train"])
    options = study.fit_to_minutes(options, rehearse, num_images=num_scenes)
    print("Composition des scènes…", flush=True)
    made = make_crowds(*datasets, limit=options.limit)
    with progress.follow(seeds=options.seeds, options=options):
        runs = [run_seed(made, seed=seed, options=options) for seed in range(options.seeds)]
    report = make_report(options, runs, made, datasets)
    model = runs[report.shipped["seed"]]["model"]
    published = result.published(options.module)
    folder, reason = saving.save_model(
        model,
        options.module,
        report,
        export=(export.export_litert(model, weights="float16"), "float16"),
        models_dir=options.models_dir,
        force=options.force,
    )
    print(table(report))
    figures.save_all(options, report, model, made["test"])
    result.tell(
        Namespace(**vars(options) | {"models_dir": folder}),
        report,
        reason=reason,
        published=published,
        shown=result.Shown("group_any_ap50", "AP50 des masques, classe ignorée,"),
        use=result.own_command(options, "image.png", folder=folder),
    )
    return 0


def make_report(options, runs: list[dict], made: dict[str, Crowds], datasets) -> Report:
    """Rassemble les mesures de toutes les graines ; la validation choisit celle qui est livrée.

    Args:
        options: options de `cli.training_parser`.
        runs: rendus par `run_seed`.
        made: scènes de `make_crowds`.
        datasets: `(Fashion-MNIST, CIFAR-10)`, pour leurs empreintes.
    """
    scores = [each["val"] for each in runs]
    best = int(np.argmax(scores))
    metrics = {
        name: study.summarise([each["test"][name] for each in runs]) for name in runs[0]["test"]
    }
    # Celles qui connaissent la vérité n'ont pas de hasard : dites une seule fois.
    for name, found in knowing_answers(made["test"]).items():
        measured = measure_objects(found, made["test"])
        metrics |= {f"{name}_{key}": study.summarise([value]) for key, value in measured.items()}
    sha256 = [sources.dataset_sha256(each) for each in datasets]
    return Report(
        command=training_command(options),
        headline=[Headline(name, label) for name, label in HEADLINE],
        metrics=metrics,
        shipped={"seed": best, **runs[best]["test"]},
        score=scores[best],
        validation=study.summarise(scores),
        seeds=list(range(options.seeds)),
        duration_s=study.summarise([sum(each["history"]["duration_s"]) for each in runs]),
        precision=choose_precision(options.precision),
        backend=keras.backend.backend(),
        num_parameters=int(runs[best]["model"].count_params()),
        num_images={name: len(part.images) for name, part in made.items()},
        data_sha256=dict(zip(("fashion_mnist", "cifar10"), sha256, strict=True)),
        input_shape=[SCENE_PX, SCENE_PX, 3],
        history=runs[best]["history"],
    )


def table(report: Report) -> str:
    """Met les AP en tableau : une ligne par réponse ; AP50 et AP, avec puis sans la classe."""
    titles = ("AP50", "AP", "AP50 sans classe", "AP sans classe")
    lines = [f"{'':<28}" + "".join(f"{title:>18}" for title in titles)]
    for name, label in ANSWERS_FR.items():
        cells = [
            format_metric(report.metrics[f"{name}_{key}"])
            for key in ("ap50", "ap", "any_ap50", "any_ap")
        ]
        lines.append(f"{label:<28}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Sans image, entraîne et mesure ; avec une image, en sépare les objets."""
    parser = training_parser(
        "ex18_instances",
        __doc__.splitlines()[0],
        epochs=EPOCHS,
        command="ex18_segmentation.instances",
    )
    parser.add_argument("image", nargs="?", help="image à segmenter ; sans elle, on entraîne")
    options = parser.parse_args(argv)

    def body() -> int:
        check_output(options)
        return figures.segment(options) if options.image is not None else compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
