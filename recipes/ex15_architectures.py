"""Leçon 15 : le taux de chaque réseau, choisi en validation, et deux témoins sans réseau.

Commandes : python -m recipes.ex15_architectures, qui choisit les taux
            python -m recipes.seeds ex15_architectures --seeds 5, qui mesure
Elles écrivent docs/mesures/ex15_rates.json, puis docs/mesures/ex15_architectures.json.

Le choix des taux ne lit pas le jeu de test. Il se fait sur des images d'apprentissage de CIFAR-10
que la leçon n'apprend pas. La mesure ajoute deux témoins aux neuf réseaux : le classifieur linéaire
sur les pixels et le sac de mots visuels, tous deux de l'exercice 16. Les témoins apprennent les
images qu'apprennent les réseaux.
"""

import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from convnets.core import reports
from convnets.core.cli import FrenchParser, percent, positive_int, shown_path
from convnets.core.cli import run as run_command
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.paths import MEASURES_DIR
from convnets.datasets import sources
from convnets.figures.charts import table
from convnets.training import lesson
from exercises.ex15_architectures import __main__ as ex15
from exercises.ex16_bag_of_words import __main__ as ex16
from exercises.ex16_bag_of_words.dictionary import SIZES, learn_dictionary
from exercises.ex16_bag_of_words.encoding import features

# Taux essayés, du plus petit au plus grand, tant que le suivant améliore la validation.
RATES = (1e-3, 2e-3, 4e-3, 8e-3, 16e-3, 32e-3)
NUM_VAL = 5000  # images qui choisissent ; une exactitude y est connue à 1,4 point
RATES_SLUG = "ex15_rates"
BAG_CODING = "soft_quarters"  # celui du sac que livre l'exercice 16
WITNESSES = ("linear", "bag")
PAIRS = (  # écarts publiés : de combien le premier dépasse le second
    ("alexnet", "lenet"),
    ("resnet", "lenet"),
    ("vgg", "alexnet"),
    ("resnet", "alexnet"),
    ("resnet", "vgg"),
    ("residual_30", "plain_30"),
    ("residual_30", "plain_8"),
    ("plain_8", "plain_30"),
    ("inception", "inception_twin"),
    *((name, witness) for witness in WITNESSES for name in ex15.BUILDERS),
)


# --- Un taux par réseau, choisi en validation ----------------------------------------


