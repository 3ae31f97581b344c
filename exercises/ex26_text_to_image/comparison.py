"""Toutes les graines : apprendre, dessiner ce que demandent les phrases, juger à chaque force.

D'après : S3, figure (6), phrase → image.
Commande : python -m exercises.ex26_text_to_image

Les phrases de la mesure sont vraies d'images de test, que le réseau n'a pas vues. Ces images sont
aussi le plafond : elles ont été photographiées, et non fabriquées.
"""

from argparse import Namespace
from typing import NamedTuple

import keras
import numpy as np

from convnets.core.cli import percent, training_command
from convnets.core.reports import Headline, Report
from convnets.datasets import sources
from convnets.training import progress, result, saving, study
from convnets.training.precision import choose_precision
from exercises.ex26_text_to_image import figures, flow, measures, network, sentences
from exercises.ex26_text_to_image.subjects import Subject, levels, thirds

NUM_VAL = 2000  # images retirées de l'entraînement ; leur perte désigne la graine livrée
NUM_DRAWN = 500  # phrases de test, une image chacune
NUM_REFERENCE = 5000  # images d'apprentissage auxquelles Fréchet compare
FORCES = (0, 1, 2, 4)  # forces de la phrase mesurées
HEADLINE = (
    ("named_2", "images nommées comme demandé, force 2"),
    ("named_1", "images nommées comme demandé, force 1"),
    ("named_0", "images nommées comme demandé, sans lire la phrase"),
    ("named_real", "images nommées comme demandé, vraies images"),
    ("obeyed_2", "adjectifs vrais de l'image, force 2"),
    ("obeyed_exact", "adjectifs vrais, image d'apprentissage de la classe"),
    ("frechet_2", "distance de Fréchet, force 2", ""),
    ("frechet_1", "distance de Fréchet, force 1", ""),
    ("frechet_real", "distance de Fréchet, vraies images", ""),
    ("frechet_mean", "distance de Fréchet, image moyenne de la classe", ""),
    ("frechet_noise", "distance de Fréchet, bruit", ""),
    ("copied_2", "images presque recopiées, force 2"),
    ("copied_real", "images presque recopiées, vraies images"),
    ("copied_exact", "images presque recopiées, réseau parfait"),
)


class Part(NamedTuple):
    """Des images, et la phrase de chacune."""

    images: np.ndarray  # uint8 (n, h, w, c)
    labels: np.ndarray  # (n,)
    sentences: list[str]
    said: np.ndarray  # ce que disent leurs adjectifs (n, 2)


class Bench(NamedTuple):
    """Ce à quoi toute image fabriquée est comparée, préparé une fois."""

    judge: measures.Judge
    bounds: np.ndarray  # des adjectifs, voir `subjects.thirds`
    reference: np.ndarray  # caractéristiques d'images d'apprentissage (n, d)
    real: measures.Neighbours  # voisines des images de test


def compare(options: Namespace, subject: Subject) -> int:
    """Entraîne et juge chaque graine, enregistre le meilleur réseau ; rend 0."""
    dataset = subject.load()

    def rehearse(options) -> float:
        parts = split(subject, dataset, options.limit)
        run_seed(subject, parts, make_bench(subject, parts), seed=0, options=options)
        return 0.0  # tout a été mesuré : rien ne s'ajoutera

    num_images = len(dataset[0][0][: options.limit])
    options = study.fit_to_minutes(options, rehearse, num_images=num_images)
    parts = split(subject, dataset, options.limit)
    bench = make_bench(subject, parts)
    with progress.follow(seeds=options.seeds, options=options):
        runs = [
            run_seed(subject, parts, bench, seed=seed, options=options)
            for seed in range(options.seeds)
        ]
    naive = measure_naive(subject, parts, bench)
    report = make_report(options, runs, naive, parts)
    report.data_sha256 = sources.dataset_sha256(dataset)
    report.input_shape, report.classes_fr = list(subject.pixels), list(subject.classes_fr)
    model = runs[report.shipped["seed"]]["model"]
    published = result.published(options.module)
    folder, reason = saving.save_model(
        model, options.module, report, models_dir=options.models_dir, force=options.force
    )
    written = Namespace(**vars(options) | {"models_dir": folder})
    figures.save_all(written, subject, report, model, dataset)
    result.tell(
        written,
        report,
        reason=reason,
        published=published,
        shown=result.Shown(f"named_{flow.GUIDANCE}", "Images nommées comme demandé"),
        use=result.own_command(options, f'--say "{subject.examples[0]}"', folder=folder),
    )
    return 0


