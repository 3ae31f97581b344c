"""Classer des millions d'images sur plusieurs machines, avec Ray Data.

Commande : python -m cluster.predict --input photos/ --output reponses/

Sans adresse, un Ray local est lancé le temps de la commande ; avec `--address`, elle rejoint une
grappe. Chaque cœur a un acteur qui charge le moteur léger de `./predict` une fois. Les réponses
sont des fichiers Parquet : chemin, classe, probabilités, erreur. Une image illisible est une ligne
avec son erreur. Un processus ou une machine qui meurt est remplacé par un autre, et une commande
relancée ne fait que ce qui manque. Voir docs/grappe.md.
"""

import contextlib
import functools
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from convnets.core.cli import FrenchParser, agreed, reason, reserve_stderr, run
from convnets.core.files import own_suffix, replacing
from convnets.core.paths import MODELS_DIR
from convnets.serving import router
from convnets.serving.card import read_card

REPO = Path(__file__).resolve().parents[1]
# Moins d'un demi-cœur réservé par acteur, bien qu'il en emploie un : quand une machine meurt, ses
# acteurs renaissent sur les autres. S'ils réservaient un cœur entier, ils attendraient sans fin.
ACTOR_CPUS = 0.45
ADDRESS_TIMEOUT_S = 5
AFTER = "Les réponses déjà écrites sont gardées : relancez la même commande ensuite."
# Ce dont une autre machine n'a pas besoin pour prédire.
EXCLUDED = [".git", "runs", "figures", "docs", "tests", "samples", "*.keras", "__pycache__"]


class Predictor:
    """Un acteur : un moteur à un fil, chargé au premier des morceaux à répondre.

    Args:
        model: nom du modèle, ou None, comme `./predict` sans `--model`.
        models_dir: dossier des modèles.
        output: dossier des réponses, que toutes les machines voient.
    """

    def __init__(self, model: str | None, models_dir: str, output: str):
        self.output = Path(output)
        # Une exception levée ici perdrait sa phrase : Ray dirait seulement que l'acteur est mort.
        self._load = functools.cache(
            lambda: router.load(model, models_dir=Path(models_dir), num_threads=1)
        )

    def __call__(self, row: dict) -> dict:
        """Répond à un morceau ; rend ses nombres de lignes et d'erreurs, ou ce qui a échoué.

        L'erreur est rendue, et non levée : Ray cacherait la phrase d'une exception dans les
        siennes.
        """
        num_rows, num_errors, failure = 0, 0, ""
        try:
            num_rows, num_errors = self.answer(row["item"])
        except (ValueError, OSError) as error:
            failure = reason(error)
        return {"num_rows": num_rows, "num_errors": num_errors, "failure": failure}

    def answer(self, index: int) -> tuple[int, int]:
        """Écrit les réponses d'un morceau, d'un coup ; rend `(lignes, erreurs)`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        from cluster.chunks import ANSWER, answer_path, read_list

        paths = read_list(self.output, index)
        results = self._load().classify(paths)
        rows = [self._row(*pair) for pair in zip(paths, results, strict=True)]
        # Deux machines peuvent refaire un morceau : chacune son fichier provisoire.
        suffix = f".{socket.gethostname()}{own_suffix()}"
        with replacing(answer_path(self.output, index), suffix=suffix) as temporary:
            pq.write_table(pa.Table.from_pylist(rows, schema=ANSWER), temporary)
        return len(rows), sum(row["error"] is not None for row in rows)

    def _row(self, path: str, result) -> dict:
        found = result.probabilities
        label = None if found is None else result.answer.classes[result.best]
        named = path.encode(errors="backslashreplace").decode()  # Parquet ne veut que de l'UTF-8
        return {"path": named, "class": label, "probabilities": found, "error": result.error}


def connect(address: str | None) -> int:
    """Lance un Ray local, ou rejoint une grappe.

    Args:
        address: `"auto"`, `"ip:6379"`, `"ray://ip:10001"`, ou None pour un Ray local.

    Returns:
        Nombre de cœurs de l'ensemble.

    Raises:
        ConnectionError: personne à cette adresse, une grappe qui refuse, ou un Ray local qui ne
            démarre pas.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # lu à l'import : rien n'est envoyé
    import ray

    environment = {"env_vars": {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}}
    options = {"log_to_driver": False, "logging_level": "ERROR", "runtime_env": environment}
    if address:
        _check_address(address)
        environment |= {"working_dir": str(REPO), "excludes": EXCLUDED}
    else:
        environment["env_vars"]["PYTHONPATH"] = str(REPO)
        options |= {"include_dashboard": False, "object_store_memory": 256 * 2**20}
    try:
        ray.init(address=address or "local", **options)
    except Exception as error:  # Ray lève une `Exception`, sans plus, quand le temps passe
        if address:
            raise _refused(address) from error
        raise ConnectionError(
            f"Ray ne démarre pas ici : la machine est trop chargée, ou sans mémoire. {AFTER}"
        ) from error
    return int(ray.cluster_resources().get("CPU", 1))


