"""Les articles de boutique : leurs images et leurs types viennent de deux dossiers du cache."""

from PIL import Image

from convnets.datasets import products


def test_products_are_grouped_by_type(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    images, types = (products.archives.data_cache_dir() / each.name for each in products.ARCHIVES)
    for folder in (images, types):
        folder.mkdir(parents=True)
    for number in (3, 12):
        Image.new("RGB", (8, 8)).save(images / f"{number}.jpg")
    (types / "styles.csv").write_text("id,articleType\n12,Shirts\n3,Shirts\n4,Caps\n")
    monkeypatch.setattr(products, "COUNT", 2)
    assert products.load_products() == {"Shirts": [images / "12.jpg", images / "3.jpg"]}
