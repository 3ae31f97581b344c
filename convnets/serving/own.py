"""Un réseau appris ailleurs : ce que sa fiche en dit, et comment il lit une image et répond.

`./predict --model mon_modele.keras --classes chat,chien image.png` écrit, la première fois, deux
fichiers à côté du réseau : `mon_modele.predict.tflite`, son export, et `mon_modele.predict.json`,
sa fiche. L'export est le réseau, tel quel : `OwnEngine` met les pixels à l'échelle qu'il attend, et
change ses scores en probabilités. TensorFlow ne sert qu'à l'export (`training.own_network`).

Source : Jour 04, exercice 3 (mettre son modèle derrière `./predict`).
"""

import contextlib
import hashlib
import json
import math
from pathlib import Path

import numpy as np

from convnets.core import files
from convnets.core.cli import percent
from convnets.serving.engine import Engine

SUFFIXES = (".keras", ".h5", ".hdf5", ".model", ".tflite")
SCALES = {"0-255": (1.0, 0.0), "0-1": (1 / 255, 0.0), "-1-1": (1 / 127.5, -1.0)}
MAX_SIDE_PX = 1024
SCORES, SHARES, PROBABILITIES = "scores", "shares", "probabilities"  # ce que rend un réseau


class OwnEngine(Engine):
    """Un export de n'importe quelle origine, qui lit des images uint8 et rend des probabilités.

    Args:
        content: contenu d'un fichier `.tflite`.
        scale: ce qu'il attend des pixels, une clé de `SCALES` ; sans effet s'il lit des entiers.
        answers: ce qu'il rend, SCORES, SHARES (de somme quelconque) ou PROBABILITIES.
        num_threads: voir `Engine`.

    Raises:
        ValueError, RuntimeError: ce n'est pas un export, ou il ne lit pas des images.
    """

    def __init__(
        self,
        content: bytes,
        *,
        scale: str = "0-255",
        answers: str = PROBABILITIES,
        num_threads: int | None = None,
    ):
        super().__init__(content, num_threads=num_threads)
        self.scale, self.answers = scale, answers
        inputs = self._interpreter.get_input_details()[0]
        outputs = self._interpreter.get_output_details()[0]
        self._type, self._quantized = inputs["dtype"], outputs["quantization"]
        self._batch = int(inputs["shape_signature"][0])  # -1 : lot variable
        self._own_shape = self.input_shape
        self.input_shape = picture_shape(self.input_shape)
        self.num_outputs = max(2, self.num_outputs)

    @property
    def reads_integers(self) -> bool:
        """Dit si le réseau lit les pixels tels quels : leur échelle est dans ses poids."""
        return np.issubdtype(self._type, np.integer)

    def raw(self, x: np.ndarray) -> np.ndarray:
        """Rend ce que le réseau répond lui-même, `(n, sorties)`, à des images uint8."""
        if self._type == np.int8:
            x = (x.astype(np.int16) - 128).astype(np.int8)
        elif not self.reads_integers:
            factor, offset = SCALES[self.scale]
            x = x.astype(np.float32) * np.float32(factor) + np.float32(offset)
        x = x.reshape(len(x), *self._own_shape).astype(self._type)
        size = len(x) if self._batch < 1 else self._batch
        parts = [x[i : i + size] for i in range(0, len(x), size)]
        found = np.concatenate([super(OwnEngine, self).answer(part)[0] for part in parts])
        step, zero = self._quantized
        return (found.astype(np.float32) - zero) * step if step else found

    def answer(self, x: np.ndarray) -> tuple[np.ndarray, None]:
        """Rend les probabilités `(n, classes)` d'images uint8 `(n, *input_shape)`."""
        found = self.raw(x).astype(np.float64)
        if found.shape[1] == 1:  # une sortie : la probabilité de la seconde classe
            second = 1 / (1 + np.exp(-found)) if self.answers == SCORES else found
            found = np.concatenate([1 - second, second], axis=1)
        elif self.answers == SCORES:
            found = np.exp(found - found.max(1, keepdims=True))
        return (found / np.maximum(found.sum(1, keepdims=True), 1e-30)).astype(np.float32), None


def picture_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Rend la forme des images que lit un réseau : `(h, w, 3)`, ou `(h, w)` en gris.

    Args:
        shape: forme d'une de ses entrées ; un vecteur est celui des pixels d'un carré gris.

    Raises:
        ValueError: ce ne sont pas des images.
    """
    if len(shape) == 1 and math.isqrt(max(shape[0], 0)) ** 2 == shape[0]:
        return (math.isqrt(shape[0]),) * 2
    sides = shape[:2] if shape[2:] == (1,) else shape
    if (
        sides[2:] not in ((), (3,))
        or len(sides) < 2
        or not 0 < min(sides) <= max(sides) <= MAX_SIDE_PX
    ):
        raise ValueError(f"il lit des entrées {[*shape]}, et non des images.")
    return sides


# --- Adopter un réseau ---------------------------------------------------------------


def is_own(path: Path) -> bool:
    """Dit si un chemin est celui d'un réseau appris ailleurs : un fichier, ou un SavedModel."""
    if path.is_dir():
        return (path / "saved_model.pb").is_file()
    known = path.is_file() and (path.suffix in SUFFIXES or _is_export(path))
    return known and "files" not in _read(path.with_suffix(".json"))  # ceux d'une leçon en ont