def _check_address(address: str) -> None:
    """Vérifie que quelqu'un écoute : Ray, lui, attendrait dix minutes avant de le dire."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():  # « auto »
        return
    try:
        socket.create_connection((host, int(port)), timeout=ADDRESS_TIMEOUT_S).close()
    except OSError as error:
        raise _nobody(address) from error


def _refused(address: str) -> ConnectionError:
    """Dit qu'une grappe, où quelqu'un écoute, ne se laisse pas rejoindre."""
    if not address.rpartition(":")[2].isdigit():  # « auto » : personne n'a été entendu
        return _nobody(address)
    return ConnectionError(
        f"Une machine écoute à {address}, mais elle ne laisse pas rejoindre sa grappe. Si cette "
        "grappe demande un jeton, écrivez RAY_AUTH_MODE=token devant la commande, et copiez ici le "
        "~/.ray/auth_token de la première machine. Sinon, vérifiez que c'est bien une grappe Ray."
    )


def _nobody(address: str) -> ConnectionError:
    return ConnectionError(
        f"Aucune grappe Ray ne répond à {address}. Vérifiez l'adresse, ou lancez "
        "« ray start --head » sur la première machine."
    )


def predict(options) -> int:
    """Répond à une demande ; rend le code de sortie."""
    from cluster.chunks import answer_path, check_inputs, open_request

    check_inputs(options.input)  # avant Ray, qui met des secondes à se lancer
    output, slugs = options.output.resolve(), router.slugs(options.model)
    sha256 = " ".join(read_card(slug, models_dir=MODELS_DIR)[0].sha256 for slug in slugs)
    sizes = open_request(options.input, output, model=" et ".join(slugs), sha256=sha256)
    missing = [k for k in range(len(sizes)) if not answer_path(output, k).exists()]
    total, todo = sum(sizes), sum(sizes[k] for k in missing)
    if todo < total:
        known = agreed(total - todo, "image déjà faite", "images déjà faites")
        print(f"{known}, reste {todo}.", file=sys.stderr, flush=True)
    done = errors = 0
    start = time.monotonic()
    # Ray annonce en anglais chaque acteur perdu, sur les deux sorties. Après un échec la sortie
    # reste tue : un fil de Ray y écrit jusqu'à la fin du processus.
    stdout, sys.stdout = sys.stdout, open(os.devnull, "w")
    with contextlib.redirect_stderr(sys.stdout):
        for num_rows, num_errors in _map(missing, output, options) if missing else ():
            done, errors = done + num_rows, errors + num_errors
            if sys.__stderr__.isatty():
                shown = f"\r\033[K{agreed(done, 'image')} sur {todo}"
                print(shown, end="", file=sys.__stderr__, flush=True)
    sys.stdout = stdout
    for left in output.glob("reponses-*.tmp"):  # d'un acteur tué ; tout est répondu
        left.unlink(missing_ok=True)
    duration = f"{time.monotonic() - start:.0f} s, dont le lancement de Ray"
    said = f"{agreed(done, 'image')} en {duration}" if done else agreed(done, "image")
    print(f"{said}, dont {agreed(errors, 'illisible')} : {output}")
    return 0


def _map(chunks: list[int], output: Path, options) -> Iterator[tuple[int, int]]:
    """Distribue les morceaux aux acteurs de Ray ; rend `(lignes, erreurs)` à mesure."""
    num_actors = min(connect(options.address), len(chunks))
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # ce qui compte est dit plus bas
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # Sur une grappe, un acteur n'a que la copie du dépôt, où il est.
    models_dir = "models" if options.address else str(MODELS_DIR)
    answers = ray.data.from_items(chunks, override_num_blocks=len(chunks)).map(
        Predictor,
        num_cpus=ACTOR_CPUS,
        compute=ray.data.ActorPoolStrategy(size=num_actors, max_tasks_in_flight_per_actor=2),
        fn_constructor_args=(options.model, models_dir, str(output)),
    )
    try:
        for row in answers.iter_rows():
            if row["failure"]:
                raise ValueError(f"{row['failure']}\n{AFTER}")
            yield row["num_rows"], row["num_errors"]
    except ray.exceptions.RayError as error:
        raise ChildProcessError(f"Ray s'est arrêté ({type(error).__name__}). {AFTER}") from error


def main(argv: list[str] | None = None) -> int:
    """Exécute la commande ; 0, 1 pour une erreur, 130 après Ctrl-C."""
    parser = FrenchParser(prog="python -m cluster.predict", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "--input",
        nargs="+",
        required=True,
        metavar="ENTREE",
        help="dossiers, motifs entre guillemets, ou images",
    )
    add(
        "--output",
        type=Path,
        required=True,
        metavar="DOSSIER",
        help="où écrire les réponses ; vu de toutes les machines",
    )
    add("--model", metavar="NOM", help=router.MODEL_HELP)
    add(
        "--address",
        metavar="ADRESSE",
        help="grappe Ray à rejoindre : auto, ip:6379 (sinon, un Ray local)",
    )
    options = parser.parse_args(argv)
    try:
        return run(lambda: predict(options))
    except ImportError as error:
        remedy = "python -m pip install -r cluster/requirements.txt"
        print(f"Erreur : le paquet {error.name} manque. Lancez {remedy}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    reserve_stderr()  # le C++ de Ray y écrit en anglais
    raise SystemExit(main())
