"""Écrire et relire ce qu'un exercice a appris : poids, export léger, compte rendu.

`models/exNN_slug.keras` contient le modèle, `models/exNN_slug.tflite` sa version pour
`./predict`, et `models/exNN_slug.json` le compte rendu de l'entraînement qui les a
produits, avec l'empreinte SHA-256 de chacun. Les trois vont ensemble : un compte rendu
qui ne correspond pas à ses poids est refusé.
"""

import contextlib
import hashlib
import io
import json
import mmap
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MODELS_DIR = Path(__file__).resolve().parents[2] / "models"
SUFFIXES = (".keras", ".tflite", ".json")
MAX_EXACT_EXPORT_BYTES = 2_000_000  # au-delà, l'export est en int8 si la précision le permet
MAX_INT8_LOSS = 0.001  # précision qu'il peut coûter, en part des images
RUNS_DIR = Path(__file__).resolve().parents[2] / "runs"  # ignoré par git


def runs_dir(slug: str, *, models_dir: Path = MODELS_DIR) -> Path:
    """Rend le dossier des points de reprise et des essais d'un exercice.

    Args:
        slug: nom de l'exercice.
        models_dir: dossier des modèles ; `runs/` est à côté de `models/`, mais dans
            `models_dir` quand on en a choisi un autre.

    Returns:
        Un chemin, que le premier qui y écrit crée.
    """
    models_dir = Path(models_dir).resolve()
    return (RUNS_DIR if models_dir == MODELS_DIR else models_dir / "runs") / slug


def checkpoint_path(options, seed: int, *, network: str = "") -> Path:
    """Rend le fichier du point de reprise d'une graine, d'après `cli.training_parser`.

    Args:
        options: options de l'exercice.
        seed: graine.
        network: lequel des réseaux de l'exercice, s'il en compare plusieurs.
    """
    name = f"{network}_seed{seed}.npz" if network else f"seed{seed}.npz"
    return runs_dir(options.module, models_dir=options.models_dir) / name


