"""Un réseau appris ailleurs : ce que sa fiche en dit, et comment il lit une image et répond.

`./predict --model mon_modele.keras --classes chat,chien image.png` écrit, la première fois, deux
fichiers à côté du réseau : `mon_modele.predict.tflite`, son export, et `mon_modele.predict.json`,
sa fiche. L'export est le réseau, tel quel : `OwnEngine` met les pixels à l'échelle qu'il attend, et
change ses scores en probabilités. TensorFlow ne sert qu'à l'export (`training.own_network`).

Source : Jour 04, exercice 3 (mettre son modèle derrière `./predict`).
"""

import codecs
import contextlib
import hashlib
import json
import math
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core import files
from convnets.core.cli import percent, printable
from convnets.core.paths import keras_models_dir
from convnets.serving import apart
from convnets.serving.engine import Engine

SUFFIXES = (".keras", ".h5", ".hdf5", ".model", ".tflite")
SCALES = {"0-255": (1.0, 0.0), "0-1": (1 / 255, 0.0), "-1-1": (1 / 127.5, -1.0)}
CAFFE = "caffe"  # le `preprocess_input` de ResNet50 et de VGG16 : bleu, vert, rouge, centrés
CAFFE_MEANS = (103.939, 116.779, 123.68)  # d'ImageNet, dans cet ordre
GROUNDS = ("dark", "light", "any")  # des images grises apprises ; any : elles n'en ont pas
MAX_SIDE_PX = 1024
COPY_AGAIN = "copiez le dossier entier, ou enregistrez le réseau à nouveau."
MAX_LISTED = 12  # noms de classes, dans une phrase
SCORES, SHARES, PROBABILITIES = "scores", "shares", "probabilities"  # ce que rend un réseau
NO_NUMBERS = "nan"
CONVERTER, TRIAL = "convnets.training.own_network", "convnets.serving.trial"
# Un réseau de 200 millions de paramètres demande moins de 5 Gio, et moins d'une minute.
CONVERSION = apart.Limits(memory_bytes=6 * 2**30, seconds=300)
MODEL = apart.Limits(memory_bytes=4 * 2**30, seconds=60)


class Wanted(NamedTuple):
    """Ce que la ligne de commande dit d'un réseau ; None : rien."""

    classes: str | None  # voir `read_classes`
    scale: str | None  # une clé de `SCALES`, ou CAFFE
    ground: str | None  # un de `GROUNDS`, pour un réseau qui lit du gris


class Classes(NamedTuple):
    """Les classes d'un réseau, et ce que dit de lui la façon dont elles sont écrites."""

    names: list[str]
    framing: str  # "crop", celui de Teachable Machine, ou "squash"
    numbered: bool  # « 0 chat », « 1 chien » : il vient de Teachable Machine


class Said(NamedTuple):
    """Ce qui est dit d'un réseau, sous les noms qu'a sa fiche ; None : rien ne le dit encore."""

    classes_fr: list[str]
    framing: str
    scale: str | None
    ground: str | None


class Trial(NamedTuple):
    """Ce que `trial.answer` a vu d'un export."""

    input_shape: list[int]
    num_outputs: int
    reads_integers: bool
    answers: dict[str, str]  # à chaque échelle, la sorte de ce qu'il rend, ou NO_NUMBERS
    said: dict[str, list]  # à chaque échelle, (classe, probabilité) d'une image, puis inversée

    @property
    def is_grey(self) -> bool:
        """Vrai s'il lit du gris."""
        return len(self.input_shape) == 2


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
        elif self.scale == CAFFE and not self.reads_integers and x.ndim == 4:
            x = x[..., ::-1].astype(np.float32) - np.float32(CAFFE_MEANS)
        elif not self.reads_integers:
            factor, offset = SCALES.get(self.scale, SCALES["0-255"])
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
        return any((path / name).exists() for name in ("saved_model.pb", "variables"))
    known = path.is_file() and (path.suffix in SUFFIXES or _is_export(path))
    return known and "files" not in _read(path.with_suffix(".json"))  # ceux d'une leçon en ont


def _is_export(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] == b"TFL3"


