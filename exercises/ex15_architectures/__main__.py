"""LeNet, AlexNet, VGG, ResNet : ce que chaque architecture coûte, et ce qu'elle rapporte.

Document : S3 « Architectures en image » et « Deep CNN / VGG / ResNet » ;
S0 « ImageNet Challenge 2014 ».
Commande : python -m exercises.ex15_architectures

Les neuf réseaux apprennent des mêmes images, pendant autant d'époques, au même calendrier. Les
opérations, elles, diffèrent. Le modèle enregistré est ResNet-8, choisi d'avance.
"""

from pathlib import Path

import keras

from convnets.core import session
from convnets.core.cli import lesson_parser, percent
from convnets.core.intervals import by_image
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.figures.charts import curves, means_and_sds, table
from convnets.figures.style import COLORS, GREY, new_figure, output_dir
from convnets.training import lesson
from convnets.training.augmentation import random_crop
from convnets.training.batches import shuffled
from exercises.ex15_architectures.inception import PAIR, PAIR_NAMES_FR
from exercises.ex15_architectures.networks import NAMES_FR, NETWORKS
from exercises.ex15_architectures.operations import measure
from exercises.ex15_architectures.residual import DEEP, DEEP_NAMES_FR, DEPTH

NUM_IMAGES = 11_000  # premières images d'apprentissage ; un onzième sert à la validation
NUM_VAL = 1000
EPOCHS = 6
BATCH_SIZE = 128
WARMUP = 0.23  # part de l'entraînement où le taux monte
SHIFT_PX = 2  # translations des images apprises
SHIPPED = "resnet"  # le modèle enregistré, choisi d'avance
MARKS = ("o", "s", "D", "^", "P", "X")  # des réseaux, sur la figure
BUILDERS = NETWORKS | DEEP | PAIR
ALL_NAMES_FR = NAMES_FR | DEEP_NAMES_FR | PAIR_NAMES_FR
# D'Adam, au plus haut du calendrier : celui que la validation préfère pour chaque réseau, d'après
# python -m recipes.ex15_architectures, de 0,001 à 0,032.
PEAK_RATES = {
    "lenet": 16e-3,
    "alexnet": 8e-3,
    "vgg": 8e-3,
    "resnet": 32e-3,
    "plain_8": 16e-3,
    f"plain_{DEPTH}": 16e-3,
    f"residual_{DEPTH}": 16e-3,
    "inception": 32e-3,
    "inception_twin": 8e-3,
}
SHARES = {  # part du temps que chaque réseau peut prendre : les plus lents en ont plus
    "lenet": 0.03,
    "alexnet": 0.05,
    "vgg": 0.08,
    "resnet": 0.2,
    "plain_8": 0.04,
    f"plain_{DEPTH}": 0.15,
    f"residual_{DEPTH}": 0.15,
    "inception": 0.17,
    "inception_twin": 0.13,
}
LOSSES = {
    f"train_loss_{key}": f"perte d'entraînement, {each}" for key, each in DEEP_NAMES_FR.items()
}
HEADLINE = {
    "accuracy_lenet": "exactitude, LeNet",
    "accuracy": "exactitude, ResNet-8",
    **LOSSES,
    "accuracy_inception": "exactitude, modules Inception",
    "accuracy_inception_twin": "exactitude, convolutions ordinaires, autant d'opérations",
    "inception_gap": "différence des deux, image par image",
    "inception_reach": "demi-intervalle de cette différence",
}


# --- Question : même budget, mêmes données -------------------------------------------


def augment(images, *, indices, epoch, rng):
    """Translate chaque image, et en retourne la moitié, tirée au sort."""
    images = random_crop(images, pad=SHIFT_PX, rng=rng)
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    return images


