"""La paire aloe : du cache, réduite avec sa disparité, ou une phrase qui dit quoi mettre où."""

import hashlib
import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from convnets.core.files import file_sha256
from convnets.datasets import stereo


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Un cache vide, et aucune source ; rend le dossier où déposer les fichiers."""

    def unreachable(name, folder):
        raise ConnectionError("pas de réseau")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(stereo, "ADDRESS", "file:///absente/")
    monkeypatch.setattr(stereo.packages, "apt_download", unreachable)
    return tmp_path / "datasets" / "cours-cnn" / "aloe"


def test_the_pair_comes_from_a_debian_package_too(offline, tmp_path, monkeypatch, capsys):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in stereo.SHA256:
            member = tarfile.TarInfo(f"{stereo.DEBIAN_FOLDER}/{name}")
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    monkeypatch.setattr(stereo.packages, "apt_download", lambda name, folder: [f"{name}.deb"])
    monkeypatch.setattr(stereo.packages, "deb_data", lambda path: content.getvalue())
    known = {name: hashlib.sha256(name.encode()).hexdigest() for name in stereo.SHA256}
    monkeypatch.setattr(stereo, "SHA256", known)
    paths = stereo.find_aloe()
    assert paths == [offline / name for name in known]
    assert paths[0].read_text() == "aloeL.jpg"
    assert "paquet Debian opencv-doc : 96 Mo" in capsys.readouterr().err


def test_a_pair_and_its_disparity_shrink_together(offline, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="déposer aloeL.jpg, aloeR.jpg, aloeGT.png"):
        stereo.load_aloe(40)
    folder = offline
    noise = np.random.default_rng(0).integers(0, 256, (30, 44)).astype(np.uint8)
    views = noise[:, :40], noise[:, 4:], np.full((30, 40), 20)  # 20 pixels en grand, 4 en petit
    for name, view in zip(stereo.SHA256, views, strict=True):
        large = Image.fromarray(view.astype(np.uint8)).resize((200, 150), Image.NEAREST)
        large.save(folder / name, "PNG")
    monkeypatch.setattr(
        stereo, "SHA256", {name: file_sha256(folder / name) for name in stereo.SHA256}
    )
    (left, right), disparity = stereo.load_aloe(40)
    assert left.shape == disparity.shape == (32, 40) and (disparity == 4).all()
    np.testing.assert_array_equal(left[:, 4:], right[:, :-4])
    Image.new("L", (100, 150)).save(tmp_path / "autre.png")
    with pytest.raises(ValueError, match="n'a pas la taille"):
        stereo.read_pair(folder / "aloeL.jpg", tmp_path / "autre.png", width_px=40)


def test_the_motorcycle_comes_from_an_old_package_and_shrinks(tmp_path, monkeypatch):
    asked = []

    def download(name, folder, *target):
        asked.extend([name, *target])
        wheel = folder / "scikit_image.whl"
        disparity = np.full((30, 40), 20, np.float32)
        disparity[:15] = np.nan
        np.savez(folder / "d.npz", disparity)
        made = {"motorcycle_left.png": "gray", "motorcycle_right.png": "black"}
        for name, color in made.items():
            Image.new("RGB", (40, 30), color).save(folder / f"vue-{name}")
        files = {
            name: folder / (f"vue-{name}" if name in made else "d.npz")
            for name in stereo.MOTORCYCLE_SHA256
        }
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, path in files.items():
                archive.write(path, f"skimage/data/{name}")
        known = {name: file_sha256(path) for name, path in files.items()}
        monkeypatch.setattr(stereo, "MOTORCYCLE_SHA256", known)
        return [wheel]

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(stereo.packages, "pip_download", lambda *_: [])
    with pytest.raises(FileNotFoundError, match="déposer motorcycle_left.png"):
        stereo.load_motorcycle(20)
    monkeypatch.setattr(stereo.packages, "pip_download", download)
    known = stereo.MOTORCYCLE_SHA256
    pair, disparity = stereo.load_motorcycle(20)  # le paquet donne les empreintes attendues
    assert known.keys() == stereo.MOTORCYCLE_SHA256.keys()
    assert asked[0] == "scikit-image==0.16.2" and "--python-version=38" in asked
    assert pair.shape == (2, 16, 20) and disparity.shape == (16, 20)
    assert (disparity[:7] == stereo.UNKNOWN).all() and (disparity[9:] == 10).all()
