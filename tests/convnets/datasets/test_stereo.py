"""La paire aloe : du cache, réduite avec sa disparité, ou une phrase qui dit quoi mettre où."""

import numpy as np
import pytest
from PIL import Image

from convnets.core.files import file_sha256
from convnets.datasets import stereo


def test_a_pair_and_its_disparity_shrink_together(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(stereo, "ADDRESS", "file:///absente/")
    with pytest.raises(FileNotFoundError, match="déposer aloeL.jpg, aloeR.jpg, aloeGT.png"):
        stereo.load_aloe(40)
    folder = tmp_path / "datasets" / "cours-cnn" / "aloe"
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
