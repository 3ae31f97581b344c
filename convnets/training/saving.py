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
    if not any(name.endswith(".keras") for name in read_report(slug, models_dir=models_dir).files):
        raise ValueError(f"{slug}.json est abîmé, ou d'une étude : il ne décrit pas {slug}.keras.")
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
                "autre Keras, ou de code que ce programme n'a pas. Réentraînez-le avec --force."
            ) from error


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

    Les trois fichiers sont d'abord écrits en entier à côté, puis mis en place d'un coup
    (`files.move_together`). Si le modèle en place a une meilleure exactitude de validation
    (`report.score`), l'a mesurée sur plus d'images ou plus de graines, ou connaît d'autres
    classes, il reste, et le nouveau va dans `runs/exNN_slug` ; si celui qui y est doit rester lui
    aussi, dans `runs/exNN_slug-2`, qui garde le dernier.

    Args:
        model: `keras.Model`, images uint8 en entrée, probabilités en sortie.
        slug: nom de l'exercice.
        report: mesures de l'entraînement ; les empreintes sont ajoutées, et la machine s'il n'en
            nomme pas.
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
    try:
        if not force:
            folder, reason = _choose_folder(folder, slug, report)
        with _staged(folder, slug) as staged:
            _stage(model, slug, report, staged, export)
    except PermissionError as error:
        raise PermissionError(
            f"Impossible d'écrire dans {folder} : accès refusé. Les points de reprise de "
            f"l'entraînement sont gardés ; rendez le dossier accessible et relancez avec --resume."
        ) from error
    return folder, reason


def write_model(
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
        _write(_without_optimizer(model), weights)
        written = [weights]
        if export:
            light = staged / f"{slug}.tflite"
            light.write_bytes(export[0])
            written.append(light)
        found = replace(
            report,
            exercise=slug,
            export=export[1] if export else "",
            size_bytes=len(export[0]) if export else None,
            files={path.name: files.file_sha256(path) for path in written},
            environment=report.environment or environment(),
        )
        save_report(found, staged / f"{slug}.json")
    return found


def _without_optimizer(model):
    """Rend un modèle de mêmes poids, jamais compilé : l'optimiseur triplerait le fichier."""
    bare = type(model).from_config(model.get_config())  # une perte d'exercice n'y est pas
    bare.set_weights(model.get_weights())
    return bare


def save_weights(model, slug: str, report: Report, *, models_dir: Path) -> Path:
    """Enregistre un modèle et son compte rendu sans export, là où TensorFlow manque.

    Args:
        model: voir `save_model`.
        slug: de même.
        report: de même.
        models_dir: dossier des modèles.

    Returns:
        `runs/exNN_slug/weights`, dans `models_dir`, que lit `python -m recipes.export`.

    Raises:
        OSError: dossier impossible à écrire.
    """
    folder = runs_dir(slug, models_dir=models_dir) / "weights"
    with _staged(folder, slug) as staged:
        path = staged / f"{slug}.keras"
        _write(model, path)
        found = {"files": {path.name: files.file_sha256(path)}, "environment": environment()}
        save_report(replace(report, exercise=slug, **found), staged / f"{slug}.json")
    return folder


@contextlib.contextmanager
def _staged(folder: Path, slug: str) -> Iterator[Path]:
    """Un dossier à part, dont les fichiers sont mis en place d'un coup s'ils ont pu être écrits."""
    folder.mkdir(parents=True, exist_ok=True)
    files.remove_stale(folder)
    staged = folder / f".{slug}{files.own_suffix()}"
    shutil.rmtree(staged, ignore_errors=True)  # d'un processus tué, qui avait le même numéro
    staged.mkdir()
    try:
        yield staged
        with files.hold_interrupts():
            files.move_together(staged, folder, name=slug)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _choose_folder(models_dir: Path, slug: str, report: Report) -> tuple[Path, str | None]:
    why = _reason_to_keep(models_dir, slug, report)
    if not why:
        return models_dir, None
    reason = f"Le modèle {slug} en place {why} : rien n'est remplacé sans --force."
    best = runs_dir(slug, models_dir=models_dir)
    why = _reason_to_keep(best, slug, report, yields_to_more=True)
    if not why:
        return best, reason
    last = best.with_name(f"{slug}-2")
    return last, f"{reason}\nCelui de runs/{slug} {why} : runs/{last.name} garde le dernier appris."


def _reason_to_keep(
    folder: Path, slug: str, report: Report, *, yields_to_more: bool = False
) -> str | None:
    """Dit en quoi un modèle vaut mieux que celui qu'on vient d'apprendre, ou rend None.

    `yields_to_more` : un essai jugé sur moins d'images que le nouveau (`--limit`) lui cède.
    """
    files.settle(folder, slug)
    if not any((folder / f"{slug}{end}").exists() for end in SUFFIXES):
        return None
    try:
        known = load_report(folder / f"{slug}.json")
    except (FileNotFoundError, ValueError):
        known = None
    if known is None or known.score is None:  # dans le doute, ce qui est en place reste
        return f"a un compte rendu, {slug}.json, absent ou illisible"
    if known.classes != report.classes:  # rien ne les compare
        return "connaît d'autres classes"
    seeds = len(known.seeds), len(report.seeds)
    num_val = known.num_images.get("val", 0), report.num_images.get("val", 0)
    if seeds[0] > seeds[1]:
        return f"est le meilleur de {seeds[0]} graines, celui-ci de {seeds[1]}"
    if num_val[0] > num_val[1]:  # un essai avec --limit ne compte pas
        return f"a été jugé sur plus d'images ({num_val[0]})"
    if known.score < report.score or (yields_to_more and num_val[0] < num_val[1]):
        return None
    scores = f"{known.score:.4f} contre {report.score:.4f}".replace(".", ",")
    return f"fait au moins aussi bien en validation ({scores})"


def _stage(model, slug: str, report: Report, folder: Path, export) -> None:
    weights, light, sidecar = [folder / f"{slug}{end}" for end in SUFFIXES]
    _write(model, weights)
    content, kind = export or (export_litert(model), "float32")
    light.write_bytes(content)
    found = replace(
        report,
        exercise=slug,
        export=kind,
        size_bytes=len(content),
        files={path.name: files.file_sha256(path) for path in (weights, light)},
        environment=report.environment or environment(),
    )
    save_report(found, sidecar)


def _write(model, path: Path) -> None:
    model.save(path)
    _rezip(path, path, zipfile.ZIP_BZIP2)  # de cinq essais, le plus petit


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
