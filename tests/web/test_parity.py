"""La page « Nommer » et `./predict` répondent de même à des images de toute sorte."""

import base64
import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from convnets.core.images import open_image
from convnets.core.paths import MODELS_DIR
from convnets.serving import router
from tests.conftest import load_extract

SAMPLES = MODELS_DIR.parent / "samples"
MAX_GAP = 0.02  # écart de probabilité que l'on admet
WIDER = {  # l'arrondi change davantage les probabilités de quelques images
    "pont.png": 0.04,  # d'aucune classe
    "tableau.jpg": 0.04,
    "transparente": 0.05,  # à 95 % : le coup d'œil suffit d'un côté, et non de l'autre
}
ANSWER = """async (content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  return (await cours.compute("name", {blob: new Blob([bytes])})).answer;
}"""


def saved(image, name="PNG", **options):
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def pictures():
    """Rend `(nom, contenu)` : nos images, des vignettes, et un chien écrit de bien des façons."""
    for path in sorted(SAMPLES.iterdir()):
        if path.suffix != ".md":
            yield path.name, path.read_bytes()
    thumbnails = [Image.fromarray(each) for each in load_extract("cifar10")[0][:8]]
    for number, image in enumerate(thumbnails):
        yield f"vignette {number}", saved(image)
        large = image.resize((100 + 50 * number, 100 + 50 * number), number % 4)
        yield f"vignette {number} agrandie", saved(large, "JPEG", quality=90)
    dog = open_image(SAMPLES / "chien.webp", min_side_px=300)
    grey, faded = dog.convert("L"), dog.copy()
    faded.putalpha(grey)
    yield from {
        "gris": saved(grey),
        "seize bits": saved(Image.fromarray(np.asarray(grey, np.uint16) * 257)),
        "palette": saved(dog.quantize(64)),
        "CMJN": saved(dog.convert("CMYK"), "JPEG", quality=90),
        "progressif": saved(dog, "JPEG", quality=30, progressive=True),
        "AVIF": saved(dog, "AVIF", quality=70),
        "étroite": saved(dog.resize((1500, 100))),
        "transparente": saved(faded),
    }.items()
    for turn in (3, 6, 8):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = turn
        yield f"tournée {turn}", saved(dog, ("JPEG", "WEBP")[turn % 2], exif=exif)


def test_the_page_and_the_command_answer_alike(page, address):
    known = dict(pictures())
    page.goto(f"{address}/nommer.html")
    expected = router.load(None).classify([io.BytesIO(content) for content in known.values()])
    for (name, content), answer in zip(known.items(), expected, strict=True):
        found = page.evaluate(ANSWER, base64.b64encode(content).decode())
        gap = WIDER.get(name, MAX_GAP)
        assert found["probabilities"] == pytest.approx([*answer.probabilities], abs=gap), name
        assert int(np.argmax(found["probabilities"])) == answer.best, name
        assert found["familiar"] == answer.familiar, name
