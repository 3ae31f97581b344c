"""Les articles de boutique : leurs images et leur catalogue viennent de deux dossiers du cache."""

import pytest
from PIL import Image

from convnets.datasets import products

HEAD = "id,gender,articleType,baseColour,season,usage"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Deux photographies, dont les lignes du catalogue restent à écrire : leurs deux dossiers."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    images, types = (products.archives.data_cache_dir() / each.name for each in products.ARCHIVES)
    for folder in (images, types):
        folder.mkdir(parents=True)
    for number in (3, 12):
        Image.new("RGB", (8, 8)).save(images / f"{number}.jpg")
    monkeypatch.setattr(products, "COUNT", 2)
    return images, types


def test_products_have_their_picture_and_all_that_the_catalogue_says(shop):
    images, types = shop
    rows = ["12,Women,Shirts,Red,Summer,Casual", "3,Men,Shirts,NA,Fall,Formal", "4,Men,Caps,,,"]
    (types / "styles.csv").write_text("\n".join([HEAD, *rows]))
    assert products.load_products() == {"Shirts": [images / "3.jpg", images / "12.jpg"]}
    assert products.load_catalogue()[1] == products.Product(
        12, images / "12.jpg", "Shirts", "Red", "Casual", "Women", "Summer"
    )


def test_a_catalogue_of_another_version_is_one_sentence(shop, monkeypatch):
    def no_network(*_):
        raise ConnectionError("pas de réseau")

    monkeypatch.setattr(products.archives.packages, "download", no_network)
    _, types = shop
    (types / "styles.csv").write_text("id,articleType\n12,Shirts\n")
    with pytest.raises(FileNotFoundError, match="pas de colonne baseColour, usage, gender, season"):
        products.load_catalogue()
