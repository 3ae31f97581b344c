"""Ni la mémoire ni le temps ne dépendent de l'image : elle est réduite, ou refusée."""

import io
import json
import re
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnets.core import decoding
from convnets.core.images import open_image

pytestmark = pytest.mark.question("Jour 04, exercice 3")
REPOSITORY = Path(__file__).resolve().parents[3]


def chunk(kind: bytes, content: bytes) -> bytes:
    """Rend un morceau de PNG."""
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(width, height, *, bits, colour, rows=b"", before=b"") -> bytes:
    """Rend un PNG, dont les pixels ne sont pas tous là."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def refused(content: bytes, **options) -> str:
    """Rend la phrase par laquelle une image est refusée."""
    with pytest.raises(ValueError) as error:
        open_image(io.BytesIO(content), **options)
    message = str(error.value)
    assert message.startswith("l'entrée est une image démesurée : ")
    assert message.endswith("réduisez-la d'abord.") and "\n" not in message
    return message


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    """Rend les octets d'une image enregistrée."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def memory(monkeypatch):
    """memory(octets) : ce que les images ont à se partager."""

    def limit(num_bytes):
        budget = decoding.Budget(num_bytes)
        monkeypatch.setattr(decoding, "MEMORY", budget)
        return budget

    return limit


# --- Mémoire --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "colour", "said"), [(8, 2, "PNG, RGB) demanderait 354 Mo"), (16, 6, "PNG, RGBA)")]
)
def test_a_bomb_is_refused_before_it_is_decoded(bits, colour, said):
    start = time.thread_time()
    message = refused(png(9400, 9400, bits=bits, colour=colour), min_side_px=384)
    assert "9400×9400 pixels" in message and said in message
    assert "200 au plus sont accordés" in message
    assert time.thread_time() - start < 0.5


def test_the_size_of_a_jpeg_is_its_own_not_that_of_its_draft():
    flat = encoded(Image.new("RGB", (1600, 1600)), "JPEG", progressive=True, subsampling=0)
    huge = flat.replace(struct.pack(">HH", 1600, 1600), struct.pack(">HH", 9000, 9000))
    assert "9000×9000 pixels (JPEG, RGB) demanderait 492 Mo" in refused(huge, min_side_px=384)


@pytest.mark.parametrize("kind", ["png", "bmp"])
def test_the_largest_picture_of_an_icon_is_read_and_its_size_checked(kind):
    sizes = [(16, 16), (64, 64)]
    blue = Image.new("RGBA", (64, 64), "blue")
    blue.paste((0, 0, 0, 0), (0, 0, 32, 64))
    content = encoded(blue, "ICO", sizes=sizes, bitmap_format=kind)
    image = open_image(io.BytesIO(content))
    assert image.size == (64, 64)
    assert [image.getpixel((x, 32)) for x in (9, 55)] == [(128, 128, 128), (0, 0, 255)]
    large = (9400, 9400) if kind == "png" else (9400, 18800)  # un BMP compte aussi son masque
    start = png(*large, bits=8, colour=6) if kind == "png" else struct.pack("<Iii", 40, *large)
    offset = struct.unpack_from("<I", content, 34)[0]  # de la seconde
    assert refused(content[:offset] + start + content[offset + len(start) :])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_picture_too_big_to_convert_is_reduced(memory, kind):
    levels = np.linspace(0, 65535, 400 * 600).reshape(400, 600).astype(np.uint16)
    content = encoded(Image.fromarray(levels), kind)
    full = open_image(io.BytesIO(content), min_side_px=100)
    assert full.size == (600, 400)
    memory(900_000)
    small = open_image(io.BytesIO(content), min_side_px=100)
    assert small.size == (300, 200)
    np.testing.assert_allclose(small, full.reduce(2), atol=1)
    assert "600×400 pixels" in refused(content)  # qui veut tout n'aura rien


@pytest.mark.parametrize(
    "start", [b"RIFF....WEBPVP8 ", b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypavif"]
)
def test_a_file_that_would_be_read_whole_is_refused_on_its_size(tmp_path, start):
    path = tmp_path / "creux"
    with open(path, "wb") as file:
        file.write(start)
        file.truncate(4 * 2**30)  # n'occupe rien sur le disque
    begin = time.thread_time()
    with pytest.raises(ValueError, match="ce fichier pèse 4096 Mio, 64 au plus"):
        open_image(path)
    assert time.thread_time() - begin < 0.5


def test_a_refusal_never_contradicts_itself(memory):
    memory(10**6)
    for side in range(340, 500, 10):
        with pytest.raises(ValueError) as error:
            open_image(io.BytesIO(encoded(Image.new("RGBA", (side, side)), "PNG")))
        asked, allowed = map(
            int, re.search(r"(\d+) Mo de mémoire, (\d+)", str(error.value)).groups()
        )
        assert asked > allowed, str(error.value)


MODES = ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16", "I", "F"]


@pytest.mark.parametrize("mode", MODES)
def test_piece_by_piece_gives_the_same_pixels(monkeypatch, mode):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (130, 170, 4), np.uint8), "RGBA")
    image = {
        "P": lambda: noise.convert("RGB").quantize(16),
        "I;16": lambda: Image.fromarray(rng.integers(0, 4000, (130, 170), np.uint16)),
        "I": lambda: Image.fromarray(rng.integers(-9, 70000, (130, 170), np.int32)),
        "F": lambda: Image.fromarray(rng.normal(size=(130, 170)).astype(np.float32)),
    }.get(mode, lambda: noise.convert(mode))()
    kind = "PNG" if mode in ("1", "L", "P", "LA", "RGBA", "I;16") else "TIFF"
    content = encoded(image, kind)
    whole = np.array(open_image(io.BytesIO(content)))
    monkeypatch.setattr(decoding, "TILE_PX", 32)
    np.testing.assert_array_equal(open_image(io.BytesIO(content)), whole)
    assert len(np.unique(whole)) > 1


