"""Où sont les choses : modèles, essais, points de reprise, cache de Keras."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
ROOT = _PACKAGE.parent
# Dans le dépôt, models/ est à côté de convnets/ ; `pip install .` en met une part dans le paquet.
MODELS_DIR = _PACKAGE / "models" if (_PACKAGE / "models").is_dir() else ROOT / "models"
RUNS_DIR = ROOT / "runs"  # ignoré par git
MEASURES_DIR = ROOT / "docs" / "mesures"  # ce que python -m recipes.seeds a mesuré
BASE_NAME = "InceptionV3"  # la base du cours : le cache en garde les poids et l'export
SUFFIXES = (".keras", ".tflite", ".json")


def runs_dir(slug: str, *, models_dir: Path = MODELS_DIR) -> Path:
    """Rend le dossier des points de reprise d'une recette.

    Args:
        slug: nom de la recette.
        models_dir: dossier des modèles ; `runs/` est à côté de `models/`, mais dans
            `models_dir` quand on en a choisi un autre.

    Returns:
        Un chemin, que le premier qui y écrit crée.
    """
    models_dir = Path(models_dir).resolve()
    return (RUNS_DIR if models_dir == MODELS_DIR else models_dir / "runs") / slug


def checkpoint_path(options, seed: int, *, network: str) -> Path:
    """Rend le fichier du point de reprise d'une étape d'une recette.

    Args:
        options: options de la recette.
        seed: graine.
        network: nom de l'étape.
    """
    folder = runs_dir(options.module, models_dir=options.models_dir)
    return folder / f"{network}_seed{seed}.npz"


def keras_home() -> Path:
    """Rend le dossier de Keras : `KERAS_HOME`, ou `~/.keras`."""
    return Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))


def keras_models_dir() -> Path:
    """Rend le dossier des poids téléchargés : `<KERAS_HOME ou ~/.keras>/models`."""
    return keras_home() / "models"


def light_features_path(base: dict, *, cache_dir: Path | None = None) -> Path:
    """Nomme l'export d'une base, d'après l'entrée `"base"` d'un compte rendu.

    Args:
        base: `{"input_px": 150, "layer": "mixed10", "sha256": "…"}`.
        cache_dir: dossier du cache ; par défaut `keras_models_dir()`.

    Returns:
        Un chemin ; rien ne dit que le fichier existe.
    """
    name = f"{BASE_NAME.lower()}-{base['input_px']}px-{base['layer']}-{base['sha256'][:16]}"
    return (cache_dir or keras_models_dir()) / f"cours-cnn-{name}.tflite"


def data_cache_dir() -> Path:
    """Rend le dossier des données téléchargées : `<KERAS_HOME ou ~/.keras>/datasets/cours-cnn`."""
    return keras_home() / "datasets" / "cours-cnn"
