"""CIFAR-10 : le réseau de poche, quatre fois plus petit (ex03_cifar10_light).

Commande : python -m recipes.cifar10_light
Résultat : pas encore menée à son terme. Le modèle livré (94,31 %) vient d'une autre suite de
commandes, que raconte docs/records.md.

Étapes :

1. un maître : le réseau de `recipes.cifar10`. S'il est dans `runs/` ou dans `models/`, et que son
   compte rendu le dit fait par cette recette-là, il sert à toutes les graines ; sinon, chacune
   apprend le sien, par les mêmes étapes ;
2. l'élève apprend ce que le maître répond à des copies déformées du jeu.

`--teacher none` s'en passe : les étiquettes seules.

Source : Jordan, arXiv 2404.00498, 2024 (le réseau) ; Hinton, Vinyals et Dean, arXiv 1503.02531,
2015, et Beyer et al., arXiv 2106.05237, 2021 (imiter un maître).
"""

from functools import partial
from pathlib import Path

import keras

from convnets.core import paths, reports
from convnets.core.cli import run
from convnets.training import distillation, lessons, study
from convnets.training.augmentation import alternate_mirror, cutout
from convnets.training.optimizers import FastBetaSGD, Muon, triangular
from convnets.training.stages import Stages
from recipes import cifar10, command, network

SLUG = "ex03_cifar10_light"
WIDTHS, DEPTH = (64, 256, 304), 2
EPOCHS, COPIES, CUTOUT_PX = 20, 4, 6
PEAK_RATE, WEIGHT_DECAY = 1.465e-3, 8.87e-3  # taux d'apprentissage maximal, par image du lot
MUON_PEAK = 0.25  # en part de PEAK_RATE


def build_model() -> keras.Model:
    """Construit le réseau : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32."""
    return cifar10.build_model(WIDTHS, DEPTH, name=SLUG)


def augment(images, *, indices, epoch, rng, copies: int):
    """Retourne une image sur deux, l'autre moitié quand la copie revient, et efface un carré."""
    return cutout(alternate_mirror(images, indices, epoch // copies), CUTOUT_PX, rng=rng)


def find_teacher(options) -> Path | None:
    """Rend le dossier d'un réseau que `recipes.cifar10` a fait en entier, ou None."""
    slug = cifar10.SLUG
    for folder in (paths.runs_dir(slug, models_dir=options.models_dir), options.models_dir):
        if (folder / f"{slug}.json").exists():
            made_by = reports.read_report(slug, models_dir=folder).command
            whole = f" --epochs {cifar10.EPOCHS}" in made_by and "--limit" not in made_by
            if whole and made_by.startswith("python -m recipes.cifar10 --seeds"):
                return folder
    return None


def get_teacher(train, val, *, folder: Path | None, options, **common) -> keras.Model:
    """Rend le maître, lu dans un dossier ou appris ; il calcule au format voulu."""
    if folder:
        print(f"Le maître est lu dans {folder}.", flush=True)
        return distillation.load_teacher(
            cifar10.SLUG, precision=options.precision, models_dir=folder
        )
    epochs, *rounds = teacher_costs(options)
    common |= {"epochs": epochs, "rounds": len(rounds), "prefix": "teacher_"}
    return cifar10.learn(train, val, options=options, **common)[0]


def teacher_costs(options) -> list[int]:
    """Rend le nombre d'époques de chaque étape du maître ; un essai court le reste."""
    epochs = max(1, round(cifar10.EPOCHS * options.epochs / EPOCHS))
    return cifar10.costs(epochs, cifar10.ROUNDS)


def train(x_train, y_train, x_val, y_val, *, seed, options, stages: Stages, folder=None):
    """Apprend un élève ; rend le modèle en float32 et ses courbes."""
    both = (x_train, y_train), (x_val, y_val)
    model = study.build(build_model, seed=seed, precision=options.precision)
    network.whiten(model, x_train)
    batch_size = options.batch_size or cifar10.BATCH_SIZE
    peak, decay = PEAK_RATE * batch_size, WEIGHT_DECAY
    common = {"stages": stages, "seed": seed, "batch_size": batch_size, "epochs": options.epochs}
    common |= {"smoothing": cifar10.LABEL_SMOOTHING}
    if options.teacher == "none":
        history = lessons.learn_labels(
            model,
            *both,
            name="labels",
            optimizer=triangular(FastBetaSGD, peak, weight_decay=decay),
            augment=partial(cifar10.augment, cutout_px=CUTOUT_PX),
            **common,
        )
    else:
        teacher = get_teacher(*both, folder=folder, seed=seed, options=options, stages=stages)
        dtype = model.compute_dtype
        history = lessons.learn_answers(
            model,
            teacher,
            *both,
            name="pupil",
            optimizer=triangular(Muon, MUON_PEAK * peak, weight_decay=decay, kernel_dtype=dtype),
            augment=partial(augment, copies=min(COPIES, options.epochs)),
            translate_px=cifar10.TRANSLATE_PX,
            copies=COPIES,
            **common,
        )
    return study.to_ship(model, build_model()), history


def main(argv: list[str] | None = None) -> int:
    """Refait ex03_cifar10_light, une graine après l'autre."""
    parser = command.make_parser("cifar10_light", SLUG, __doc__, epochs=EPOCHS, seeds=3)
    parser.add_argument(
        "--teacher",
        choices=["cifar10", "none"],
        default="cifar10",
        help="réseau à imiter (none : aucun, les étiquettes seules)",
    )
    options = parser.parse_args(argv)

    def body() -> int:
        costs = [options.epochs]
        if options.teacher == "none":
            name = "cifar10_light --teacher none"
            return cifar10.measure(options, train, name=name, costs=costs)
        folder, targets = find_teacher(options), lessons.TARGETS
        if not folder:
            costs = [*(4 * each for each in teacher_costs(options)), *costs]  # 4 fois plus gros
        taught = partial(train, folder=folder)
        return cifar10.measure(options, taught, name="cifar10_light", costs=costs, targets=targets)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