def file_sha256(path: Path) -> str:
    """Rend l'empreinte SHA-256 d'un fichier, 64 chiffres hexadécimaux."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def map_file(path: str | os.PathLike) -> bytes | mmap.mmap:
    """Rend le contenu d'un fichier, projeté en mémoire plutôt que lu ; vide : `b""`.

    Le fichier peut être remplacé d'un renommage, comme ici, mais ne doit pas être raccourci sur
    place tant que le contenu sert.

    Raises:
        OSError: fichier absent ou illisible.
    """
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return b""
        # Chacun sa copie : ctypes ne prend l'adresse que de ce qui peut s'écrire.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def read_sidecar(
    slug: str,
    *,
    models_dir: Path = MODELS_DIR,
    only: str | None = None,
    content: bytes | mmap.mmap | None = None,
) -> dict:
    """Lit le compte rendu d'un modèle et vérifie les fichiers qu'il décrit.

    Args:
        slug: nom de l'exercice, par exemple `"ex03_cifar10"`.
        models_dir: dossier des modèles.
        only: ne vérifier que ce fichier-là (`"ex03_cifar10.tflite"`), pour aller vite.
        content: contenu de `only`, s'il est déjà lu.

    Returns:
        Le contenu de `models_dir/slug.json`.

    Raises:
        FileNotFoundError: compte rendu ou poids absents.
        ValueError: compte rendu illisible, ou écrit pour d'autres poids.
    """
    path = Path(models_dir) / f"{slug}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"Pas de modèle {slug} : {path} n'existe pas. "
            f"Entraînez-le d'abord : python -m exercises.{slug}"
        )
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        files = dict(report["files"])
        files = {only: files[only]} if only else files
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"Le compte rendu {path} est abîmé ou incomplet ({type(error).__name__} : {error}). "
            f"Remettez celui du dépôt, ou réentraînez : python -m exercises.{slug} --force"
        ) from error
    for name, sha256 in files.items():
        weights = path.parent / name
        if not weights.exists():
            raise FileNotFoundError(f"{path.name} décrit {name}, qui est absent de {path.parent}.")
        digest = hashlib.sha256(content).hexdigest() if content else file_sha256(weights)
        if digest != sha256:
            raise ValueError(
                f"{path.name} ne décrit pas {name} : l'empreinte SHA-256 diffère. "
                "Reprenez les deux fichiers du même entraînement."
            )
    return report


def format_metric(metric: dict, unit: str = "%") -> str:
    """Écrit une mesure d'un compte rendu : `"94,12 % ± 0,12"`, ou `"94,12 %"` pour une graine.

    Args:
        metric: `{"mean", "sd", ...}` ; l'écart-type peut être None.
        unit: `"%"`, pour une part de [0, 1] ; sinon l'unité de la mesure, éventuellement vide.

    Returns:
        Un texte à deux décimales.
    """
    scale = 100 if unit == "%" else 1
    text = f"{scale * metric['mean']:.2f} {unit}".rstrip()
    text += f" ± {scale * metric['sd']:.2f}" if metric["sd"] is not None else ""
    return text.replace(".", ",")


def format_seeds(metric: dict) -> str:
    """Écrit sur combien de graines porte une mesure : `"1 graine"`, `"5 graines"`."""
    return f"{metric['n']} graine{'s' if metric['n'] > 1 else ''}"


def load_model(slug: str, *, models_dir: Path = MODELS_DIR):
    """Charge un modèle Keras après avoir vérifié son compte rendu.

    Args:
        slug: nom de l'exercice, par exemple `"ex03_cifar10"`.
        models_dir: dossier des modèles.

    Returns:
        Un `keras.Model` prêt à prédire : images uint8 en entrée, probabilités en sortie.

    Raises:
        FileNotFoundError: modèle absent.
        ValueError: compte rendu qui ne correspond pas aux poids.
    """
    import keras

    read_sidecar(slug, models_dir=models_dir)
    return keras.saving.load_model(Path(models_dir) / f"{slug}.keras", compile=False)


def save_model(
    model,
    slug: str,
    report: dict,
    *,
    export: tuple[bytes, str] | None = None,
    models_dir: Path = MODELS_DIR,
    force: bool = False,
) -> tuple[Path, str | None]:
    """Enregistre modèle, export LiteRT et compte rendu, sans rien perdre de meilleur.

    Les trois fichiers sont d'abord écrits en entier à côté, puis renommés l'un après l'autre,
    Ctrl-C retenu ; une panne de courant entre deux renommages laisse un mélange, que
    `read_sidecar` refuse. Si le modèle en place a une meilleure précision de validation
    (`report["score"]`), ou l'a mesurée sur plus d'images, il reste, et le nouveau va dans `runs/`.

    Args:
        model: `keras.Model`, images uint8 en entrée, probabilités en sortie.
        slug: nom de l'exercice.
        report: mesures de l'entraînement ; `score` est ce qui décide, plus grand vaut mieux.
        export: contenu de l'export et type de ses poids, rendus par `choose_export` ; None :
            en float32.
        models_dir: dossier des modèles.
        force: remplacer même un meilleur modèle.

    Returns:
        `(dossier, raison)` : où les fichiers ont été écrits, et pourquoi ce n'est pas
        `models_dir` (None si c'est lui).

    Raises:
        OSError: dossier impossible à écrire.
    """
    folder, reason = Path(models_dir), None
    if not force:
        reason = _reason_to_keep(folder, slug, report)
        folder = runs_dir(slug, models_dir=folder) if reason else folder
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f"{slug}-") as temporary:
            staged = _stage(model, slug, report, Path(temporary), export)
            with hold_interrupts():
                for path in staged:
                    os.replace(path, folder / path.name)
    except PermissionError as error:
        raise PermissionError(
            f"Impossible d'écrire dans {folder} : accès refusé. Les points de reprise de "
            f"l'entraînement sont gardés ; rendez le dossier accessible et relancez avec --resume."
        ) from error
    return folder, reason


def write_report(slug: str, report: dict, *, models_dir: Path = MODELS_DIR, trial: bool) -> Path:
    """Écrit le compte rendu d'une étude, qui n'a pas de modèle à elle, d'un seul coup.

    Args:
        slug: nom de l'exercice.
        report: `command`, `metrics`… prêts pour JSON ; la machine et les versions sont ajoutées.
        models_dir: dossier des modèles.
        trial: mesure faite avec d'autres options que le résultat publié : elle va dans `runs/`,
            pour ne pas le remplacer.

    Returns:
        Le fichier, que `read_sidecar` relit.

    Raises:
        OSError: dossier impossible à écrire.
    """
    folder = runs_dir(slug, models_dir=models_dir) if trial else Path(models_dir)
    report = {"exercise": slug, **report, "files": {}, "environment": environment()}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{slug}.json"
    content = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
    with replacing(path, suffix=own_suffix()) as temporary:
        temporary.write_text(content, encoding="utf-8")
    return path


def _reason_to_keep(folder: Path, slug: str, report: dict) -> str | None:
    sidecar = folder / f"{slug}.json"
    if not any((folder / f"{slug}{end}").exists() for end in SUFFIXES):
        return None
    try:
        known = json.loads(sidecar.read_text(encoding="utf-8"))
        score, num_val = float(known["score"]), known.get("num_images", {}).get("val", 0)
    except (ValueError, KeyError, TypeError, AttributeError, FileNotFoundError):
        # Dans le doute, ce qui est en place reste.
        return f"{sidecar.name} est absent ou illisible : rien n'est remplacé sans --force."
    if report.get("num_images", {}).get("val", 0) < num_val:
        why = f"a été jugé sur plus d'images ({num_val})"  # un essai avec --limit ne compte pas
    elif score >= report["score"]:
        why = f"fait au moins aussi bien (validation {score:.4f} contre {report['score']:.4f})"
    else:
        return None
    return f"Le modèle {slug} en place {why} : rien n'est remplacé sans --force."


def _stage(model, slug: str, report: dict, folder: Path, export) -> list[Path]:
    paths = weights, light, sidecar = [folder / f"{slug}{end}" for end in SUFFIXES]
    model.save(weights)
    _compress(weights)
    content, precision = export or (export_litert(model), "float32")
    light.write_bytes(content)
    report = {"exercise": slug, **report, "size_bytes": len(content), "export": precision}
    report["files"] = {path.name: file_sha256(path) for path in (weights, light)}
    report["environment"] = environment()
    sidecar.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return paths


def _compress(path: Path) -> None:
    """Réécrit un fichier `.keras`, poids compressés sans perte ; Keras le lit comme avant."""
    import zipfile

    import h5py

    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name, packed = "model.weights.h5", io.BytesIO()
    with h5py.File(io.BytesIO(members[name])) as source, h5py.File(packed, "w") as target:

        def copy(key, item) -> None:
            if isinstance(item, h5py.Group):
                made = target.create_group(key)
            else:  # « shuffle » range ensemble les octets de même rang, qui se ressemblent
                options = {"compression": "gzip", "shuffle": True} if item.ndim else {}
                made = target.create_dataset(key, data=item[()], **options)
            made.attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    with zipfile.ZipFile(path, "w") as archive:
        for key, content in (members | {name: packed.getvalue()}).items():
            archive.writestr(key, content)


def export_litert(model, *, weights: str = "float32") -> bytes:
    """Convertit un modèle Keras pour LiteRT, le moteur léger de `./predict`.

    Args:
        model: `keras.Model` à une entrée uint8.
        weights: `"float32"` ; `"float16"`, deux fois plus petit, calculs en float32 ; ou
            `"int8"`, quatre fois plus petit, les cartes étant elles aussi arrondies à huit
            bits le temps de chaque convolution.

    Returns:
        Le contenu d'un fichier `.tflite`, à taille de lot variable.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return _export_with_tensorflow(model, weights)
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with quiet_stderr(), contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()


def _export_with_tensorflow(model, weights: str) -> bytes:
    """Convertit un modèle appris sous un autre moteur, que seul TensorFlow sait convertir."""
    import subprocess
    import tempfile

    code = (
        "import sys, keras; from exercises.common.storage import export_litert;"
        "model = keras.saving.load_model(sys.argv[1], compile=False);"
        "open(sys.argv[2], 'wb').write(export_litert(model, weights=sys.argv[3]))"
    )
    with tempfile.TemporaryDirectory() as folder:
        path, exported = Path(folder) / "model.keras", Path(folder) / "model.tflite"
        model.save(path)
        ended = subprocess.run(
            [sys.executable, "-c", code, str(path), str(exported), weights],
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if ended.returncode:
            raise RuntimeError(f"L'export par TensorFlow a échoué : {ended.stderr[-500:]}")
        return exported.read_bytes()


def choose_export(model, x_val, y_val) -> tuple[bytes, str]:
    """Prend l'export le plus léger qui garde la précision du modèle.

    Args:
        model: `keras.Model`, images uint8 en entrée, probabilités en sortie.
        x_val: images de validation, uint8 `(n, ...)`.
        y_val: leurs classes, `(n,)` ou `(n, 1)`.

    Returns:
        `(contenu, poids)` : `"float32"` pour un petit modèle ou plusieurs sorties ; sinon
        `"int8"`, et `"float16"` s'il perd plus de `MAX_INT8_LOSS` de précision sur ces images,
        à deux erreurs types près : quelques images qui basculent ne prouvent rien.
    """
    exact = export_litert(model)
    if len(exact) <= MAX_EXACT_EXPORT_BYTES or len(model.outputs) > 1:
        return exact, "float32"
    light = export_litert(model, weights="int8")
    correct = [export_guesses(content, x_val) == y_val.reshape(-1) for content in (exact, light)]
    changes = correct[0].astype(int) - correct[1]  # 1 : juste, puis faux
    error = float((changes**2).sum() ** 0.5 / len(changes))
    if changes.mean() <= MAX_INT8_LOSS + 2 * error:
        return light, "int8"
    return export_litert(model, weights="float16"), "float16"


def export_guesses(content: bytes, x) -> "np.ndarray":
    """Rend la classe que le moteur de `./predict` donne à chaque image, `(n,)` entiers."""
    from exercises.common.inference import Engine, predict_in_passes

    return predict_in_passes(Engine(content), x).argmax(axis=1)


def export_accuracy(content: bytes, x, y) -> float:
    """Mesure la précision d'un export, calculée par le moteur de `./predict`."""
    return float((export_guesses(content, x) == y.reshape(-1)).mean())


@contextlib.contextmanager
def replacing(path: Path, *, suffix: str = ".tmp") -> Iterator[Path]:
    """Donne un fichier voisin où écrire, renommé à la fin, effacé si l'écriture est coupée.

    Args:
        path: fichier à remplacer d'un coup ; son dossier existe.
        suffix: fin du nom provisoire ; le numéro du processus y est de trop quand l'appelant
            tient un verrou, et un reste laissé par un processus tué est alors réécrit.

    Yields:
        Le chemin provisoire.
    """
    temporary = path.with_name(path.name + suffix)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def own_suffix() -> str:
    """Rend, pour `replacing`, une fin de nom qu'aucun autre processus n'emploie."""
    return f".{os.getpid()}.tmp"


def keras_home() -> Path:
    """Rend le dossier de Keras : `KERAS_HOME`, ou `~/.keras`."""
    return Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Tait ce que TensorFlow et son convertisseur écrivent en C++, hors de portée de `logging`."""
    if sys.stderr:
        sys.stderr.flush()
    saved, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """Retient Ctrl-C le temps d'un bloc, puis le rend."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list = []
    previous = signal.signal(signal.SIGINT, lambda *arguments: received.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if received:
            raise KeyboardInterrupt


def environment() -> dict:
    """Décrit la machine et les versions, pour le compte rendu d'une mesure."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    versions = {"python": platform.python_version()}
    for package in ("tensorflow", "keras", "numpy", "ai-edge-litert", "pillow"):
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return {"hardware": f"{os.cpu_count()} cœurs, {_processor()}", "versions": versions}


def _processor() -> str:
    with contextlib.suppress(OSError):  # hors de Linux, ce fichier n'existe pas
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "processeur inconnu"
