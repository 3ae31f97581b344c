"""La page des figures : ce qu'elle montre vient des modèles, et ses liens tiennent."""

import re

import numpy as np
import pytest
from PIL import Image

from convnets.core.reports import read_report
from docs import figures


@pytest.fixture
def shipped(repo):
    return repo / "docs" / "figures.md"


def test_the_command_writes_figures_what_they_count_and_the_page(tmp_path, monkeypatch, capsys):
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)

    def draw(folder):
        for name in ("erreurs", "courbes"):
            Image.fromarray(noise).save(folder / f"{name}.png")
        return ["Trois erreurs."]

    parts = [
        figures.Part(name, f"Partie {name}", "python -m exercises.exemple", "À voir.", draw)
        for name in "ab"
    ]
    monkeypatch.setattr(figures, "PARTS", tuple(parts))
    old = tmp_path / "figures" / "09_ancienne"
    old.mkdir(parents=True)
    assert figures.main(["--output", str(tmp_path)]) == 0
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"01_a", "02_b"}
    kept = {path.name for path in (tmp_path / "figures" / "01_a").iterdir()}
    assert kept == {"erreurs.jpg", "courbes.png", figures.SAID}  # des images, plus petites
    text = (tmp_path / "figures.md").read_text(encoding="utf-8")
    assert "À voir. Trois erreurs." in text and str(tmp_path) not in text
    stamp = (tmp_path / "figures" / "02_b" / "courbes.png").stat().st_mtime_ns
    assert figures.main(["--output", str(tmp_path), "--only", "1"]) == 0
    assert (tmp_path / "figures" / "02_b" / "courbes.png").stat().st_mtime_ns == stamp
    assert str(tmp_path / "figures.md") in capsys.readouterr().out


def test_the_shipped_page_is_the_one_of_the_list(shipped):
    text = shipped.read_text(encoding="utf-8")
    folders = {
        part: shipped.parent / "figures" / f"{k:02}_{part.name}"
        for k, part in enumerate(figures.PARTS, start=1)
    }
    assert figures.page(folders, shipped.parent) == text
    links = re.findall(r"\]\((.+?)\)", text)
    on_disk = {
        path.relative_to(shipped.parent).as_posix()
        for path in (shipped.parent / "figures").rglob("*.*")
        if path.name != figures.SAID
    }
    assert on_disk == set(links)  # rien d'oublié, rien en trop
    for link in links:
        with Image.open(shipped.parent / link) as image:
            image.verify()
    assert sum((shipped.parent / link).stat().st_size for link in links) < 2e6
    names = {link.split("/")[-1].partition(".")[0] for link in links}
    wanted = {"courbes", "confusion", "erreurs", "lenet5", "champ_recepteur", "filtres_appris"}
    assert wanted <= names
    for link in links:
        if link.endswith(".gif"):
            with Image.open(shipped.parent / link) as image:
                assert image.n_frames > 1


@pytest.mark.parametrize(
    "slug, name", [("garments", "fashion"), ("digits", "lenet"), ("ex05_inception", "inception")]
)
def test_what_is_written_is_counted_in_the_shipped_report(shipped, slug, name):
    (folder,) = (shipped.parent / "figures").glob(f"*_{name}")
    report = read_report(slug)
    said = figures.describe(report)
    assert (folder / figures.SAID).read_text(encoding="utf-8").splitlines() == said
    matrix = np.array(report.confusion_matrix)
    assert f"{matrix.sum() - np.trace(matrix)} erreurs" in said[0]
    true, answered = (report.classes_fr.index(each) for each in re.findall("« (.+?) »", said[1]))
    assert true != answered and f"{matrix[true, answered]} fois" in said[1]
    assert matrix[true, answered] == (matrix - np.diag(np.diag(matrix))).max()


@pytest.mark.slow  # Keras à charger ; celui de l'exercice 00 vérifie la même chose
def test_the_filters_before_training_are_those_the_shipped_ones_come_from(tmp_path, monkeypatch):
    from convnets.figures import charts
    from convnets.training import study
    from exercises import ex04_lenet

    shown = {}
    monkeypatch.setattr(charts, "save_filters", lambda path, rows, *, title: shown.update(rows))
    figures.draw_lenet_filters(tmp_path)

    def likeness(filters) -> float:
        pairs = zip(filters.reshape(6, -1), shown["après"].reshape(6, -1), strict=True)
        return np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs])

    def drawn(seed: int):
        model = study.build(ex04_lenet.build_lenet, seed=seed, precision="float32")
        return model.get_layer("C1").get_weights()[0][:, :, 0].transpose(2, 0, 1)

    shipped = read_report("digits").shipped["seed"]
    others = [likeness(drawn(seed)) for seed in range(20) if seed != shipped]
    assert likeness(shown["avant"]) > max(others)


def test_pages_lead_to_it(repo):
    assert "figures.md" in (repo / "docs" / "resultats.md").read_text(encoding="utf-8")
    assert "docs/figures.md" in (repo / "README.md").read_text(encoding="utf-8")
