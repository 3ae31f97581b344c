"""La leçon entière, une image dans un fichier et retour, et le modèle livré."""

from argparse import Namespace

import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.core.intervals import Interval
from exercises.ex24_autoencoder import __main__ as ex24
from exercises.ex24_autoencoder import codec, command
from exercises.ex24_autoencoder.measures import psnr

pytestmark = pytest.mark.ci

QUESTION = "S3 Different problems, models & metrics"
SLUG = "ex24_autoencoder"


# --- Une image dans un fichier, et retour --------------------------------------------


@pytest.mark.question(QUESTION)
def test_a_picture_goes_through_a_file(pca, monkeypatch, repo, tmp_path, capsys):
    monkeypatch.setattr(command, "load_codec", lambda _: pca)
    image = np.asarray(Image.open(repo / "samples" / "chat.png").convert("RGB"))[:61, :83]
    Image.fromarray(image).save(tmp_path / "chat.png")
    written, back = tmp_path / "code.bin", tmp_path / "neuf" / "relue.png"
    arguments = ["--compress", str(tmp_path / "chat.png"), "--output", str(written)]
    assert ex24.main([*arguments, "--quality", "7"]) == 0
    said, size = capsys.readouterr().out.splitlines(), written.stat().st_size
    rate = f"{8 * size / (61 * 83):.2f}".replace(".", ",")
    assert said[-2].startswith(f"{image.size} octets de pixels → {size} octets : {rate} bit/pixel")
    assert said[-1] == str(written)
    assert ex24.main(["--decompress", str(written), "--output", str(back)]) == 0
    found = np.asarray(Image.open(back))
    measured = f"{psnr(image[None], found[None]):.1f}".replace(".", ",")
    assert said[-2].endswith(f"PSNR {measured} dB")


# --- Le modèle livré -----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_published_measures_say_what_the_page_says():
    gaps = {
        name: Interval(*each) for name, each in reports.load_measures(SLUG).details["gaps"].items()
    }
    assert gaps["copy_unet copy_plain"].low > 10
    assert gaps["copy_plain copy_whole"].high < 0  # une ACP de même goulot fait mieux
    assert gaps["copy_unet copy_unet_cut"].high < gaps["copy_plain copy_plain_cut"].low
    assert gaps["denoise_plain denoise_blur"].low < 0  # un simple flou fait au moins aussi bien
    assert all(
        gaps[f"denoise_unet denoise_{name}"].low > 0 for name in ("wiener", "non_local", "blur")
    )
    assert all(gaps[f"psnr_network psnr_{name}"].low > 0 for name in ("pca", "jpeg"))
    assert gaps["psnr_network psnr_webp"].high < 0


@pytest.mark.question(QUESTION)
def test_the_shipped_network_compresses_as_published(extract, eager):
    images = extract("cifar10")[0][:16]
    found = command.load_codec(Namespace(model=None, module=SLUG))
    content = codec.pack(found, images, 3)
    assert 0.6 < 8 * len(content) / images[..., 0].size < 1.2
    assert psnr(images, codec.unpack(found, content)) > 24.5


def test_a_network_is_compared_to_what_does_the_same_task():
    seeds = [
        {name: [level + seed, level] for level, name in enumerate((*ex24.LEARNED, "copy_pca"))}
        for seed in (0, 2)
    ]
    gaps = ex24.pool(seeds)["gaps"]
    assert gaps["copy_unet copy_pca"] == pytest.approx([-6, -6, -6])
    assert gaps["copy_plain copy_unet"][0] == 1
    assert "copy_plain denoise_unet" not in gaps and "psnr_network ssim_network" not in gaps


# --- La boucle entière ---------------------------------------------------------------


@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_the_lesson_trains_saves_draws_and_compresses(
    small_data, eager, monkeypatch, tmp_path, capsys, short_runs
):
    small_data("cifar10")
    monkeypatch.setattr(ex24, "NUM_ALBUM", 16)
    short_runs(tmp_path / "m")
    assert ex24.main(["--epochs", "1", "--limit", "50", "--output", str(tmp_path / "f")]) == 0
    assert "--compress samples/chat.png" in capsys.readouterr().out
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert {each.metric for each in report.headline} <= {*report.metrics}
    assert {path.name for path in (tmp_path / "f").iterdir()} == {
        "debit.png",
        "goulot.png",
        "vignettes.png",
    }
    # Le modèle enregistré compresse, et relit ce qu'il a écrit.
    written, back = tmp_path / "chat.bin", tmp_path / "chat.png"
    own = ["--model", str(tmp_path / "m" / SLUG), "--output"]
    assert ex24.main(["--compress", "samples/avion.png", *own, str(written)]) == 0
    assert ex24.main(["--decompress", str(written), *own, str(back)]) == 0
    with Image.open(back) as read, Image.open("samples/avion.png") as image:
        assert read.size == image.size
