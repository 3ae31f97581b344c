"""Écrire et relire ce qu'un exercice a appris : poids, export léger, compte rendu.

`models/exNN_slug.keras` contient le modèle, `models/exNN_slug.tflite` sa version pour
`./predict`, et `models/exNN_slug.json` le compte rendu de l'entraînement qui les a
produits, avec l'empreinte SHA-256 de chacun. Les trois vont ensemble : un compte rendu
qui ne correspond pas à ses poids est refusé.
"""

import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from convnets.core import files
from convnets.core.paths import MODELS_DIR
from convnets.core.reports import Report, environment, read_report, save_report

WEIGHT_BITS = 10  # à 8, deux réponses sur cinq cents changent ; à 10, une sur mille


def load_model(slug: str, *, models_dir: Path = MODELS_DIR):
    """Charge un modèle Keras après avoir vérifié son compte rendu.

    Args:
        slug: nom du modèle, par exemple `"ex03_cifar10"`.
        models_dir: dossier des modèles.

    Returns:
        Un `keras.Model` prêt à prédire : images uint8 en entrée, probabilités en sortie.

    Raises:
        FileNotFoundError: modèle absent.
        ValueError: compte rendu qui ne correspond pas aux poids.
    """
    read_report(slug, models_dir=models_dir)
    import keras

    path = Path(models_dir) / f"{slug}.keras"
    with files.hold_interrupts(), tempfile.TemporaryDirectory() as folder:
        # Décompressé d'un trait : Keras revient sur ses pas, et bzip2 recommencerait chaque fois.
        stored = Path(folder) / path.name
        try:
            _rezip(path, stored, zipfile.ZIP_STORED)
            return keras.saving.load_model(stored, compile=False)
        except Exception as error:  # de toute sorte, en anglais, selon ce que contient le fichier
            if getattr(error, "errno", None):  # plus de place, accès refusé : `cli.run` le dit
                raise
            raise ValueError(
                f"Keras ne sait pas lire {path} ({type(error).__name__}) : ce modèle a besoin d'un "
                "autre Keras, ou de code que ce programme n'a pas. Réentraînez-le."
            ) from error


def save_model(
    model, slug: str, report: Report, *, export: tuple[bytes, str] | None, models_dir: Path
) -> Report:
    """Enregistre un modèle, son export et son compte rendu, à la place de ceux qui y étaient.

    Les fichiers sont d'abord écrits en entier à côté, puis mis en place d'un coup
    (`files.move_together`) : une commande interrompue laisse les anciens.

    Args:
        model: `keras.Model`.
        slug: nom des fichiers.
        report: mesures ; les empreintes et la machine y sont ajoutées.
        export: contenu de l'export et type de ses poids ; None : rien ne le lirait.
        models_dir: dossier des modèles.

    Returns:
        Le compte rendu, tel qu'il est enregistré.

    Raises:
        OSError: dossier impossible à écrire.
    """
    with _staged(models_dir, slug) as staged:
        weights = staged / f"{slug}.keras"
        _without_optimizer(model).save(weights)
        _rezip(weights, weights, zipfile.ZIP_BZIP2)  # de cinq essais, le plus petit
        if export:
            (staged / f"{slug}.tflite").write_bytes(export[0])
        found = replace(
            report,
            exercise=slug,
            export=export[1] if export else "",
            size_bytes=len(export[0]) if export else None,
            files={path.name: files.file_sha256(path) for path in sorted(staged.iterdir())},
            environment=report.environment or environment(),
        )
        save_report(found, staged / f"{slug}.json")
    return found


def _without_optimizer(model):
    """Rend un modèle de mêmes poids, jamais compilé : l'optimiseur triplerait le fichier.

    Un modèle fait d'autres modèles garderait aussi les leurs.
    """
    if not any(getattr(each, "optimizer", None) for each in (model, *getattr(model, "layers", ()))):
        return model
    bare = type(model).from_config(model.get_config())  # une perte d'exercice n'y est pas
    bare.set_weights(model.get_weights())
    for part in bare.layers:
        if getattr(part, "optimizer", None):  # sa configuration l'a recompilé
            part.optimizer, part.compiled = None, False
    return bare


@contextlib.contextmanager
def _staged(folder: Path, slug: str) -> Iterator[Path]:
    """Un dossier à part, dont les fichiers sont mis en place d'un coup s'ils ont pu être écrits."""
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f".{slug}.tmp"
    shutil.rmtree(staged, ignore_errors=True)  # d'un processus tué
    staged.mkdir()
    try:
        yield staged
        with files.hold_interrupts():
            files.move_together(staged, folder, name=slug)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


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
