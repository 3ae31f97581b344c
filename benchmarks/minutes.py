"""Ce que chaque minute d'apprentissage rapporte, de la leçon au record, sur la machine du lecteur.

Commande : python -m benchmarks.minutes
Résultat mesuré : docs/mesures/minutes.md.

Chaque point est un entraînement entier de l'exercice 03, dont le taux d'apprentissage est réglé
pour finir au bout de ses minutes : arrêter le plus long plus tôt donnerait moins. Les modèles
publiés ne sont pas refaits : leurs minutes et leur exactitude viennent de leur compte rendu.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import measure
from convnets.core import files
from convnets.core.cli import FrenchParser, positive_int, run
from convnets.core.paths import MODELS_DIR
from convnets.core.reports import Metric, earlier_durations, format_metric, read_report
from convnets.figures import style

MINUTES = (1, 2, 4, 8, 16)
PUBLISHED = {
    "thumbnails_light": "réseau léger, par sa recette",
    "thumbnails": "grand réseau, étapes précédentes comptées",
}
NAME = "minutes"


class Point(NamedTuple):
    """Un entraînement : ce qu'on a attendu, et ce qu'il vaut."""

    asked_min: int  # ce que --minutes demandait
    minutes: float  # de la commande entière, lecture des données et évaluation comprises
    epochs: int
    accuracy: float  # sur les 10 000 images de test, en une passe
    machine: str


def train(asked_min: int) -> Point:
    """Entraîne l'exercice 03 en un temps donné.

    Raises:
        ChildProcessError: la commande a échoué.
    """
    with tempfile.TemporaryDirectory(prefix="cours-cnn-") as name:
        command = f"-m exercises.ex03_cifar10 --minutes {asked_min}".split()
        folders = ["--output", name, "--models-dir", name]
        start = time.monotonic()
        ended = subprocess.run([sys.executable, *command, *folders], capture_output=True, text=True)
        waited = time.monotonic() - start
        if ended.returncode:
            raise ChildProcessError(f"L'entraînement a échoué : {ended.stderr.strip()[-300:]}")
        report = read_report("ex03_cifar10", models_dir=Path(name))
    epochs = len(report.history["val_accuracy"])
    accuracy = report.metrics["accuracy"].mean
    return Point(asked_min, waited / 60, epochs, accuracy, measure.describe_machine())


def read_points(path: Path) -> dict[int, Point]:
    """Relit les points déjà mesurés, par minutes demandées.

    Raises:
        ValueError: ce n'est pas ce que cette commande écrit.
    """
    if not path.exists():
        return {}
    try:
        points = [Point(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} est abîmé : effacez-le, ou donnez un autre --output.") from error
    return {point.asked_min: point for point in points}


def published() -> list[tuple[str, float, Metric]]:
    """Rend `(nom, minutes par graine, exactitude)` de chaque modèle publié."""
    found = []
    for slug in PUBLISHED:
        report = read_report(slug, models_dir=MODELS_DIR)
        earlier_s = sum(earlier_durations(report.details).values())
        minutes = (report.duration_s.mean + earlier_s) / 60
        found.append((slug, minutes, report.metrics["accuracy"]))
    return found


def text(points: list[Point]) -> str:
    """Écrit la page : le tableau, et ce qui a été mesuré."""
    rows = [
        (
            f"`python -m exercises.ex03_cifar10 --minutes {each.asked_min}`",
            f"{each.minutes:.1f}".replace(".", ","),
            str(each.epochs),
            f"{100 * each.accuracy:.2f} %".replace(".", ","),
        )
        for each in points
    ]
    rows += [
        (f"`{slug}`, publié : {PUBLISHED[slug]}", f"{minutes:.0f}", "", format_metric(accuracy))
        for slug, minutes, accuracy in published()
    ]
    header = ("entraînement", "minutes", "époques", "exactitude sur le test, en une passe")
    parts = [each.machine.split(" ; ") for each in points]  # sans la charge, d'un essai à l'autre
    plain = [[part for part in some if not part.startswith("charge")] for some in parts]
    machines = " ; ".join(dict.fromkeys(" ; ".join(some) for some in plain))
    return (
        "# CIFAR-10 : l'exactitude et les minutes\n\n"
        "Une ligne par entraînement entier, une graine ; les minutes sont celles de la commande, "
        f"évaluation comprise. Machine : {machines}.\n"
        "Écrit par `python -m benchmarks.minutes`.\n\n"
        f"{measure.markdown_table(header, rows)}\n\n"
        f"![L'exactitude selon les minutes]({NAME}.png)\n"
    )


def save_figure(path: Path, points: list[Point]) -> None:
    """Dessine l'exactitude selon les minutes, en échelle logarithmique."""
    with style.new_figure(path, size=(6.5, 4.2)) as (figure, axes):
        axis = axes[0, 0]
        minutes = [each.minutes for each in points]
        accuracy = [100 * each.accuracy for each in points]
        axis.plot(minutes, accuracy, marker="o", label="la leçon, --minutes N")
        for (slug, waited, each), marker in zip(published(), "sD", strict=True):
            label = f"{slug} : {PUBLISHED[slug]}"
            axis.plot(waited, 100 * each.mean, marker=marker, linestyle="", label=label)
        axis.set(xscale="log", xlabel="minutes", ylabel="exactitude sur le test (%)")
        ticks = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1200)
        axis.set_xticks(ticks, [measure.french(each) for each in ticks])
        axis.minorticks_off()
        axis.legend(fontsize=8, loc="lower right")
        measure.sign(figure, "CIFAR-10 : l'exactitude et les minutes", points[-1].machine)


def _write(path: Path, content: str) -> None:
    with files.replacing(path) as temporary:
        temporary.write_text(content, encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Mesure ce qui ne l'a pas été, puis écrit le tableau et la figure."""
    parser = FrenchParser(prog="python -m benchmarks.minutes", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "--minutes",
        nargs="+",
        type=positive_int,
        default=MINUTES,
        metavar="N",
        help="budgets d'entraînement (1, 2, 4, 8 et 16 par défaut)",
    )
    add(
        "--output",
        type=Path,
        default=Path("figures") / "benchmarks",
        metavar="DOSSIER",
        help="où écrire, et où relire les budgets déjà mesurés (figures/benchmarks par défaut)",
    )
    options = parser.parse_args(argv)

    def body() -> int:
        options.output.mkdir(parents=True, exist_ok=True)
        kept = options.output / f"{NAME}.json"
        points = read_points(kept)
        for asked_min in options.minutes:
            if asked_min not in points:
                points[asked_min] = train(asked_min)
                rows = [points[key]._asdict() for key in sorted(points)]
                _write(kept, json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
                said = measure.percent(points[asked_min].accuracy)
                print(f"{asked_min} min demandées : {said}", flush=True)
        ordered = [points[key] for key in sorted(points)]
        save_figure(options.output / f"{NAME}.png", ordered)
        _write(options.output / f"{NAME}.md", text(ordered))
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