def adopt(path: Path, asked: Wanted, *, picture: str | None) -> Path:
    """Écrit la fiche et l'export d'un réseau, s'ils ne sont pas déjà là ; rend le nom de la fiche.

    Ce réseau n'est converti, et son export essayé, que dans des processus à part (voir `apart`).

    Args:
        path: réseau, pour lequel `is_own` est vrai.
        asked: ce que l'on en dit ; ce qui n'est pas dit est repris de sa fiche s'il n'a pas changé,
            ou de lui-même.
        picture: image sur laquelle montrer ce qu'il répond à chaque échelle ; None : aucune.

    Raises:
        ValueError: réseau, classes, échelle ou fond qui ne conviennent pas.
        OSError: ni le dossier du réseau ni le cache ne s'écrivent.
    """
    target = _card_path(path)
    known, export = _read(target), target.with_suffix(".tflite")
    classes = _classes_of(asked, known)
    _check_folder(path)
    made_from = {path.name: files.file_sha256(_weights(path))}
    same = known.get("made_from") == made_from and export.is_file()
    kept = known if same else {}  # appris à nouveau, il se lit peut-être autrement
    scale, ground = asked.scale or kept.get("scale"), asked.ground or kept.get("ground")
    said = Said(classes.names, classes.framing, scale, ground)
    if said == Said(*map(kept.get, Said._fields)):
        return target
    content, own_scale = (export.read_bytes(), "") if same else _export(path)
    trial = _try(content, classes.names, picture)
    said = said._replace(scale=scale or own_scale or _usual_scale(trial, classes))
    _check_readable(said, trial)
    _write_card(target, said, trial, content, made_from)
    return target


def _classes_of(asked: Wanted, known: dict) -> Classes:
    """Rend les classes que nomme la ligne de commande ; à défaut, celles de la fiche.

    Raises:
        ValueError: ni l'une ni l'autre n'en nomme, ou un nom y est deux fois.
    """
    names, framing, numbered = known.get("classes_fr"), known.get("framing", "squash"), False
    if asked.classes:
        names, numbered = read_classes(asked.classes)
        framing = "crop" if numbered else "squash"
    if not names:
        raise ValueError("ajoutez --classes et les noms de ses classes, dans leur ordre.")
    return Classes(names, framing, numbered)


def _try(content: bytes, names: list[str], picture: str | None) -> Trial:
    """Essaie un export dans un processus à part : voir `trial.answer`.

    Raises:
        ValueError: il ne se lit pas, ou n'a pas autant de classes que de noms.
    """
    fields, _ = apart.run(TRIAL, [picture] if picture else [], limits=MODEL, content=content)
    trial = Trial(**fields)
    if len(names) != trial.num_outputs:
        listed = ", ".join(map(printable, names[:MAX_LISTED])) + "…" * (len(names) > MAX_LISTED)
        raise ValueError(
            f"il a {trial.num_outputs} classes, et --classes en nomme {len(names)} ({listed})."
        )
    return trial


def _usual_scale(trial: Trial, classes: Classes) -> str | None:
    """Rend l'échelle d'un réseau dont rien ne la dit, s'il n'en a qu'une ; sinon None."""
    if trial.reads_integers:
        return "0-255"
    return "-1-1" if classes.numbered else None  # celle de Teachable Machine


def _check_readable(said: Said, trial: Trial) -> None:
    """Vérifie que l'on sait comment lire un réseau, et qu'il répond.

    Raises:
        ValueError: il reste à dire son échelle ou son fond, ou il ne répond pas des nombres.
    """
    if not said.scale:
        raise ValueError(_ask_scale(trial, said.classes_fr))
    if trial.is_grey and not said.ground:
        raise ValueError(_ask_ground(trial, said.classes_fr, said.scale))
    if trial.answers[said.scale] == NO_NUMBERS:
        raise ValueError("il répond par des nombres qui n'en sont pas (NaN) : réentraînez-le.")