def split(subject: Subject, dataset, limit: int | None) -> dict[str, Part]:
    """Partage un jeu en `train`, `val` et `test`, et compose une phrase vraie de chaque image.

    Raises:
        ValueError: `limit` inférieur à 3 : il faut deux images pour apprendre, une pour valider.
    """
    if limit is not None and limit < 3:
        raise ValueError(
            f"--limit {limit} : il faut au moins trois images, dont deux pour apprendre."
        )
    (x, y), (x_test, y_test) = [(x[:limit], y[:limit].reshape(-1)) for x, y in dataset]
    num_val = min(NUM_VAL, max(1, len(x) // 10))
    train, val = sources.split_validation(x, y, num_val=num_val, seed=0)
    pairs = {"train": train, "val": val, "test": (x_test[:NUM_DRAWN], y_test[:NUM_DRAWN])}
    pairs = {name: (x.reshape(-1, *subject.pixels), y) for name, (x, y) in pairs.items()}
    bounds, found = thirds(subject, *pairs["train"]), {}
    for number, (name, (images, labels)) in enumerate(pairs.items()):
        true = levels(subject, images, labels, bounds)
        rng = np.random.default_rng(number)
        found[name] = Part(images, labels, *sentences.describe(subject, labels, true, rng=rng))
    return found


def make_bench(subject: Subject, parts: dict[str, Part]) -> Bench:
    """Prépare ce à quoi les images fabriquées sont comparées."""
    judge, train = measures.load_judge(subject), parts["train"]
    return Bench(
        judge,
        thirds(subject, train.images, train.labels),
        judge.look(train.images[:NUM_REFERENCE])[0],
        measures.neighbours(parts["test"].images, train.images),
    )


# --- Question : ce que vaut une graine -----------------------------------------------


def run_seed(subject: Subject, parts: dict[str, Part], bench: Bench, *, seed: int, options) -> dict:
    """Entraîne un réseau, dessine les phrases de test à chaque force, et juge les images.

    Returns:
        `model`, `history`, `val` (perte de validation) et `test`, les mesures.
    """
    train, val, test = (parts[name] for name in ("train", "val", "test"))
    words = sentences.encode(subject, train.sentences)
    model, history = network.train(subject, train.images, words, seed=seed, options=options)
    given, wanted = network.draw_batch(
        val.images, sentences.encode(subject, val.sentences), rng=np.random.default_rng(0)
    )
    answered = model.predict(given, batch_size=network.PASS_SIZE, verbose=0)
    asked = sentences.encode(subject, test.sentences)
    noise = network.draw_noise(subject, len(asked), seed=seed)
    measured = {}
    for force in FORCES:
        drawn = network.draw_path(model, asked, noise, guidance=force)[-1]
        found = judge_images(subject, drawn, parts, bench)
        measured |= {f"{name}_{force}": value for name, value in found.items()}
        line = f"{percent(found['named'])} nommées comme demandé, Fréchet {found['frechet']:.2f}"
        progress.say(f"  force {force} : {line}".replace(".", ","))
    loss = float(np.mean((answered - wanted) ** 2))
    return {"model": model, "history": history, "val": loss, "test": measured}


def judge_images(
    subject: Subject, images: np.ndarray, parts: dict[str, Part], bench: Bench
) -> dict[str, float]:
    """Juge des images qui répondent aux phrases de test.

    Args:
        subject: le sujet.
        images: uint8 `(n, h, w, c)`, une par phrase de test.
        parts: rendu par `split`.
        bench: rendu par `make_bench`.

    Returns:
        `named`, `obeyed`, `copied` : des parts ; `frechet` ; `distance`, celle de la plus proche
        image d'apprentissage, médiane, en niveaux de gris.
    """
    test, near = parts["test"], measures.neighbours(images, parts["train"].images)
    features, names = bench.judge.look(images)
    return {
        "named": float(np.mean(names == test.labels)),
        "obeyed": measures.obeyed(subject, images, test.labels, test.said, bench.bounds),
        "frechet": measures.frechet(features, bench.reference),
        "distance": float(np.median(near.distance)),
        "copied": measures.copied(near.ratio, bench.real.ratio),
    }


# --- Question : à quoi comparer ? ----------------------------------------------------


def measure_naive(subject: Subject, parts: dict[str, Part], bench: Bench) -> dict[str, float]:
    """Juge de la même façon ce qui n'a rien appris, et de vraies images.

    Returns:
        Les mesures de `judge_images`, sous le nom de chaque clé de `NAIVE_FR`.
    """
    train, test = parts["train"], parts["test"]
    noise = network.draw_noise(subject, len(test.labels), seed=0)
    means, exact = (np.zeros_like(test.images) for _ in range(2))
    for label in np.unique(test.labels):
        own, asked = train.images[train.labels == label], test.labels == label
        if len(own):
            means[asked] = own.mean(axis=0).round()
            velocity = flow.exact_velocity(flow.to_unit(own))
            exact[asked] = flow.to_pixels(flow.follow(velocity, noise[asked])[-1])
    drawn = {"real": test.images, "exact": exact, "mean": means, "noise": flow.to_pixels(noise)}
    return {
        f"{name}_{key}": value
        for key, images in drawn.items()
        for name, value in judge_images(subject, images, parts, bench).items()
    }


# --- Question : ce qu'on en retient --------------------------------------------------


def make_report(
    options: Namespace, runs: list[dict], naive: dict[str, float], parts: dict[str, Part]
) -> Report:
    """Rassemble les mesures de toutes les graines ; la validation choisit le réseau livré.

    Args:
        options: options de `cli.training_parser`.
        runs: rendus par `run_seed`.
        naive: rendu par `measure_naive`.
        parts: rendu par `split`.
    """
    scores = [-run["val"] for run in runs]
    best = int(np.argmax(scores))
    learned = {
        name: study.summarise([run["test"][name] for run in runs]) for name in runs[0]["test"]
    }
    return Report(
        command=training_command(options),
        headline=[Headline(*each) for each in HEADLINE],
        metrics=learned | {name: study.summarise([value]) for name, value in naive.items()},
        shipped={"seed": best, **runs[best]["test"]},
        score=scores[best],
        validation=study.summarise(scores),
        seeds=list(range(options.seeds)),
        duration_s=study.summarise([sum(run["history"]["duration_s"]) for run in runs]),
        precision=choose_precision(options.precision),
        backend=keras.backend.backend(),
        num_parameters=int(runs[best]["model"].count_params()),
        num_images={name: len(part.images) for name, part in parts.items()},
        history=runs[best]["history"],
    )
