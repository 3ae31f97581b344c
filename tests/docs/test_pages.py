"""Les pages illustrées : leur commande les refait, et celles du dépôt sont celles de leur liste."""

import re

import numpy as np
import pytest
from PIL import Image

from convnets.core.reports import read_report
from docs import figures, gallery, illustrated, systems

PAGES = [figures.PAGE, gallery.PAGE]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_shipped_page_is_the_one_of_the_list(page, repo):
    docs = repo / "docs"
    text = (docs / f"{page.name}.md").read_text(encoding="utf-8")
    assert page.text(docs) == text
    links = re.findall(r"\]\((.+?)\)", text)
    on_disk = {
        path.relative_to(docs).as_posix()
        for path in (docs / page.name).rglob("*.*")
        if path.name != illustrated.SAID
    }
    assert on_disk == set(links)  # rien d'oublié, rien en trop
    for link in links:
        with Image.open(docs / link) as image:
            image.verify()
    assert sum((docs / link).stat().st_size for link in links) < 20e6


def test_entries_are_made_again_all_or_some(tmp_path, capsys):
    noise, drawn = np.random.default_rng(0).integers(0, 256, (500, 500, 3), dtype=np.uint8), []

    def draw(folder):
        drawn.append(folder.name)
        Image.fromarray(noise).save(folder / "grande.png")
        Image.fromarray(noise[:9]).save(folder / "petite.png")
        return f"Dessin {len(drawn)}.\n"

    entries = [illustrated.Entry(name, f"Partie {name}", "essai", "À voir.", draw) for name in "ab"]
    page = illustrated.Page("essais", "# Essais", tuple(entries))
    (tmp_path / "essais" / "09_ancienne").mkdir(parents=True)
    told = {"module": "essais", "description": "Essai."}
    assert illustrated.run_page(page, ["--output", str(tmp_path)], **told) == 0
    arguments = ["--output", str(tmp_path), "--only", "2"]
    assert illustrated.run_page(page, arguments, **told) == 0
    assert drawn == ["01_a", "02_b", "02_b"]
    assert {path.name for path in (tmp_path / "essais").iterdir()} == {"01_a", "02_b"}
    kept = {path.name for path in (tmp_path / "essais" / "01_a").iterdir()}
    assert kept == {"grande.jpg", "petite.png", illustrated.SAID}  # des photographies, plus petites
    text = (tmp_path / "essais.md").read_text(encoding="utf-8")
    assert re.findall(r"```text\n(.+?)\n```", text) == ["Dessin 1.", "Dessin 3."]
    assert str(tmp_path / "essais.md") in capsys.readouterr().out


@pytest.mark.ci
def test_a_gallery_entry_runs_its_exercise(tmp_path, monkeypatch, repo):
    monkeypatch.chdir(repo)
    entry = gallery.picture("ex07_occlusion", "Un carré à la fois.", "samples/chien.webp")
    assert entry.command == "python -m exercises.ex07_occlusion samples/chien.webp"
    assert entry.title.startswith("Occlusion : cacher un carré de l'image")
    said = entry.draw(tmp_path)
    # Ce que la figure montre est mesuré, et non écrit d'avance : la page livrée le redit.
    shipped = (repo / "docs" / "galerie" / "03_ex07_occlusion" / illustrated.SAID).read_text()
    numbers = r"\d+,\d+"
    assert re.sub(numbers, "N", said) == re.sub(numbers, "N", shipped)
    found, expected = (
        [float(number.replace(",", ".")) for number in re.findall(numbers, text)]
        for text in (said, shipped)
    )
    assert found == pytest.approx(expected, abs=2)


def test_a_failure_leaves_the_page_alone(tmp_path, capfd):
    (tmp_path / "galerie.md").write_text("avant", encoding="utf-8")
    entry = gallery.picture("ex07_occlusion", "", "absente.png")
    page = illustrated.Page("galerie", "# Galerie", (entry,))
    arguments = ["--output", str(tmp_path)]
    assert illustrated.run_page(page, arguments, module="gallery", description="Essai.") == 1
    error = capfd.readouterr().err
    assert "n'est pas réécrite" in error and "Traceback" not in error
    assert (tmp_path / "galerie.md").read_text(encoding="utf-8") == "avant"


@pytest.mark.parametrize("slug", ["garments", "digits"])
def test_what_is_written_is_counted_in_the_report(slug):
    report = read_report(slug)
    said, matrix = figures.describe(report), np.array(report.confusion_matrix)
    assert f"{matrix.sum() - np.trace(matrix)} erreurs" in said
    true, answered = (report.classes_fr.index(each) for each in re.findall("« (.+?) »", said))
    assert true != answered and f"{matrix[true, answered]} fois" in said
    assert matrix[true, answered] == (matrix - np.diag(np.diag(matrix))).max()


@pytest.mark.slow
def test_reports_remake_figures_of_the_page_at_their_size(repo, tmp_path):
    systems.draw_reports(tmp_path)
    page = (repo / "docs" / "systemes.md").read_text(encoding="utf-8")
    assert len(list(tmp_path.iterdir())) > 5
    for path in tmp_path.iterdir():
        assert f"(systemes/{path.name})" in page
        with Image.open(path) as made, Image.open(systems.FOLDER / path.name) as shipped:
            assert made.size == shipped.size


NETWORKS = {"04_fashion": "ex02_fashion", "05_cifar10": "ex03_cifar10", "06_lenet": "ex04_lenet"}


def redraw(folder, made):
    """Redessine les figures d'un réseau, de son compte rendu."""
    if folder == "07_inception":
        figures.draw_inception(made)
    else:
        figures.training_figures(NETWORKS[folder], made)


@pytest.mark.ci
@pytest.mark.parametrize("folder", [*NETWORKS, "07_inception"])
def test_the_published_figures_are_those_of_the_published_measures(folder, repo, tmp_path):
    """Une figure d'une autre mesure, une seule graine par exemple, a d'autres courbes."""
    redraw(folder, tmp_path)
    made = sorted(tmp_path.glob("*.png"))
    assert len(made) >= 2
    for path in made:
        pair = (path, repo / "docs" / "figures" / folder / path.name)
        found, shown = (np.array(Image.open(each).convert("L"), np.float32) for each in pair)
        assert found.shape == shown.shape, path.name
        assert np.abs(found - shown).mean() < 1, path.name  # des 255 niveaux