def choose(
    path: Path, *, epochs: int = ex15.EPOCHS, limit: int | None = None
) -> dict[str, dict[float, float]]:
    """Essaie des taux pour chaque réseau, avec la graine 0, tant que le suivant fait mieux.

    Args:
        path: compte rendu des essais, écrit après chacun ; ceux qu'il contient ne sont pas refaits.
        epochs: époques de chaque essai.
        limit: premières images d'apprentissage ; None : celles de la leçon.

    Returns:
        Pour chaque réseau, l'exactitude de chaque taux essayé sur les `NUM_VAL` dernières images
        d'apprentissage de CIFAR-10. Les essais s'arrêtent au premier taux qui ne fait pas mieux que
        le précédent, ou au dernier de `RATES`.
    """
    x_train, y_train, x_val, y_val, _, _ = ex15.load_parts(limit)
    x, y = (each[-NUM_VAL:] for each in sources.load_cifar10()[0])
    report = reports.Report(
        command="python -m recipes.ex15_architectures",
        metrics=reports.load_report(path).metrics if path.exists() else {},
        seeds=[0],
        exercise=RATES_SLUG,
        environment=reports.environment(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)

    def measure(name: str, rate: float) -> float:
        tried, start = trial(name, rate), time.monotonic()
        if tried not in report.metrics:
            clock = lesson.Clock(epochs, None, warmup=ex15.WARMUP)
            data = (x_train, y_train), (x_val, y_val)
            model, _ = ex15.train(name, *data, rate=rate, seed=0, clock=clock)
            accuracy = ex15.is_right(model, x, y.reshape(-1)).mean()
            report.metrics[tried] = reports.Metric(float(accuracy))
            reports.replace_report(report, path)
            print(f"{tried} : {percent(accuracy)}, {time.monotonic() - start:.0f} s", flush=True)
        return report.metrics[tried].mean

    found = {}
    for name in ex15.BUILDERS:
        found[name] = {}
        for rate in RATES:
            best = max(found[name].values(), default=0)
            found[name][rate] = measure(name, rate)
            if found[name][rate] <= best:
                break
    return found


def trial(name: str, rate: float) -> str:
    """Nomme un essai dans le compte rendu."""
    return f"{name} {rate:g}"


def preferred(tried: dict[float, float]) -> float:
    """Rend le taux de la meilleure exactitude ; à égalité, le plus petit."""
    return max(tried, key=tried.get)


def show(options) -> int:
    """Choisit un taux par réseau, et montre ce que chaque essai a donné."""
    path = options.output / f"{RATES_SLUG}.json"
    found = choose(path, epochs=options.epochs, limit=options.limit)
    rows = []
    for name, tried in found.items():
        cells = [percent(tried[rate]) if rate in tried else "" for rate in RATES]
        rows.append([ex15.ALL_NAMES_FR[name], *cells, f"{preferred(tried):g}"])
    print(table(["exactitude en validation", *(f"{rate:g}" for rate in RATES), "choisi"], rows))
    print(f"Essais écrits dans {shown_path(path)}.")
    return 0


# --- Deux témoins sans réseau --------------------------------------------------------


@threadpool_limits.wrap(limits=1)  # plusieurs fils d'algèbre linéaire s'attendent à vide
def witnesses(x_train, y_train, x_test, *, seed: int) -> dict[str, np.ndarray]:
    """Apprend les deux témoins de l'exercice 16, et rend leurs réponses.

    Args:
        x_train: images uint8 `(n, 32, 32, 3)`, celles que les réseaux apprennent.
        y_train: leurs classes, `(n,)`.
        x_test: images uint8 `(m, 32, 32, 3)`.
        seed: graine des mots ; le classifieur sur les pixels n'a pas de hasard.

    Returns:
        `linear`, les classes que donne le classifieur linéaire sur les pixels, et `bag`, celles que
        donne le sac de 800 mots, codage doux par quarts : `(m,)` chacune.
    """
    pixels = ex16.fit_linear(ex16.as_rows(x_train), y_train, strength=ex16.PIXEL_STRENGTH)
    dictionary = learn_dictionary(x_train, SIZES[-1], seed=seed)
    codes, codes_test = (
        features(ex16.encode(dictionary, x), BAG_CODING) for x in (x_train, x_test)
    )
    bag = ex16.fit_linear(codes, y_train, strength=ex16.STRENGTH)
    return {"linear": pixels.predict(ex16.as_rows(x_test)), "bag": bag.predict(codes_test)}


def run(seed: int, *, epochs: int = ex15.EPOCHS, limit: int | None = None) -> lesson.Run:
    """Mesure les neuf réseaux de la leçon, puis les deux témoins, sur les mêmes images.

    Args:
        seed: graine de la leçon et des mots du sac.
        epochs: époques de chaque réseau.
        limit: premières images d'apprentissage ; None : celles de la leçon.

    Returns:
        Les mesures de la leçon, `accuracy_linear` et `accuracy_bag` ; dans `pooled`, les images de
        test que chacun classe bien.
    """
    found = ex15.run(seed, epochs=epochs, limit=limit)
    x_train, y_train, _, _, x_test, y_test = ex15.load_parts(limit)
    answers = witnesses(x_train, y_train, x_test, seed=seed)
    means, pooled = by_image({name: each == y_test for name, each in answers.items()})
    metrics = found.metrics | {ex15.metric_of(name): mean for name, mean in means.items()}
    return lesson.Run(metrics, found.model, {"pooled": found.kept["pooled"] | pooled})


def pool(found: list[dict]) -> dict:
    """Rend les écarts publiés, sur toutes les graines et toutes les images de test.

    Args:
        found: par graine, les images de test que chaque réseau et chaque témoin classe bien.

    Returns:
        `{"gaps": {"vgg - alexnet": [moyenne, bas, haut]…}}`, un écart par paire de `PAIRS`.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def main(argv: list[str] | None = None) -> int:
    """Choisit un taux par réseau."""
    parser = FrenchParser(
        prog="python -m recipes.ex15_architectures", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("--epochs", type=positive_int, default=ex15.EPOCHS, metavar="N", help="époques d'un essai")
    add("--limit", type=positive_int, metavar="N", help="n'apprendre que les N premières images")
    add("--output", type=Path, default=MEASURES_DIR, metavar="DOSSIER", help="où écrire les essais")
    options = parser.parse_args(argv)
    return run_command(lambda: show(options))


if __name__ == "__main__":
    raise SystemExit(main())
