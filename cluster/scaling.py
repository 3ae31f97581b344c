"""Ce que gagnent plusieurs machines : mesuré pour deux, calculé et simulé pour 8, 64 et 512.

Commande : python -m cluster.scaling     (KERAS_BACKEND=jax ; une dizaine de minutes)

Mesuré ici : le pas d'un processus sur un cœur, avec le lot entier puis la moitié du lot, et celui
de deux processus sur un cœur chacun. L'écart entre les deux derniers est ce que coûte de s'attendre
et d'échanger les gradients. Le reste est un calcul ; ses hypothèses sont écrites avec le résultat.
"""

import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import measure
from convnets.core import files
from convnets.core.cli import FrenchParser, agreed, positive_int, run
from convnets.core.reports import load_report
from convnets.figures.style import COLORS, new_figure

REPO = Path(__file__).resolve().parents[1]
COUNTS = (1, 2, 8, 64, 512)
NETWORKS = {  # octets par seconde dans chaque sens, secondes par message
    "1 Gbit/s": (125e6, 100e-6),
    "10 Gbit/s": (1.25e9, 50e-6),
    "100 Gbit/s": (12.5e9, 5e-6),
}
NUM_STEPS = 2000  # pas simulés
GRADIENT_BYTES = 4  # par paramètre, en float32


class Costs(NamedTuple):
    """Ce qu'un pas coûte à une machine."""

    fixed_s: float  # par pas, quel que soit le lot
    image_s: float  # par image
    jitter: float  # écart-type du logarithme de la durée d'un pas
    gradient_bytes: int


# --- Mesurer -------------------------------------------------------------------------


def measure_step(num_processes: int, *, batch_size: int, steps: int, epochs: int) -> list[float]:
    """Chronomètre les époques d'un entraînement, chaque processus fixé sur un cœur.

    Args:
        num_processes: 1 ou 2.
        batch_size: lot, tous processus réunis.
        steps: pas par époque.
        epochs: époques gardées, après une première où JAX compile.

    Returns:
        Secondes par pas, une valeur par époque gardée.

    Raises:
        ChildProcessError: l'entraînement a échoué.
    """
    num_images = -(-batch_size * steps * 10 // 9) + 10  # un dixième part en validation
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "cluster.launch",
                "-n",
                str(num_processes),
                "--pin",
                "recipes.thumbnails_light",
                "--rounds",
                "0",
                "--limit",
                str(num_images),
                "--epochs",
                str(epochs + 1),
                "--seeds",
                "1",
                "--batch-size",
                str(batch_size),
                "--precision",
                "float32",
                "--models-dir",
                folder,
                "--output",
                f"{folder}/figures",
            ],
            cwd=REPO,
            capture_output=True,
            text=True,
        )
        if ended.returncode:
            raise ChildProcessError(f"L'entraînement mesuré a échoué :\n{ended.stderr[-1000:]}")
        [sidecar] = Path(folder).glob("thumbnails_light*.json")
        report = load_report(sidecar)
    done = report.num_images["train"] // batch_size
    return [duration / done for duration in report.history["duration_s"][1:]]


def fit_costs(full: list[float], half: list[float], *, batch_size: int, params: int) -> Costs:
    """Déduit les coûts d'un pas de deux tailles de lot : une droite par deux points.

    Args:
        full: secondes par pas, lot entier, un processus sur un cœur.
        half: de même, demi-lot.
        batch_size: le lot entier.
        params: nombre de poids appris.
    """
    one, two = statistics.median(full), statistics.median(half)
    image_s = max(one - two, 0.0) / (batch_size / 2)
    return Costs(
        fixed_s=max(one - image_s * batch_size, 0.0),
        image_s=image_s,
        jitter=float(np.std(np.log([*np.divide(full, one), *np.divide(half, two)]))),
        gradient_bytes=GRADIENT_BYTES * params,
    )


# --- Calculer ------------------------------------------------------------------------


