"""Le moteur des recettes : une graine après l'autre, la mesure, le compte rendu, le modèle."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import keras

from convnets.core import paths
from convnets.core.cli import FrenchParser, percent, positive_int, run, shown_path
from convnets.core.reports import Headline, Report, format_metric, format_spread, summarise
from convnets.datasets import sources
from convnets.figures.charts import save_mistakes, save_training_figures
from convnets.serving import calibration
from convnets.training import export, lesson, saving
from convnets.training.precision import choose_precision
from recipes.training.stages import Stages


class Recipe(NamedTuple):
    """Ce qui distingue une recette d'une autre."""

    dataset: tuple  # (x_train, y_train), (x_test, y_test)
    num_val: int  # images retirées de l'entraînement ; elles choisissent la graine livrée
    train: Callable  # train(learned, val, *, seed, options, stages) → modèle, courbes
    evaluate: Callable  # evaluate(model, x, y) → mesures, dont accuracy et probabilities
    classes: Sequence[str]  # noms anglais
    classes_fr: Sequence[str]  # noms français, dans le même ordre
    headline: dict[str, str]  # mesures que les tableaux montrent, et ce qu'elles veulent dire
    report: dict[str, object]  # ce que la recette ajoute au compte rendu
    details: dict[str, object] = {}  # et à ses détails
    assemble: Callable | None = None  # assemble(model, num_val) → (à livrer, x_val, x_test)


def make_parser(
    name: str, doc: str, *, epochs: int | None, seeds: int, shown: str = ""
) -> FrenchParser:
    """Prépare les options d'une recette.

    Args:
        name: nom de la recette, et du modèle qu'elle fait.
        doc: documentation du module ; sa première ligne ouvre l'aide.
        epochs: nombre d'époques par défaut.
        shown: ce que l'aide en dit, quand il dépend d'une autre option.
        seeds: nombre de graines par défaut.
    """
    parser = FrenchParser(prog=f"python -m recipes.{name}", description=doc.splitlines()[0])
    add = parser.add_argument
    add(
        "--epochs",
        type=positive_int,
        default=epochs,
        metavar="N",
        help=f"nombre d'époques ({shown or epochs} par défaut)",
    )
    add(
        "--seeds",
        type=positive_int,
        default=seeds,
        metavar="N",
        help=f"entraîner N fois, graines 0 à N-1 ({seeds} par défaut)",
    )
    add(
        "--limit",
        type=positive_int,
        metavar="N",
        help="n'utiliser que les N premières images, pour essayer (avec --models-dir)",
    )
    add("--batch-size", type=positive_int, metavar="N", help="images par lot")
    add(
        "--precision",
        choices=["auto", "float32", "mixed_bfloat16"],
        default="auto",
        help="calcul (auto : bfloat16 s'il est plus rapide ici)",
    )
    add(
        "--resume",
        action="store_true",
        help="reprendre un entraînement interrompu, du début s'il n'a rien laissé",
    )
    add(
        "--models-dir",
        type=Path,
        default=paths.MODELS_DIR,
        metavar="DOSSIER",
        help="où écrire le modèle (models/ par défaut)",
    )
    add("--output", type=Path, metavar="DOSSIER", help=f"figures (figures/{name} par défaut)")
    parser.set_defaults(module=name, command=name)
    return parser


def recipe_command(options, seeds: int) -> str:
    """Écrit la commande qui refait un modèle, pour son compte rendu.

    Args:
        options: options de `make_parser`.
        seeds: graines apprises.

    Returns:
        Par exemple `"python -m recipes.garments --seeds 2 --epochs 36"`.
    """
    return (
        f"python -m recipes.{options.command} --seeds {seeds} --epochs {options.epochs}"
        + (f" --limit {options.limit}" if options.limit else "")
        + (f" --batch-size {options.batch_size}" if options.batch_size else "")
        + (f" --precision {options.precision}" if options.precision != "auto" else "")
    )


def build(build_model: Callable[[], keras.Model], *, seed: int, precision: str) -> keras.Model:
    """Construit un modèle à entraîner : poids tirés de la graine, calculs au format voulu.

    Args:
        build_model: fonction sans argument.
        seed: graine des poids initiaux, du dropout et de tout hasard global.
        precision: voir `precision.choose_precision`.

    Returns:
        Le modèle ; ses poids sont toujours en float32.
    """
    policy = choose_precision(precision)
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(policy)
    try:
        return build_model()
    finally:
        keras.config.set_dtype_policy("float32")


def to_ship(network: keras.Model, shipped: keras.Model) -> keras.Model:
    """Copie les poids d'un réseau entraîné dans celui qu'on livre, et les arrondit.

    Args:
        network: réseau entraîné, dans un format quelconque.
        shipped: réseau de mêmes poids, qui calcule en float32 ; modifié sur place.

    Returns:
        `shipped`. C'est lui qui est mesuré : l'arrondi est compris dans ce qu'on publie.
    """
    shipped.set_weights(network.get_weights())
    lesson.round_weights(shipped)
    return shipped


def launch(options, recipe: Callable[[], Recipe]) -> int:
    """Apprend, mesure et enregistre le modèle d'une recette.

    Args:
        options: options de `make_parser`.
        recipe: la rend, données chargées.

    Returns:
        Le code de sortie.
    """

    def body() -> int:
        if options.limit and options.models_dir.resolve() == paths.MODELS_DIR:
            raise ValueError("--limit : un essai ne remplace pas un record, donnez --models-dir.")
        return measure(recipe(), options)

    return run(body, advice=" La même commande, avec --resume, reprend où elle en était.")


