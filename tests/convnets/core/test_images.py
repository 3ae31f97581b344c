"""Toute image ouverte comme on la verrait, toute autre chose refusée en une phrase."""

import io
import os
import struct
import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from convnets.core.images import crop_resize, open_image

pytestmark = pytest.mark.question("S1, exercice 03 : l'image à prédire")

RED, GREEN, BLUE, GREY = (220, 30, 40), (20, 180, 60), (30, 60, 210), (128, 128, 128)


@pytest.fixture
def quadrants():
    """Image RGB 60×40 : rouge, vert, bleu, blanc, pour voir où chaque coin est passé."""
    pixels = np.full((40, 60, 3), 255, np.uint8)
    pixels[:20, :30], pixels[:20, 30:], pixels[20:, :30] = RED, GREEN, BLUE
    return Image.fromarray(pixels)


def corners(image):
    """Rend les quatre coins, haut gauche, haut droit, bas gauche, bas droit, `(4, 3)`."""
    return np.array(image, int)[[2, 2, -3, -3], [2, -3, 2, -3]]


def one_french_line(error, path) -> None:
    """Vérifie la forme d'un message d'erreur."""
    message = str(error.value)
    assert "\n" not in message and str(path) in message and message.endswith(".")


# --- Formats et modes ---------------------------------------------------------------


LOSSLESS = ["a.png", "a.bmp", "a.tiff", "a.webp", "a.ppm", "a.tga", "a.pcx", "a.jp2"]


@pytest.mark.parametrize("name", [*LOSSLESS, "a.jpg", "a.avif", "a.gif"])
def test_formats(tmp_path, quadrants, name):
    """Chaque format rend les couleurs : exactement, ou à peu près s'il est avec perte."""
    quadrants.save(tmp_path / name, **({"lossless": True} if name == "a.webp" else {}))
    image = open_image(tmp_path / name)
    assert (image.mode, image.size) == ("RGB", (60, 40))
    expected = [RED, GREEN, BLUE, (255, 255, 255)]
    np.testing.assert_allclose(corners(image), expected, atol=0 if name in LOSSLESS else 12)


def test_a_picture_from_a_telephone():
    """Une photo HEIC de `samples/chien.webp`, réduite à 64 par 48 pixels."""
    image = open_image("tests/extracts/chien.heic")
    dog = open_image("samples/chien.webp").resize((64, 48))
    assert image.size == (64, 48) and image.mode == "RGB"
    assert np.abs(np.asarray(image, float) - np.asarray(dog, float)).mean() < 12


@pytest.mark.parametrize("mode", ["1", "L", "P", "YCbCr", "CMYK", "LAB", "RGBX"])
def test_every_colour_mode(tmp_path, quadrants, mode):
    """Tout mode de couleur finit en RGB, de la bonne couleur."""
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        stored = ImageCms.profileToProfile(quadrants, *profiles, outputMode="LAB")
    else:
        stored = quadrants.quantize(4) if mode == "P" else quadrants.convert(mode)
    stored.save(tmp_path / "a.tiff", compression="tiff_lzw" if mode == "YCbCr" else None)
    image = open_image(tmp_path / "a.tiff")
    expected = quadrants.convert(mode) if mode in ("1", "L") else quadrants
    assert image.mode == "RGB"
    np.testing.assert_allclose(corners(image), corners(expected.convert("RGB")), atol=10)


def test_cmyk_jpeg_is_not_inverted(tmp_path, quadrants):
    """Les JPEG d'imprimeur, rangés à l'envers, reviennent à l'endroit."""
    quadrants.convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    expected = [RED, GREEN, BLUE, (255, 255, 255)]
    np.testing.assert_allclose(corners(open_image(tmp_path / "a.jpg")), expected, atol=12)


