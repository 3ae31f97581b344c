"""Écrire et relire ce qu'un exercice a appris : poids, export léger, compte rendu.

`models/exNN_slug.keras` contient le modèle, `models/exNN_slug.tflite` sa version pour
`./predict`, et `models/exNN_slug.json` le compte rendu de l'entraînement qui les a
produits, avec l'empreinte SHA-256 de chacun. Les trois vont ensemble : un compte rendu
qui ne correspond pas à ses poids est refusé.
"""

import os
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from convnets.core.files import file_sha256, hold_interrupts
from convnets.core.paths import MODELS_DIR, SUFFIXES, runs_dir
from convnets.core.reports import Report, environment, load_report, read_report, save_report
from convnets.training.export import export_litert

WEIGHT_BITS = 10  # à 8, deux réponses sur cinq cents changent ; à 10, une sur mille


def load_model(slug: str, *, models_dir: Path = MODELS_DIR):
    """Charge un modèle Keras après avoir vérifié son compte rendu.

    Args:
        slug: nom de l'exercice, par exemple `"ex03_cifar10"`.
        models_dir: dossier des modèles.

    Returns:
        Un `keras.Model` prêt à prédire : images uint8 en entrée, probabilités en sortie.

    Raises:
        FileNotFoundError: modèle absent.
        ValueError: compte rendu qui ne correspond pas aux poids, ou qui est celui d'une étude.
    """
    import keras

    if not any(name.endswith(".keras") for name in read_report(slug, models_dir=models_dir).files):
        raise ValueError(f"{slug}.json est abîmé, ou d'une étude : il ne décrit pas {slug}.keras.")
    with tempfile.TemporaryDirectory() as folder:
        # Décompressé d'un trait : Keras revient sur ses pas, et bzip2 recommencerait chaque fois.
        path = Path(folder) / f"{slug}.keras"
        _rezip(Path(models_dir) / path.name, path, zipfile.ZIP_STORED)
        return keras.saving.load_model(path, compile=False)


def save_model(
    model,
    slug: str,
    report: Report,
    *,
    export: tuple[bytes, str] | None = None,
    models_dir: Path = MODELS_DIR,
    force: bool = False,
) -> tuple[Path, str | None]:
    """Enregistre modèle, export LiteRT et compte rendu, sans rien perdre de meilleur.

    Les trois fichiers sont d'abord écrits en entier à côté, puis renommés l'un après l'autre,
    Ctrl-C retenu ; une panne de courant entre deux renommages laisse un mélange, que
    `read_report` refuse. Si le modèle en place a une meilleure exactitude de validation
    (`report.score`), ou l'a mesurée sur plus d'images ou plus de graines, il reste, et le nouveau
    va dans `runs/`.

    Args:
        model: `keras.Model`, images uint8 en entrée, probabilités en sortie.
        slug: nom de l'exercice.
        report: mesures de l'entraînement ; les empreintes et la machine sont ajoutées.
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


def _reason_to_keep(folder: Path, slug: str, report: Report) -> str | None:
    sidecar = folder / f"{slug}.json"
    if not any((folder / f"{slug}{end}").exists() for end in SUFFIXES):
        return None
    try:
        known = load_report(sidecar)
    except (FileNotFoundError, ValueError):
        known = None
    if known is None or known.score is None:  # dans le doute, ce qui est en place reste
        return f"{sidecar.name} est absent ou illisible : rien n'est remplacé sans --force."
    num_val, seeds = known.num_images.get("val", 0), (len(known.seeds), len(report.seeds))
    if seeds[0] > seeds[1]:
        why = f"est le meilleur de {seeds[0]} graines, celui-ci de {seeds[1]}"
    elif report.num_images.get("val", 0) < num_val:
        why = f"a été jugé sur plus d'images ({num_val})"  # un essai avec --limit ne compte pas
    elif known.score >= report.score:
        scores = f"{known.score:.4f} contre {report.score:.4f}".replace(".", ",")
        why = f"fait au moins aussi bien en validation ({scores})"
    else:
        return None
    return f"Le modèle {slug} en place {why} : rien n'est remplacé sans --force."


def _stage(model, slug: str, report: Report, folder: Path, export) -> list[Path]:
    paths = weights, light, sidecar = [folder / f"{slug}{end}" for end in SUFFIXES]
    model.save(weights)
    _rezip(weights, weights, zipfile.ZIP_BZIP2)  # de cinq essais, le plus petit
    content, kind = export or (export_litert(model), "float32")
    light.write_bytes(content)
    found = replace(
        report,
        exercise=slug,
        export=kind,
        size_bytes=len(content),
        files={path.name: file_sha256(path) for path in (weights, light)},
        environment=environment(),
    )
    save_report(found, sidecar)
    return paths


def round_weight(weight: np.ndarray) -> np.ndarray:
    """Arrondit un tableau de poids : leur fichier, compressé, est trois à cinq fois plus petit.

    Args:
        weight: noyau `(…, filtres)`, float32, ou vecteur.

    Returns:
        Les mêmes, float32 : un noyau est arrondi à `WEIGHT_BITS` bits, filtre par filtre, au
        multiple le plus proche d'une puissance de deux ; un vecteur, à seize bits.
    """
    if weight.ndim < 2:
        return weight.astype("float16").astype("float32")
    peak = np.abs(weight).max(axis=tuple(range(weight.ndim - 1)))
    largest = 2 ** (WEIGHT_BITS - 1) - 1
    step = np.exp2(np.ceil(np.log2(np.maximum(peak, 1e-30) / largest)))
    return (np.round(weight / step) * step).astype("float32")


def _rezip(source: Path, target: Path, compression: int) -> None:
    """Recopie un fichier `.keras`, qui est un zip, en changeant sa compression."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
