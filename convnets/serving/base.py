"""Le fichier d'une base exportée, d'après ce qu'un compte rendu en dit."""

import re
from pathlib import Path

from convnets.core.paths import BASE_NAME, keras_models_dir


def light_features_path(base: dict, *, cache_dir: Path | None = None) -> Path:
    """Nomme le fichier où `export_features` écrit, d'après l'entrée `"base"` d'un compte rendu.

    Args:
        base: `{"name": "InceptionV3", "input_px": 150, "layer": "mixed10", "sha256": "…"}`.
        cache_dir: dossier du cache ; par défaut `<KERAS_HOME>/models`.

    Returns:
        Un chemin ; rien ne dit que le fichier existe.

    Raises:
        ValueError: description incomplète, ou d'une autre base.
    """
    if not (
        isinstance(base, dict)
        and base.get("name") == BASE_NAME
        and isinstance(base.get("input_px"), int)
        and re.fullmatch(r"[a-z0-9_]+", str(base.get("layer")))
        and re.fullmatch(r"[0-9a-f]{64}", str(base.get("sha256")))
    ):
        raise ValueError(
            f"Base décrite par {base!r} ; attendu : le nom {BASE_NAME}, input_px, layer et sha256 "
            "(64 chiffres hexadécimaux). Remettez le compte rendu du dépôt."
        )
    name = f"{BASE_NAME.lower()}-{base['input_px']}px-{base['layer']}-{base['sha256'][:16]}"
    return Path(cache_dir or keras_models_dir()) / f"cours-cnn-{name}.tflite"