@pytest.mark.parametrize(("mode", "side"), [("RGB", None), ("RGBA", None), ("RGB", 20)])
def test_a_colour_profile_is_applied(tmp_path, quadrants, mode, side):
    """Un profil qui échange le rouge et le vert est appliqué ; un profil abîmé n'y change rien."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "gRBG".encode("utf-16-be"))
    for name, profile in (("a.png", swapped), ("b.png", b"abime")):
        quadrants.convert(mode).save(tmp_path / name, icc_profile=profile)
    found, spoilt = (open_image(tmp_path / n, min_side_px=side) for n in ("a.png", "b.png"))
    expected = [colour[1::-1] + colour[2:] for colour in (RED, GREEN, BLUE)]
    np.testing.assert_allclose(corners(found)[:3], expected, atol=3)
    np.testing.assert_allclose(corners(spoilt)[:3], [RED, GREEN, BLUE])


@pytest.mark.parametrize("progressive", [False, True])
def test_a_photo_that_holds_another_is_read(tmp_path, quadrants, progressive):
    """Un téléphone range souvent deux images dans un JPEG (MPO) : la première compte."""
    options = {"quality": 95, "progressive": progressive}
    quadrants.save(tmp_path / "seule.jpg", **options)
    more = {"format": "MPO", "save_all": True, "append_images": [quadrants.resize((8, 8))]}
    quadrants.save(tmp_path / "deux.jpg", **options, **more)
    both = [open_image(tmp_path / name).tobytes() for name in ("seule.jpg", "deux.jpg")]
    assert both[0] == both[1]


RAMP = np.linspace(0, 1, 256)[None].repeat(8, 0)  # (8, 256)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("a.png", np.round(RAMP * 65535).astype(np.uint16)),  # mode I;16
        ("a.tiff", np.round(RAMP * 65535).astype(np.uint16)),
        ("a.pgm", np.round(RAMP * 65535).astype(np.uint16)),  # mode I
        ("a.tiff", np.round(RAMP * 65535).astype(np.int32)),  # mode I
        ("a.tiff", np.round(RAMP * 255).astype(np.int32)),
        ("a.tiff", np.round(RAMP * 4095).astype(np.uint16)),  # un appareil de 12 bits
        ("a.tiff", np.round(RAMP * 2e6 - 1e6).astype(np.int32)),  # aucune échelle usuelle
        ("a.tiff", RAMP.astype(np.float32)),  # mode F
        ("a.tiff", (RAMP * 255).astype(np.float32)),
        ("a.tiff", (RAMP * 40 - 20).astype(np.float32)),
    ],
)
def test_deep_greys_are_scaled_not_clipped(tmp_path, name, values):
    """Une rampe de gris reste une rampe de 0 à 255, sans palier."""
    Image.fromarray(values).save(tmp_path / name)
    grey = np.array(open_image(tmp_path / name), int)  # (8, 256, 3)
    assert (grey == grey[..., :1]).all()
    np.testing.assert_allclose(grey[3, :, 0], np.arange(256), atol=1)


# --- Transparence -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tiff"])
def test_transparency_on_neutral_ground(tmp_path, quadrants, name):
    """Transparent : gris 128 ; à demi : le mélange ; opaque : inchangé."""
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[:20, :30], alpha[20:, :30] = 0, 128
    quadrants.putalpha(Image.fromarray(alpha))
    quadrants.save(tmp_path / name, **({"lossless": True} if name == "a.webp" else {}))
    expected = [GREY, GREEN, np.add(BLUE, GREY) / 2, (255, 255, 255)]
    np.testing.assert_allclose(corners(open_image(tmp_path / name)), expected, atol=2)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tiff"])
def test_animation_gives_its_first_frame(tmp_path, name):
    """D'une animation on voit la première image."""
    frames = [Image.new("RGB", (24, 16), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if name == "a.webp" else {}
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
    with Image.open(tmp_path / name) as written:
        assert written.n_frames == 3
    np.testing.assert_allclose(corners(open_image(tmp_path / name)), [RED] * 4, atol=1)


# --- EXIF ---------------------------------------------------------------------------

SHOWN = {1: "RGBW", 2: "GRWB", 3: "WBGR", 4: "BWRG", 5: "RBGW", 6: "BRWG", 7: "WGBR", 8: "GWRB"}


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tiff"])
def test_exif_orientation(tmp_path, quadrants, name):
    """Les huit orientations EXIF, dans quatre formats."""
    colours = {"R": RED, "G": GREEN, "B": BLUE, "W": (255, 255, 255)}
    for orientation, shown in SHOWN.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        quadrants.save(tmp_path / name, exif=exif, quality=95)
        image = open_image(tmp_path / name)
        assert image.size == ((60, 40) if orientation < 5 else (40, 60)), orientation
        expected = [colours[letter] for letter in shown]
        np.testing.assert_allclose(corners(image), expected, atol=12, err_msg=str(orientation))


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0II*\0",
        b"Exif\0\0nothing that TIFF knows",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0" * 3,
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\xff\xff\xff\x7f\xff\xff\xff\x7f\0\0\0\0",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x63\0\0\0\0\0\0\0",
    ],
)
def test_broken_exif_is_ignored(tmp_path, quadrants, exif):
    """Un EXIF abîmé n'empêche rien et n'affiche rien."""
    buffer = io.BytesIO()
    quadrants.save(buffer, "JPEG", quality=95)
    content = buffer.getvalue()
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    (tmp_path / "a.jpg").write_bytes(content[:2] + segment + content[2:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = open_image(tmp_path / "a.jpg")
    np.testing.assert_allclose(corners(image), corners(quadrants), atol=12)


# --- Ce qui est refusé --------------------------------------------------------------


def truncated(name) -> bytes:
    """Rend la première moitié d'une image de bruit."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(buffer, name)
    return buffer.getvalue()[: buffer.tell() // 2]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", r"est vide \(0 octet\)"),
        *((text, "aucun format d'image connu") for text in (b"Bonjour.\n", bytes(4096))),
        (b"<?xml version='1.0'?><svg/>", "un dessin SVG, que ./predict ne lit pas"),
        (b"%PDF-1.7", "un document PDF"),
        (b"\0\0\0 ftypisom", "une vidéo"),
        (b"\0\0\0 ftypmif3", "une photo HEIC abîmée"),
        (b"MM\0*" + bytes(8), "une variante rare de TIFF"),
        *((truncated(name), "tronquée|aucun format") for name in ("JPEG", "PNG", "GIF")),
        *((truncated(name), "tronquée|aucun format") for name in ("WEBP", "TIFF", "BMP")),
    ],
)
def test_what_is_not_a_whole_image_is_refused(tmp_path, content, expected):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=expected) as error:
        open_image(path)
    one_french_line(error, path)


def test_no_file_at_all(tmp_path):
    with pytest.raises(FileNotFoundError, match="aucun fichier") as error:
        open_image(tmp_path / "absent.png")
    one_french_line(error, tmp_path / "absent.png")
    with pytest.raises(ValueError, match="est un dossier") as error:
        open_image(tmp_path)
    one_french_line(error, tmp_path)


@pytest.mark.parametrize("error", [AssertionError, MemoryError, SyntaxError, struct.error])
@pytest.mark.parametrize("step", ["load", "convert"])
def test_whatever_is_raised_becomes_a_sentence(monkeypatch, tmp_path, error, step):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")

    def fail(*arguments, **options):
        raise error("in English")

    monkeypatch.setattr(ImageFile.ImageFile if step == "load" else Image.Image, step, fail)
    with pytest.raises(ValueError) as raised:
        open_image(tmp_path / "a.png")
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 'a.png'} est une image ")
    assert "English" not in message
    assert ("mémoire" in message) == (error is MemoryError)


@pytest.mark.parametrize("width", [10_000, 20_000])
def test_decompression_bomb(tmp_path, width):
    """Quelques kilo-octets qui se déplieraient en 100 et 200 millions de pixels."""
    path = tmp_path / "bombe.png"
    Image.new("1", (width, 10_000)).save(path)
    with pytest.raises(ValueError, match="89,5 millions de pixels") as error:
        open_image(path)
    one_french_line(error, path)


# --- Fichiers ouverts, tubes, grandes photos ----------------------------------------


def pipe_of(content):
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    return open(reader, "rb")


def test_open_file_and_pipe(tmp_path, quadrants, monkeypatch):
    """Un fichier ouvert ou un tube valent un chemin ; un tube sans fin n'emplit pas la mémoire."""
    path = tmp_path / "a.png"
    quadrants.save(path)
    with open(path, "rb") as file, pipe_of(path.read_bytes()) as pipe:
        np.testing.assert_array_equal(open_image(file), quadrants)
        np.testing.assert_array_equal(open_image(pipe), quadrants)
        assert not file.closed
    monkeypatch.setattr("convnets.core.images.MAX_STREAM_BYTES", 2**10)
    with pipe_of(bytes(2**10 + 1)) as pipe, pytest.raises(ValueError, match="plus de 0 Mio"):
        open_image(pipe)


def test_min_side_decodes_a_smaller_jpeg(tmp_path):
    """L'échelle réduite de libjpeg change la taille, pas ce qu'on voit."""
    yy, xx = np.mgrid[:1200, :1600]
    waves = np.stack([np.sin(xx / 200), np.cos(yy / 170), np.sin((xx + yy) / 260)], -1)
    Image.fromarray(np.uint8(127.5 + 120 * waves)).save(tmp_path / "a.jpg", quality=95)
    small = open_image(tmp_path / "a.jpg", min_side_px=64)
    assert small.size == (200, 150)  # 1/8 : le plus petit que libjpeg sache décoder
    assert open_image(tmp_path / "a.jpg", min_side_px=160).size == (400, 300)
    full = crop_resize(open_image(tmp_path / "a.jpg"), 32)
    np.testing.assert_allclose(crop_resize(small, 32).astype(int), full.astype(int), atol=3)


# --- Le carré -----------------------------------------------------------------------


def test_right_size_is_left_untouched():
    """Une image déjà à la taille voulue traverse au bit près."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    for mode in ("crop", "pad", "squash"):
        square = crop_resize(Image.fromarray(pixels), 32, mode=mode)
        assert square.dtype == np.uint8
        np.testing.assert_array_equal(square, pixels)


@pytest.mark.parametrize("turned", [False, True])
def test_geometry_of_the_three_modes(turned):
    """Trois bandes rouge, verte, bleue le long du grand côté."""
    pixels = np.repeat([[RED, GREEN, BLUE]], 100, axis=1).repeat(100, axis=0).astype(np.uint8)
    axes = (1, 0, 2) if turned else (0, 1, 2)
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(axes)))
    crop, squash, pad = (
        crop_resize(image, 30, mode=mode).transpose(axes) for mode in ("crop", "squash", "pad")
    )
    np.testing.assert_array_equal(crop[2:-2, 2:-2], np.broadcast_to(GREEN, (26, 26, 3)))
    np.testing.assert_array_equal(squash[15, [3, 15, 27]], [RED, GREEN, BLUE])
    np.testing.assert_array_equal(pad[15, [3, 15, 27]], [RED, GREEN, BLUE])
    assert (pad[:10] == 128).all() and (pad[20:] == 128).all()


def test_reduction_is_antialiased():
    """Un damier d'un pixel devient un gris uni ; pris un pixel sur onze, il resterait un damier."""
    board = np.indices((352, 352)).sum(0) % 2 * 255
    image = Image.fromarray(np.uint8(board)).convert("RGB")
    assert np.ptp(crop_resize(image, 32).astype(int)) <= 6
    nearest = crop_resize(image, 32, resample=Image.Resampling.NEAREST)
    assert np.ptp(nearest.astype(int)) == 255


@pytest.mark.parametrize("mode", ["crop", "pad", "squash"])
@pytest.mark.parametrize("size", [(1, 1), (5000, 1), (1, 777), (7, 5)])
def test_extreme_sizes(size, mode):
    """Un pixel, une ligne, une colonne donnent encore un carré."""
    square = crop_resize(Image.new("RGB", size, RED), 32, mode=mode)
    assert square.shape == (32, 32, 3) and (square == RED).all(-1).any()


def test_zoom_keeps_the_middle():
    """Zoomer revient à recadrer d'abord le centre, à la main."""
    image = Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (120, 200, 3), dtype=np.uint8)
    )
    by_hand = image.crop((70, 30, 130, 90))  # 60 pixels, la moitié du petit côté
    np.testing.assert_array_equal(crop_resize(image, 60, zoom=0.5), np.asarray(by_hand))