def ring_time(count: int, num_bytes: int, *, bandwidth: float, latency_s: float) -> float:
    """Rend la durée d'une somme de gradients en anneau.

    Chaque machine envoie et reçoit 2(N-1) morceaux de taille S/N : 2(N-1)/N · S octets en tout.

    Args:
        count: machines, N.
        num_bytes: taille S des gradients.
        bandwidth: octets par seconde.
        latency_s: secondes par message.

    Source : Patarasuk et Yuan, « Bandwidth optimal all-reduce algorithms », JPDC, 2009.
    """
    messages = 2 * (count - 1)
    return messages * latency_s + messages / count * num_bytes / bandwidth


def paper_efficiency(costs: Costs, count: int, batch: int, network: str) -> float:
    """Rend l'efficacité sur le papier : calcul égal partout, puis échange, sans recouvrement.

    Args:
        costs: ce qu'un pas coûte.
        count: machines.
        batch: images par machine et par pas.
        network: clé de `NETWORKS`.

    Returns:
        Débit par machine, rapporté à celui d'une machine seule avec le même lot chacune.
    """
    bandwidth, latency_s = NETWORKS[network]
    compute = costs.fixed_s + batch * costs.image_s
    exchange = ring_time(count, costs.gradient_bytes, bandwidth=bandwidth, latency_s=latency_s)
    return compute / (compute + exchange)


def simulate(costs: Costs, count: int, batch: int, network: str, *, seed: int = 0) -> float:
    """Simule des pas : chaque machine a sa durée, et toutes attendent la plus lente.

    Mêmes arguments que `paper_efficiency`, plus la graine.

    Returns:
        La même efficacité, rapportée à la durée moyenne d'une machine seule.
    """
    rng = np.random.default_rng(seed)
    bandwidth, latency_s = NETWORKS[network]
    compute = costs.fixed_s + batch * costs.image_s
    exchange = ring_time(count, costs.gradient_bytes, bandwidth=bandwidth, latency_s=latency_s)
    durations = compute * rng.lognormal(0, costs.jitter, (NUM_STEPS, count))
    return float(durations.mean() / (durations.max(axis=1).mean() + exchange))


# --- Montrer -------------------------------------------------------------------------