def _is_export(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] == b"TFL3"


def adopt(path: Path, classes: str | None, scale: str | None, *, read, convert) -> Path:
    """Écrit la fiche et l'export d'un réseau, s'ils ne sont pas déjà là ; rend le nom de la fiche.

    Args:
        path: réseau, pour lequel `is_own` est vrai.
        classes: voir `read_classes` ; None : ceux de sa fiche.
        scale: une clé de `SCALES` ; None : celle de sa fiche s'il n'a pas changé, ou celle qu'il
            dit lui-même.
        read: fonction qui rend l'image à nommer, uint8, à la forme qu'on lui donne : c'est sur elle
            que les trois échelles sont montrées.
        convert: fonction qui rend `(export, échelle ou "")` d'un réseau de Keras.

    Raises:
        ValueError: réseau, classes ou échelle qui ne conviennent pas.
        OSError: dossier où l'on ne peut pas écrire.
    """
    name = path.name if path.is_dir() else path.stem
    target = path.absolute().with_name(f"{name}.predict.json")
    known, export = _read(target), target.with_suffix(".tflite")
    names, framing = known.get("classes_fr"), known.get("framing", "squash")
    if classes:
        names, numbered = read_classes(classes)
        framing = "crop" if numbered else "squash"  # le cadrage de Teachable Machine
    if not names:
        raise ValueError("ajoutez --classes et les noms de ses classes, dans leur ordre.")
    made_from = {path.name: files.file_sha256(_weights(path))}
    same = known.get("made_from") == made_from and export.is_file()
    scale = scale or (known.get("scale") if same else None)
    if same and (names, scale, framing) == tuple(
        known.get(key) for key in ("classes_fr", "scale", "framing")
    ):
        return target
    if same:
        content = export.read_bytes()
    elif path.is_file() and _is_export(path):
        content = path.read_bytes()
    else:
        content, own_scale = convert(path)
        scale = scale or own_scale
    engine = OwnEngine(content)
    if len(names) != engine.num_outputs:
        raise ValueError(f"il a {engine.num_outputs} classes, et --classes en nomme {len(names)}.")
    if not engine.reads_integers and not scale:
        raise ValueError(_ask_scale(engine, names, read(engine.input_shape)))
    engine.scale = scale or "0-255"
    card = {
        "made_from": made_from,
        "scale": engine.scale,
        "answers": _kind(engine.raw(_trials(engine))),
        "input_shape": list(engine.input_shape),
        "classes_fr": names,
        "framing": framing if len(engine.input_shape) == 3 else "squash",
        "files": {export.name: hashlib.sha256(content).hexdigest()},
    }
    for written, data in ((export, content), (target, json.dumps(card, indent=1).encode())):
        with files.replacing(written) as temporary:
            temporary.write_bytes(data)
    return target


def _weights(path: Path) -> Path:
    """Rend le fichier qui change quand un réseau est appris à nouveau."""
    if path.is_file():
        return path
    return next((path / "variables").glob("*.data-*"), path / "saved_model.pb")


def _read(path: Path) -> dict:
    """Rend une fiche, ou rien si le fichier manque ou n'en est pas une."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def read_classes(text: str) -> tuple[list[str], bool]:
    """Lit des noms de classes : une liste, un fichier d'un nom par ligne, ou des dossiers.

    Returns:
        Les noms, et s'ils étaient numérotés (« 0 chat », « 1 chien »), comme le fait Teachable
        Machine.
    """
    path = Path(text)
    if path.is_dir():
        return sorted(each.name for each in path.iterdir() if each.is_dir()), False
    names = path.read_text(encoding="utf-8-sig").split("\n") if path.is_file() else text.split(",")
    names = [name.strip() for name in names if name.strip()]
    numbered = all(name.startswith(f"{k} ") for k, name in enumerate(names))
    return [name.partition(" ")[2] if numbered else name for name in names], numbered


def _trials(engine: OwnEngine) -> np.ndarray:
    """Rend seize images, uint8, du noir au bruit : de quoi voir ce que rend un réseau."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (16, *engine.input_shape))
    contrast = np.linspace(0, 1, 16).reshape(-1, *[1] * len(engine.input_shape))
    return (noise * contrast).astype(np.uint8)


def _kind(found: np.ndarray) -> str:
    """Dit ce qu'un réseau rend, d'après ce qu'il a rendu, `(n, sorties)`."""
    if not np.isfinite(found).all():
        raise ValueError("il répond par des nombres qui n'en sont pas (NaN) : réentraînez-le.")
    if (found < 0).any() or (found > 1).any():
        return SCORES
    sums = found.sum(1)
    return PROBABILITIES if found.shape[1] == 1 or abs(sums - 1).max() < 0.01 else SHARES


def _ask_scale(engine: OwnEngine, names: list[str], pixels: np.ndarray) -> str:
    """Demande à quelle échelle un réseau lit les pixels, avec ce qu'il répondrait à chacune."""
    said = []
    for engine.scale in SCALES:
        engine.answers = _kind(engine.raw(_trials(engine)))
        (found,) = engine.answer(pixels[np.newaxis])[0]
        said.append(f"--scale={engine.scale} ({names[found.argmax()]}, {percent(found.max())})")
    return (
        "il ne dit pas à quelle échelle il lit les pixels ; dites-le, ou choisissez d'après ce "
        f"qu'il répond à cette image : {', '.join(said)}."
    )
