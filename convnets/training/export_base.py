"""L'export d'InceptionV3 dont `./predict` a besoin pour une tête apprise sur elle."""

from pathlib import Path

from convnets.core import files
from convnets.core.paths import light_features_path
from convnets.datasets.pretrained import features_model, inception_v3
from convnets.training import export


def prepare_base(report_base: dict, *, cache_dir: Path | None = None) -> Path:
    """Retrouve la base qu'un compte rendu décrit et l'exporte pour `./predict`, dans le cache.

    Les poids restent en float32 : 87 Mo pour `mixed10`, l'écart à Keras est de 1e-5 (8e-3 en
    float16), et la première image vient plus vite.

    Args:
        report_base: `{"input_px", "layer", "sha256", ...}`, l'entrée `"base"` du compte rendu.
        cache_dir: dossier du cache ; par défaut `<KERAS_HOME>/models`.

    Returns:
        Le fichier de l'export, celui que nomme `light_features_path` ; rien n'est refait s'il est
        déjà là.

    Raises:
        FileNotFoundError: aucune source n'a donné des poids de cette empreinte.
        OSError: dossier du cache impossible à écrire.
    """
    path = light_features_path(report_base, cache_dir=cache_dir)
    if not path.exists():
        base, _ = inception_v3(
            input_px=report_base["input_px"], sha256=report_base["sha256"], cache_dir=cache_dir
        )
        content = export.export_litert(features_model(base, layer_name=report_base["layer"]))
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path, suffix=files.own_suffix()) as temporary:
            temporary.write_bytes(content)
    return path