def tables(costs: Costs, batch: int) -> str:
    """Met en tableaux ce que donneraient `COUNTS` machines.

    Args:
        costs: ce qu'un pas coûte.
        batch: le lot d'une machine seule.
    """
    texts = []
    for title, share in (
        (f"Lot constant par machine ({batch} images chacune)", False),
        (f"Lot total constant ({batch} images à partager)", True),
    ):
        rows = []
        for count in COUNTS:
            own = max(1, batch // count) if share else batch
            cells = []
            for network in NETWORKS:
                paper = paper_efficiency(costs, count, own, network)
                simulated = simulate(costs, count, own, network)
                if share:  # contre une machine qui ferait tout le lot
                    alone = costs.fixed_s + batch * costs.image_s
                    mine = costs.fixed_s + own * costs.image_s
                    factor = alone / (count * mine)
                    paper, simulated = factor * paper, factor * simulated
                cells.append(f"{100 * paper:.0f} % / {100 * simulated:.0f} %")
            rows.append([str(count), *cells])
        head = ["machines", *NETWORKS]
        texts.append(f"{title} :\n\n{measure.markdown_table(head, rows)}")
    return "\n\n".join(texts)


def save_figure(costs: Costs, batch: int, path: Path) -> None:
    """Trace les efficacités simulées, lot constant par machine."""
    with new_figure(path, columns=1, size=(6, 4)) as (_, axes):
        axis = axes[0, 0]
        for color, network in zip(COLORS, NETWORKS, strict=False):
            shown = [100 * simulate(costs, count, batch, network) for count in COUNTS]
            paper = [100 * paper_efficiency(costs, count, batch, network) for count in COUNTS]
            axis.plot(COUNTS, shown, "o-", color=color, label=f"{network}, simulé")
            axis.plot(COUNTS, paper, ":", color=color, label=f"{network}, sur le papier")
        axis.set(
            xscale="log",
            ylim=(0, 105),
            xlabel="machines",
            ylabel="efficacité (%)",
            title=f"{batch} images par machine et par pas",
        )
        axis.set_xticks(COUNTS, [str(count) for count in COUNTS])
        axis.legend(fontsize=8)


def study(options) -> int:
    """Mesure, calcule, écrit le tableau et la figure ; rend 0."""
    from recipes import thumbnails_light

    batch = options.batch_size
    if batch % 2:
        raise ValueError(
            f"--batch-size {batch} : un nombre pair est attendu, deux se le partagent."
        )
    options.output.mkdir(parents=True, exist_ok=True)  # impossible, autant le dire avant
    known = dict(steps=options.steps, epochs=options.epochs)
    full, half, both = [], [], []
    for _ in range(options.repeat):  # à tour de rôle : la machine change
        full += measure_step(1, batch_size=batch, **known)
        half += measure_step(1, batch_size=batch // 2, **known)
        both += measure_step(2, batch_size=batch, **known)
    network = thumbnails_light.build_model()
    params = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    costs = fit_costs(full, half, batch_size=batch, params=params)
    one, mid, two = (statistics.median(each) for each in (full, half, both))
    text = _report(costs, (one, mid, two), options, params=params, num=len(full))
    with files.replacing(options.output / "scaling.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    save_figure(costs, batch, options.output / "scaling.png")
    print(text)
    return 0


def _report(costs: Costs, steps: tuple, options, *, params: int, num: int) -> str:
    one, mid, two = steps
    batch, lost = options.batch_size, max(two - mid, 0)
    latencies = ", ".join(f"{1e6 * each[1]:.0f} µs ({name})" for name, each in NETWORKS.items())
    rows = [
        [name, f"{duration:.3f}", f"{images / duration:.0f}"]
        for name, duration, images in (
            (f"un processus, {batch} images", one, batch),
            (f"un processus, {batch // 2} images", mid, batch / 2),
            (f"deux processus, {batch} images à eux deux", two, batch),
        )
    ]
    measured = measure.markdown_table(["", "secondes par pas", "images par seconde"], rows)
    text = f"""## Entraîner à plusieurs

Recette thumbnails_light, {params} poids appris, un cœur par processus, {agreed(num, "époque")} de
{options.steps} pas chacune (validation comprise), médianes. Machine : {{machine}}.

{measured}

Efficacité à deux : {100 * one / two / 2:.0f} % ({one / two:.2f} fois plus vite). Sur les
{two:.3f} s du pas à deux, {lost:.3f} s ({100 * lost / two:.0f} %) ne sont pas du calcul :
attendre l'autre, et additionner {costs.gradient_bytes / 1e6:.1f} Mo de gradients.

### 8, 64 et 512 machines : calculé, non mesuré

Hypothèses : machines égales à un cœur d'ici ; un pas dure {costs.fixed_s:.3f} s plus
{1000 * costs.image_s:.2f} ms par image ; gradients additionnés en anneau, en float32, sans
recouvrir le calcul ; un message prend {latencies}. Chaque case : sur le papier /
simulé. La simulation ajoute que les durées varient d'une machine à l'autre (log-normale,
écart-type {costs.jitter:.3f}, celui des époques mesurées ici) et que toutes attendent la plus
lente ; elle ne connaît ni panne,
ni disque, ni réseau partagé.

{tables(costs, batch)}

L'exactitude ne suit pas le débit : un lot total de plusieurs milliers d'images demande un autre
calendrier d'apprentissage (Goyal et al., arXiv 1706.02677, 2017).

![Efficacité, simulée et sur le papier](scaling.png)
"""
    text = re.sub(r"(?<=\d)\.(?=\d{1,3} |\d{1,3}[,)])", ",", text)  # la virgule du français
    return text.replace("{machine}", measure.describe_machine())


def main(argv: list[str] | None = None) -> int:
    """Exécute la commande."""
    parser = FrenchParser(prog="python -m cluster.scaling", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--batch-size", type=positive_int, default=128, metavar="N", help="lot (128)")
    add("--steps", type=positive_int, default=8, metavar="N", help="pas par époque (8)")
    add("--epochs", type=positive_int, default=3, metavar="N", help="époques gardées (3)")
    add("--repeat", type=positive_int, default=2, metavar="N", help="tours (2)")
    add(
        "--output",
        type=Path,
        default=Path("figures") / "scaling",
        metavar="DOSSIER",
        help="où écrire le tableau et la figure (figures/scaling)",
    )
    options = parser.parse_args(argv)
    return run(lambda: study(options))


if __name__ == "__main__":
    raise SystemExit(main())