def measure(recipe: Recipe, options) -> int:
    """Entraîne une fois par graine, garde le meilleur, écrit le compte rendu.

    Le jeu de validation est le même pour toutes les graines ; lui seul choisit le modèle livré. Le
    jeu de test n'est lu qu'une fois par graine, à la fin.

    Le modèle et son compte rendu sont écrits après chaque graine : une coupure pendant la suivante
    ne les perd pas. Un réseau à assembler ne l'est qu'à la fin : ses graines durent des secondes.

    Args:
        recipe: la recette.
        options: options de `make_parser`.

    Returns:
        0, le code de sortie.
    """
    export.check_tensorflow(movable=True)
    splits = lesson.split(recipe.dataset, limit=options.limit, num_val=recipe.num_val)
    stages, runs = Stages(options), []
    for seed in range(options.seeds):
        model, history = recipe.train(
            splits[:2], splits[2:4], seed=seed, options=options, stages=stages
        )
        val, test = recipe.evaluate(model, *splits[2:4]), recipe.evaluate(model, *splits[4:])
        runs.append({"model": model, "history": history, "val": val, "test": test})
        print(f"Graine {seed} : exactitude {percent(val['accuracy'])} en validation.", flush=True)
        if seed + 1 == options.seeds or not recipe.assemble:
            publish(recipe, options, runs, splits, stages)
    return 0


def publish(recipe: Recipe, options, runs: list[dict], splits: tuple, stages: Stages) -> None:
    """Écrit le modèle de la meilleure graine, son compte rendu et ses figures ; voir `measure`."""
    best = max(range(len(runs)), key=lambda seed: runs[seed]["val"]["accuracy"])
    report = make_report(recipe, options, runs, best, splits, stages)
    model, (_, _, x_val, y_val, x_test, y_test) = runs[best]["model"], splits
    if recipe.assemble:
        model, x_val, x_test = recipe.assemble(model, len(x_val))
        report.num_parameters, report.input_shape = model.count_params(), list(x_val.shape[1:])
    report = save(model, report, options.module, (x_val, y_val), (x_test, y_test), options)
    probabilities = runs[best]["test"]["probabilities"]
    save_training_figures(options, report)
    if not recipe.assemble:  # ailleurs, ce ne sont pas des images qui ont été apprises
        save_mistakes(options, report, x_test, y_test, probabilities)
    for name, label in recipe.headline.items():
        metric = report.metrics[name]
        print(f"{label} : {format_metric(metric)} ({format_spread(metric)})")


def make_report(
    recipe: Recipe, options, runs: list[dict], best: int, splits: tuple, stages: Stages
) -> Report:
    """Rassemble les mesures de toutes les graines.

    Args:
        recipe: la recette.
        options: options de `make_parser`.
        runs: par graine, `model`, `history`, `val` et `test`.
        best: graine livrée.
        splits: images et classes, voir `lesson.split`.
        stages: étapes finies.
    """
    _, _, x_val, y_val, x_test, y_test = splits
    val, test = runs[best]["val"], runs[best]["test"]
    y_pred, classes = test["probabilities"].argmax(1), recipe.classes
    names = [name for name in test if name != "probabilities"]
    found = {
        "command": recipe_command(options, len(runs)),
        "metrics": {name: summarise([run["test"][name] for run in runs]) for name in names},
        "headline": [Headline(metric, label) for metric, label in recipe.headline.items()],
        "shipped": {"seed": best, **{name: test[name] for name in names}},
        "calibration": calibration.calibrate(
            val["probabilities"], y_val, test["probabilities"], y_test
        ),
        "score": val["accuracy"],
        "validation": summarise([run["val"]["accuracy"] for run in runs]),
        "seeds": list(range(len(runs))),
        "duration_s": summarise(stages.durations_s()),
        "precision": choose_precision(options.precision),
        "backend": keras.backend.backend(),
        "num_parameters": int(runs[best]["model"].count_params()),
        "num_images": dict(zip(("train", "val", "test"), map(len, splits[::2]), strict=True)),
        "data_sha256": sources.dataset_sha256(recipe.dataset),
        "input_shape": list(x_val.shape[1:]),
        "classes": list(classes),
        "classes_fr": list(recipe.classes_fr),
        "confusion_matrix": lesson.confusion_matrix(y_test, y_pred, len(classes)).tolist(),
        "history": runs[best]["history"],
        "details": {**recipe.details, **stages.describe()},
        **recipe.report,
    }
    return Report(**found)


def save(model: keras.Model, report: Report, name: str, val: tuple, test: tuple, options) -> Report:
    """Enregistre un modèle, son export pour `./predict` et son compte rendu ; dit où.

    Sans TensorFlow, qui seul exporte, les poids et le compte rendu seulement.

    Args:
        model: modèle appris.
        report: compte rendu, que l'export complète.
        name: nom du modèle.
        val: images de validation et leurs classes, qui choisissent le format de l'export.
        test: les mêmes, de test, où son exactitude est mesurée.
        options: `models_dir`, où écrire.

    Returns:
        Le compte rendu enregistré.
    """
    exported = None
    if export.can_export():
        exported = export.choose_export(model, *val)
        report.export_accuracy = export.export_accuracy(exported[0], *test)
    report = saving.save_model(model, name, report, export=exported, models_dir=options.models_dir)
    where = shown_path(options.models_dir / name)
    print(f"Poids : {where}.keras (graine {report.shipped['seed']}).")
    if exported:
        print(f"Pour s'en servir : ./predict --model {where} image.png", flush=True)
    else:
        print(
            "TensorFlow n'est pas installé ici : copiez ce fichier et son .json dans models/, là "
            f"où il l'est, puis python -m recipes.export {name}.",
            flush=True,
        )
    return report
