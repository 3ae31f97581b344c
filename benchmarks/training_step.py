"""L'entraînement de CIFAR-10 : ce que coûtent la lecture et l'augmentation à côté du pas lui-même.

Dans chaque processus (un moteur de Keras, un format de calcul), le même réseau compilé fait tour à
tour des pas d'entraînement par son vrai chemin (lots mélangés, augmentés, `fit`, rappels), et des
pas bruts : `train_on_batch`, toujours sur le même lot.
"""

import contextlib
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import measure
from benchmarks.processes import Worker
from convnets.datasets import sources
from convnets.figures import style

SKIPPED_STEPS = 3  # premiers pas de chaque `fit` : la file de lots se remplit
STEPS = 8  # pas chronométrés
SPARE_BATCHES = 4  # jamais vus : la file de lots reste pleine jusqu'au dernier pas
NUM_IMAGES = 8192  # de quoi faire quinze lots de 512
RECIPES = {"light": "thumbnails_light", "large": "thumbnails"}  # les modules de `recipes`
QUICK = {"widths": (8, 16, 16), "batch_size": 32}
QUICK_STEPS = 2
LARGEST_EPOCHS = 1000  # le calendrier ne doit pas finir, ni le taux devenir négatif


class Recipe(NamedTuple):
    """La recette dont un pas est mesuré."""

    module: str  # de `recipes`
    widths: tuple[int, ...]
    batch_size: int


class Peer(NamedTuple):
    """Un moteur de Keras, un format de calcul."""

    backend: str
    precision: str


REFERENCE = "TensorFlow, float32"
PEERS = {
    REFERENCE: Peer("tensorflow", "float32"),
    "TensorFlow, bfloat16": Peer("tensorflow", "mixed_bfloat16"),
    "torch, float32": Peer("torch", "float32"),
    "torch, bfloat16": Peer("torch", "mixed_bfloat16"),
}


# --- Dans le processus d'un moteur -----------------------------------------------------


class _Ready(Exception):
    """Tout est prêt pour l'entraînement, qui n'aura pas lieu."""


def compiled_recipe(recipe: Recipe, images: np.ndarray, labels: np.ndarray, precision: str):
    """Rend ce que la première étape d'une recette donne à `study.fit`, sans rien entraîner.

    L'appel à `fit` est intercepté : le réseau, son optimiseur, ses lots et ses rappels sont ceux
    de la recette, et non une copie qui pourrait s'en écarter.

    Args:
        recipe: la recette.
        images: uint8 `(n, 32, 32, 3)`.
        labels: classes `(n,)` ou `(n, 1)`.
        precision: `"float32"`, `"mixed_bfloat16"` ou `"auto"`.

    Returns:
        `(modèle compilé, lots, rappels)`.
    """
    import importlib
    from unittest import mock

    from convnets.training import stages, study

    module, seen = importlib.import_module(f"recipes.{recipe.module}"), []

    def intercept(model, batches, **fit_options):
        seen.append((model, batches, fit_options.get("callbacks", [])))
        raise _Ready

    with (
        tempfile.TemporaryDirectory(prefix="cours-cnn-") as folder,
        mock.patch.object(study, "fit", intercept),
        mock.patch.object(module, "WIDTHS", recipe.widths),
        contextlib.suppress(_Ready),
    ):
        options = Namespace(
            module="measured",
            models_dir=Path(folder),
            epochs=LARGEST_EPOCHS,
            batch_size=recipe.batch_size,
            precision=precision,
            resume=False,
            rounds=0,  # les étiquettes seules
        )
        few = images[:1], labels[:1]
        steps = stages.Stages(options)
        module.train(images, labels, *few, seed=0, options=options, stages=steps)
    return seen[0]


def find_recipe(name: str, *, quick: bool) -> Recipe:
    """Rend une recette de CIFAR-10, ou sa miniature.

    Args:
        name: clé de `RECIPES`.
        quick: en miniature.
    """
    import importlib

    from recipes import thumbnails

    module = importlib.import_module(f"recipes.{RECIPES[name]}")
    recipe = Recipe(RECIPES[name], module.WIDTHS, thumbnails.BATCH_SIZE)
    return recipe._replace(**(QUICK if quick else {}))


def step_task(recipe: str, precision: str, images: str, quick: bool) -> Callable[..., float]:
    """Rend la tâche qui fait quelques pas et en rend le débit, en images par seconde.

    Args:
        recipe: clé de `RECIPES`.
        precision: format de calcul.
        images: fichier `.npz` qui contient `x` et `y`.
        quick: réseau minuscule, deux pas.
    """
    import keras

    from convnets.core.memory import keep_freed_memory

    keep_freed_memory()  # comme toute commande d'exercice, avant le premier calcul
    found, steps = find_recipe(recipe, quick=quick), QUICK_STEPS if quick else STEPS
    needed = found.batch_size * (SKIPPED_STEPS + steps + SPARE_BATCHES)
    with np.load(images) as file:
        x, y = file["x"][:needed], file["y"][:needed]
    model, batches, callbacks = compiled_recipe(found, x, y, precision)
    fixed, ends = batches[0], []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            ends.append(time.perf_counter())

    def task(*, real: bool) -> float:
        ends.clear()
        if real:
            model.fit(
                batches,
                epochs=1,
                steps_per_epoch=SKIPPED_STEPS + steps,
                shuffle=False,
                verbose=0,
                callbacks=[*callbacks, Clock()],
            )
        else:
            for _ in range(SKIPPED_STEPS + steps):
                model.train_on_batch(*fixed)
                ends.append(time.perf_counter())
        return steps_rate(ends, batches.batch_size)

    return task


