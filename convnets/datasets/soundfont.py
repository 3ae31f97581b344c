"""De vrais instruments, enregistrés note par note : le soundfont TimGM6mb.

Un soundfont est un fichier d'enregistrements, et de zones qui disent lequel jouer pour quelle note.
Celui-ci vient du cache, ou d'un paquet Python, qui le contient pour lui-même.

Source : « SoundFont Technical Specification », version 2.04, § 5 à 8. Les sons sont de T. Brechbill
et D. Bolton, sous licence GPL 2.
"""

import itertools
import zipfile
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core.files import file_sha256, replacing
from convnets.core.paths import data_cache_dir
from convnets.datasets import packages

NAME = "TimGM6mb.sf2"
SHA256 = "82475b91a76de15cb28a104707d3247ba932e228bada3f47bba63c6b31aaf7a1"
PACKAGE = packages.PythonPackage(
    "pretty_midi==0.2.11.post0",
    title="Instruments",
    size_mb=6,
    missing=f"Le soundfont {NAME} est introuvable",
    wanted=f"{NAME}, que contient ce paquet,",
)
# Ce que règle une zone : le numéro de chaque réglage dans le fichier.
DECAY, SUSTAIN, KEYS, COARSE, FINE, SAMPLE, LOOPS, ROOT = 36, 37, 43, 51, 52, 53, 54, 58
RECORD = "S20,u4,u4,u4,u4,u4,u1,i1,u2,u2"  # nom, début et fin, ceux de la boucle, fréquence, note…


class Zone(NamedTuple):
    """Un enregistrement, et les notes qu'il sert à jouer. Une note est un numéro MIDI, la = 69."""

    lowest: int
    highest: int
    root: float  # la note enregistrée
    rate_hz: int
    wave: np.ndarray  # (m,) float32 dans [-1, 1]
    loop: tuple[int, int] | None  # échantillons que répète une note tenue
    decay_db_s: float  # ce que perd le son en une seconde…
    sustain_db: float  # … et au plus


def find_soundfont() -> Path:
    """Rend le fichier, que l'on télécharge s'il n'est pas dans le cache.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    path = data_cache_dir() / NAME
    read, unpack = partial(_check, path), partial(_unpack, path)
    return packages.load(PACKAGE, read, unpack, place=path, folder=path.parent)


def _check(path: Path) -> Path:
    if file_sha256(path) != SHA256:
        raise ValueError(f"{path.name} n'est pas celui du cours, ou il est abîmé")
    return path


def _unpack(path: Path, wheels: list[Path]) -> Path:
    with zipfile.ZipFile(wheels[0]) as archive, replacing(path) as staged:
        staged.write_bytes(archive.read(f"pretty_midi/{NAME}"))
    return _check(path)


@cache
def load_instruments() -> dict[str, list[Zone]]:
    """Rend les zones de chaque instrument du soundfont, par son nom.

    Raises:
        FileNotFoundError: voir `find_soundfont`.
    """
    content = find_soundfont().read_bytes()

    def table(name: bytes, fields: str) -> np.ndarray:
        start = content.index(name) + 8
        size = int.from_bytes(content[start - 4 : start], "little")
        return np.frombuffer(content, fields, size // np.dtype(fields).itemsize, start)

    waves, records = table(b"smpl", "<i2"), table(b"shdr", RECORD).tolist()
    bags, settings = table(b"ibag", "u2,u2")["f0"], table(b"igen", "u2,i2").tolist()
    names = table(b"inst", "S20,u2").tolist()
    found = {}
    for (name, first), (_, last) in itertools.pairwise(names):
        zones = [dict(settings[bags[k] : bags[k + 1]]) for k in range(first, last)]
        found[name.split(b"\0")[0].decode().strip()] = [
            _zone(each, waves, records[each[SAMPLE]]) for each in zones if SAMPLE in each
        ]
    return found


def _zone(settings: dict[int, int], waves: np.ndarray, record: tuple) -> Zone:
    _, start, end, loop_start, loop_end, rate_hz, pitch, correction, *_ = record
    highest, lowest = divmod(settings.get(KEYS, 127 << 8), 256)
    cents = 100 * settings.get(COARSE, 0) + settings.get(FINE, 0) + correction
    return Zone(
        lowest,
        highest,
        settings.get(ROOT, pitch) - cents / 100,
        rate_hz,
        waves[start:end].astype(np.float32) / 2**15,
        (loop_start - start, loop_end - start) if settings.get(LOOPS) else None,
        100 / 2 ** (settings.get(DECAY, -12000) / 1200),
        settings.get(SUSTAIN, 0) / 10,
    )
