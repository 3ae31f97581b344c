"""Les comptes rendus : ce qu'un entraînement a mesuré, et sur quels fichiers."""

import contextlib
import hashlib
import json
import mmap
import os
from pathlib import Path

from convnets.core.files import file_sha256, own_suffix, replacing
from convnets.core.paths import MODELS_DIR, runs_dir


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