def steps_rate(ends: list[float], batch_size: int) -> float:
    """Rend le débit des derniers pas, en images par seconde.

    Args:
        ends: instant où chaque pas a fini ; le temps compte à partir du `SKIPPED_STEPS`-ième.
        batch_size: images par pas.
    """
    kept = ends[SKIPPED_STEPS - 1 :]
    return batch_size * (len(kept) - 1) / (kept[-1] - kept[0])


# --- Le résultat -----------------------------------------------------------------------


def make_table(samples: dict[tuple[str, bool], list[float]], failures: dict[str, str]) -> str:
    """Met les débits en tableau Markdown.

    Args:
        samples: images par seconde de chaque `(nom, vrai chemin ?)`, tour par tour.
        failures: ce qui remplace la mesure d'un moteur qui a échoué.
    """
    reference, rows = samples[REFERENCE, False], []
    for name, peer in PEERS.items():
        if (name, True) not in samples or (name, False) not in samples:
            rows.append([name, measure.why_unmeasured([peer.backend], failures.get(name))])
            continue
        real, raw = samples[name, True], samples[name, False]
        rows.append(
            [
                name,
                measure.spread(measure.paired_ratios(real, raw), measure.percent),
                measure.spread(measure.paired_ratios(raw, reference)),
                measure.spread(measure.summarise(real)),
                measure.spread(measure.summarise(raw)),
            ]
        )
    header = (
        "moteur, calcul",
        "vrai chemin ÷ pas brut",
        f"pas brut ÷ {REFERENCE}",
        "images/s, vrai chemin",
        "images/s, pas brut",
    )
    return measure.markdown_table(header, rows)


def save_figure(path: Path, samples: dict, title: str, machine: str) -> None:
    """Dessine, par moteur et format de calcul, le débit du pas brut et celui du vrai chemin."""
    names = [name for name in PEERS if (name, True) in samples and (name, False) in samples]
    with style.new_figure(path, size=(6.5, 4.0)) as (figure, axes):
        axis = axes[0, 0]
        for shift, real, label in ((-0.2, False, "pas brut"), (0.2, True, "vrai chemin")):
            found = [measure.summarise(samples[name, real]) for name in names]
            margins = [[s.median - s.low for s in found], [s.high - s.median for s in found]]
            bars = axis.bar(
                [i + shift for i in range(len(names))],
                [s.median for s in found],
                0.38,
                label=label,
                yerr=margins,
                ecolor=style.INK,
                capsize=2,
                hatch="//" if real else "",
                edgecolor="white",
            )
            axis.bar_label(bars, [measure.french(s.median) for s in found], padding=3, fontsize=8)
        axis.set_xticks(range(len(names)), [name.replace(", ", "\n") for name in names])
        axis.set_ylabel("images par seconde (médiane, étendue)")
        axis.margins(y=0.12)
        figure.legend(loc="outside right center")
        measure.sign(figure, title, machine)


def run(options: measure.Options) -> str:
    """Mesure, écrit la figure et rend le texte Markdown."""
    (x, y), _ = sources.load_cifar10()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cours-cnn-")))
        np.savez(folder / "train.npz", x=x[:NUM_IMAGES], y=y[:NUM_IMAGES])
        workers = {
            name: stack.enter_context(
                Worker(
                    "benchmarks.training_step:step_task",
                    {
                        "recipe": options.recipe,
                        "precision": peer.precision,
                        "quick": options.quick,
                        "images": str(folder / "train.npz"),
                    },
                    backend=peer.backend,
                )
            )
            for name, peer in PEERS.items()
            if not measure.missing([peer.backend])
            and (peer.precision == "float32" or not options.quick)
        }
        for worker in workers.values():
            worker.wait()
        samples, failed = measure.interleave(
            {
                (name, real): lambda worker=worker, real=real: worker(real=real)
                for name, worker in workers.items()
                for real in (False, True)
            },
            repeat=options.repeat,
            warm_up=options.warm_up,
            required=[(REFERENCE, False), (REFERENCE, True)],
        )
    title = f"Un pas d'entraînement de CIFAR-10, recette {options.recipe}"
    save_figure(options.output / "training.png", samples, title, options.machine)
    failures = {name: why for (name, _), why in failed.items()}
    return f"{title}.\n\n{make_table(samples, failures)}"