def train(
    name: str, learned: tuple, val: tuple, *, rate: float, seed: int, clock: lesson.Clock
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Entraîne un réseau.

    Args:
        name: clé de `BUILDERS`.
        learned: images uint8 `(n, 32, 32, 3)` et classes `(n,)` à apprendre.
        val: de même, pour les courbes de validation.
        rate: taux d'apprentissage d'Adam, le plus grand qu'il y aura.
        seed: graine des poids, de l'ordre des images et de l'augmentation.
        clock: mène le taux d'apprentissage, et finit à l'heure.

    Returns:
        Le réseau, et ses courbes.
    """
    keras.utils.set_random_seed(seed)
    model = BUILDERS[name]()
    model.compile(
        keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    found = model.fit(
        shuffled(*learned, batch_size=BATCH_SIZE, seed=seed, augment=augment),
        epochs=clock.epochs,
        validation_data=val,
        callbacks=[clock],
        verbose=0,
    )
    return model, found.history


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: int | None = None, limit: int | None = None
) -> lesson.Run:
    """Entraîne et mesure les neuf réseaux, l'un après l'autre.

    Args:
        seed: graine des poids, de l'ordre des images et de l'augmentation.
        epochs: nombre d'époques de chacun.
        minutes: durée de la leçon ; None : autant qu'il en faut.
        limit: premières images d'apprentissage ; None : `NUM_IMAGES`.

    Un réseau pour lequel il ne reste plus de temps n'est pas appris. Ceux de la paire ne sont
    comparés que si tous les réseaux ont appris toutes leurs époques.

    Returns:
        L'exactitude de chacun, la perte d'entraînement des réseaux profonds à leur dernière époque,
        ce qui sépare les deux de la paire ; ResNet-8, ou None s'il n'est pas appris ; les courbes
        de tous, chacune précédée du nom de son réseau ; et, dans `pooled`, les images de test que
        chacun classe bien.
    """
    x_train, y_train, x_val, y_val, x_test, y_test = load_parts(limit)
    right, history, shipped = {}, {}, None
    for name in BUILDERS:
        if session.learning_s(minutes) < 0:
            print(f"{ALL_NAMES_FR[name]} : pas appris, le temps est passé.", flush=True)
            session.note_missing(f"{ALL_NAMES_FR[name]} : pas appris")
            continue
        clock = lesson.Clock(epochs, minutes, share=SHARES[name], warmup=WARMUP)
        data, rate = ((x_train, y_train), (x_val, y_val)), PEAK_RATES[name]
        model, learned = train(name, *data, rate=rate, seed=seed, clock=clock)
        history |= {f"{name}_{key}": values for key, values in learned.items()}
        shipped = model if name == SHIPPED else shipped
        right[name] = is_right(model, x_test, y_test)
    means, pooled = by_image(right)
    metrics = {metric_of(name): mean for name, mean in means.items()}
    if session.is_fair() and len(right) == len(BUILDERS):
        metrics |= {f"train_loss_{name}": history[f"{name}_loss"][-1] for name in DEEP}
        gaps = right["inception"] * 1.0 - right["inception_twin"]  # image par image : -1, 0 ou 1
        metrics["inception_gap"] = float(gaps.mean())
        metrics["inception_reach"] = float(1.96 * gaps.std() / len(gaps) ** 0.5)  # à 95 %
    num_images = {"train": len(x_train), "val": len(x_val), "test": len(x_test)}
    kept = {"history": history, "num_images": num_images, "pooled": pooled}
    return lesson.Run(metrics, shipped, kept)


def load_parts(limit: int | None = None) -> tuple:
    """Rend `x_train, y_train, x_val, y_val, x_test, y_test`, ceux de toute la leçon."""
    parts = lesson.split(sources.load_cifar10(), limit=limit or NUM_IMAGES, num_val=NUM_VAL)
    return (*parts[:5], parts[5].reshape(-1))


def is_right(model: keras.Model, x, y):
    """Rend les images qu'un réseau classe bien, `(n,)` booléens."""
    return model.predict(x, batch_size=500, verbose=0).argmax(1) == y


def metric_of(name: str) -> str:
    """Rend le nom de la mesure d'un réseau : celle de ResNet-8, enregistré, est `accuracy`."""
    return "accuracy" if name == SHIPPED else f"accuracy_{name}"


# --- Question : l'exactitude, face aux paramètres et aux opérations ------------------


def save_costs(metrics: dict, path: Path, *, witness: float | None = None) -> None:
    """Place les architectures selon ce qu'elles coûtent et ce qu'elles rapportent.

    Args:
        metrics: mesures d'un compte rendu, ou celles d'une graine.
        path: fichier PNG ; son dossier est créé.
        witness: exactitude du sac de mots de l'exercice 16, qui n'apprend pas de réseau.

    Source : la forme est celle de Canziani, Paszke et Culurciello, arXiv 1605.07678, 2016.
    """
    sizes = {name: measure(build_model()) for name, build_model in (NETWORKS | PAIR).items()}
    panels = (
        ("parameters", "paramètres", (1e4, 1e6)),
        ("operations", "multiplications-additions par image", (1e5, 1e8)),
    )
    with new_figure(path, columns=2) as (figure, axes):
        for axis, (cost, title, limits) in zip(axes[0], panels, strict=True):
            for rank, (name, label) in enumerate((NAMES_FR | PAIR_NAMES_FR).items()):
                means, sds = means_and_sds([metrics[metric_of(name)]])
                look = {"fmt": MARKS[rank], "markersize": 9, "color": COLORS[rank]}
                axis.errorbar(getattr(sizes[name], cost), means, sds, label=label, **look)
            if witness is not None:
                label = "sac de mots, sans réseau profond"
                axis.axhline(100 * witness, color=GREY, linestyle="--", label=label)
            axis.set(xlabel=title, xscale="log", xlim=limits, ylabel="exactitude sur le test (%)")
            axis.grid(linewidth=0.4)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        figure.suptitle("CIFAR-10 : mêmes images, mêmes époques, coûts différents")


# --- Question : avec et sans raccourcis ----------------------------------------------


def save_depths(history: dict[str, list[float]], path: Path) -> None:
    """Trace l'apprentissage des réseaux profonds, avec et sans raccourcis.

    Args:
        history: courbes d'une graine, chacune précédée du nom de son réseau.
        path: fichier PNG ; son dossier est créé.

    Source : la forme est celle de la figure 6 de He et al., arXiv 1512.03385.
    """
    panels = (
        ("loss", "Perte d'entraînement", ""),
        ("val_accuracy", "Exactitude de validation", "%"),
    )
    with new_figure(path, columns=2) as (_, axes):
        for axis, (key, title, unit) in zip(axes[0], panels, strict=True):
            lines = {label: history[f"{name}_{key}"] for name, label in DEEP_NAMES_FR.items()}
            curves(axis, lines, unit=unit)
            axis.set_title(title)


# --- Question : ce que vaut chacun ---------------------------------------------------


def teach(options) -> None:
    """Entraîne et compare les réseaux, enregistre ResNet-8, dessine ce que chacun coûte."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    sizes = {name: measure(build_model()) for name, build_model in BUILDERS.items()}
    rows = [
        [
            title,
            sizes[name].parameters,
            sizes[name].operations,
            percent(found.metrics[metric_of(name)]),
        ]
        for name, title in ALL_NAMES_FR.items()
        if metric_of(name) in found.metrics
    ]
    print(table(["réseau", "paramètres", "opérations", "exactitude"], rows))
    if found.model is None:
        if not session.is_fair():
            print(session.UNFAIR)
        print("ResNet-8 n'a pas été appris : rien n'est enregistré. Donnez plus de --minutes.")
        return
    lesson.save(
        found.model,
        options,
        found.metrics,
        headline=[
            Headline(name, label, "" if name in LOSSES else "%") for name, label in HEADLINE.items()
        ],
        input_shape=[32, 32, 3],
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
        history=found.kept["history"],
        num_images=found.kept["num_images"],
    )
    if "inception_gap" in found.metrics:
        folder = output_dir(options)
        save_costs(found.metrics, folder / "architectures.png")
        save_depths(found.kept["history"], folder / "raccourcis.png")
        print(f"Figures : {folder}/")
    else:
        print("Les figures comparent ces réseaux à époques égales : elles ne sont pas dessinées.")
    print(f"Pour s'en servir : ./predict --model {options.saved} samples/avion.png")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex15_architectures", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