def _write_card(
    target: Path, said: Said, trial: Trial, content: bytes, made_from: dict[str, str]
) -> None:
    """Écrit l'export d'un réseau, puis sa fiche, qui les décrit tous deux.

    Raises:
        OSError: ni le dossier du réseau ni le cache ne s'écrivent.
    """
    export = target.with_suffix(".tflite")
    card = {
        "made_from": made_from,
        "scale": said.scale,
        "ground": said.ground,
        "answers": trial.answers[said.scale],
        "input_shape": trial.input_shape,
        "classes_fr": said.classes_fr,
        "framing": said.framing if len(trial.input_shape) == 3 else "squash",
        "files": {export.name: hashlib.sha256(content).hexdigest()},
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    for written, data in ((export, content), (target, json.dumps(card, indent=1).encode())):
        with files.replacing(written) as temporary:
            temporary.write_bytes(data)


def _card_path(path: Path) -> Path:
    """Nomme la fiche d'un réseau : à côté de lui, ou dans le cache si ce dossier est fermé."""
    path = path.absolute()
    name = f"{path.name if path.is_dir() else path.stem}.predict.json"
    beside = path.with_name(name)
    if beside.exists() or os.access(path.parent, os.W_OK):
        return beside
    place = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return keras_models_dir() / f"predict-{place}" / name


def _export(path: Path) -> tuple[bytes, str]:
    """Rend l'export d'un réseau, et l'échelle des pixels qu'il dit lui-même, sinon ""."""
    if path.is_file() and _is_export(path):
        return path.read_bytes(), ""
    print("Conversion de ce réseau, une fois pour toutes…", file=sys.stderr, flush=True)
    fields, content = apart.run(CONVERTER, [str(path.absolute())], limits=CONVERSION)
    return content, fields["scale"]


def _check_folder(path: Path) -> None:
    """Refuse un SavedModel auquel il manque le graphe ou les poids, en nommant le fichier.

    Raises:
        ValueError: c'est le cas.
    """
    if not path.is_dir():
        return
    wanted = ["saved_model.pb"]
    if (path / "variables").exists():  # un réseau peut n'avoir aucun poids
        wanted += ["variables/variables.index", "variables/variables.data-*"]
    for pattern in wanted:
        if not any(path.glob(pattern)):
            raise ValueError(f"il lui manque {pattern} : {COPY_AGAIN}")


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

    Raises:
        ValueError: un nom y est deux fois.
    """
    path = Path(text)
    if path.is_dir():
        folders = [each.name for each in path.iterdir() if each.is_dir()]
        return sorted(name for name in folders if not name.startswith(".")), False
    names = _decode(path.read_bytes()).splitlines() if path.is_file() else text.split(",")
    names = [name.strip() for name in names if name.strip()]
    numbered = all(name.startswith(f"{k} ") for k, name in enumerate(names))
    names = [name.partition(" ")[2] if numbered else name for name in names]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"--classes nomme deux fois {', '.join(map(printable, twice))}.")
    return names, numbered


def _decode(content: bytes) -> str:
    """Rend le texte d'un fichier de noms : UTF-8, UTF-16 (le Bloc-notes), ou à défaut Latin-1."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _ask_scale(trial: Trial, names: list[str]) -> str:
    """Demande à quelle échelle un réseau lit les pixels, avec ce qu'il répondrait à chacune."""
    asked = "il ne dit pas à quelle échelle il lit les pixels ; dites-le"
    said = [
        f"--scale={scale} ({names[best]}, {percent(probability)})"
        for scale, ((best, probability), _) in trial.said.items()
        if not (scale == CAFFE and trial.is_grey)
    ]
    if not said:
        return f"{asked} : {', '.join(f'--scale={scale}' for scale in SCALES)}."
    return f"{asked}, ou choisissez d'après ce qu'il répond à cette image : {', '.join(said)}."


def _ask_ground(trial: Trial, names: list[str], scale: str) -> str:
    """Demande sur quel fond un réseau a appris ses images grises."""
    asked = (
        "il lit du gris : dites si ses images avaient un fond sombre comme celles de MNIST "
        "(--ground dark), clair (--ground light), ou ni l'un ni l'autre (--ground any)"
    )
    if scale not in trial.said:
        return f"{asked}."
    plain, inverted = (f"{names[k]} ({percent(share)})" for k, share in trial.said[scale])
    return f"{asked} ; de cette image, il dit {plain}, et de son négatif {inverted}."