MEASURE = """
import json, os, sys
import numpy  # que l'image en 16 bits demande
from convnets.core import decoding, images
images.open_image(sys.argv[1])  # ce que Pillow charge à la première image
sizes = []
for path in sys.argv[1:]:
    pid = os.fork()
    if not pid:
        with open("/proc/self/statm") as file:
            before = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        asked = []
        take = decoding.MEMORY.take
        decoding.MEMORY.take = lambda n: (asked.append(n), take(n))
        images.open_image(path)
        with open(f"{path}.json", "w") as file:
            json.dump([before, *asked], file)
        os._exit(0)
    _, status, usage = os.wait4(pid, 0)
    assert not status, path
    with open(f"{path}.json") as file:
        before, asked = json.load(file)
    sizes.append([asked, usage.ru_maxrss * 1024 - before])
print(json.dumps(sizes))
"""


@pytest.mark.ci
@pytest.mark.skipif(sys.platform != "linux", reason="mémoire lue dans /proc")
def test_what_is_counted_is_what_is_used(tmp_path):
    """La mémoire d'un vrai processus, format par format : jamais plus que ce qui est compté."""
    photo = Image.linear_gradient("L").resize((1600, 1250)).convert("RGB")
    alpha = photo.copy()
    alpha.putalpha(128)
    grey = Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)
    paths = []
    for name, image, options in [
        ("rgba.png", alpha, {"compress_level": 1}),
        ("16.png", grey, {"compress_level": 1}),
        ("444.jpg", photo, {"progressive": True, "subsampling": 0}),
        ("rgba.webp", alpha, {"method": 0}),
        ("a.avif", photo, {"speed": 10}),
        ("lzw.tiff", photo, {"compression": "tiff_lzw"}),
        ("a.bmp", photo, {}),
    ]:
        paths.append(tmp_path / name)
        image.save(paths[-1], **options)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *paths], capture_output=True, text=True, cwd=REPOSITORY
    )
    sizes = json.loads(done.stdout or "0")
    assert sizes, done.stderr
    for path, (counted, used) in zip(paths, sizes, strict=True):
        assert used < counted + 6 * 2**20, (path.name, counted, used)
        assert counted < 40 * 10**6, path.name  # et jamais bien plus : 12 millions de pixels iront


def test_threads_share_the_memory():
    budget, taken, most = decoding.Budget(100), [], []

    def work(num_bytes):
        for _ in range(20):
            with budget, budget:  # l'un dans l'autre : celui du dehors rend
                budget.take(num_bytes)
                taken.append(num_bytes)
                most.append(sum(taken))
                time.sleep(0.0005)
                taken.remove(num_bytes)

    threads = [threading.Thread(target=work, args=(size,)) for size in (60, 60, 30, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert max(most) <= 100
    assert 90 in most or 100 in most
    with budget:
        budget.take(100)  # tout a été rendu


def test_memory_is_given_back_after_a_refusal_or_an_answer(memory):
    budget = memory(2 * 10**6)
    good = encoded(Image.new("RGB", (300, 300)), "PNG")
    for _ in range(10):
        open_image(io.BytesIO(good))
        with pytest.raises(ValueError):
            open_image(io.BytesIO(good[:-60]))
        refused(encoded(Image.new("RGB", (900, 900)), "PNG"))
    with budget:
        budget.take(2 * 10**6)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss en kibioctets")
def test_predict_stays_under_300_megabytes(predict_env, tmp_path):
    """Deux fils, de quoi en emplir le double."""
    content = png(6000, 4000, bits=8, colour=6, rows=bytes(1 + 4 * 6000) * 4000)
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(content)
    # Un petit processus le lance : ru_maxrss commence par la mémoire de qui lance.
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, REPOSITORY / "predict", tmp_path],
        capture_output=True,
        text=True,
        env=predict_env,
        check=True,
    )
    *lines, peak = done.stdout.splitlines()
    assert len(lines) == 3 and int(peak) * 1024 < 300 * 10**6


# --- Temps ----------------------------------------------------------------------------


def test_a_format_nobody_hands_in_is_refused():
    start = time.thread_time()
    with pytest.raises(ValueError, match=r"d'aucun format d'image connu \(JPEG, .*en PNG\.$"):
        open_image(io.BytesIO(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n" + b"\n" * 10**7))
    assert time.thread_time() - start < 0.5
