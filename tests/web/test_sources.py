"""Les pages, avant que Sphinx n'en fasse un site."""

import ast
import re
import zipfile

import pytest

from exercises import EXERCISES, chapters, find, notebook
from exercises.lesson_text import Lesson, Shown, Workshop, all_blocks, find_definition, read_lesson
from web import runtime, sources
from web.book import SAMPLES, polish
from web.examples import list_examples
from web.lesson_page import lesson_texts, without_sections


def test_the_path_holds_every_exercise_once_and_what_comes_before_it():
    order = [number for chapter in chapters.CHAPTERS for number in chapter.numbers]
    assert len(set(order)) == len(order) and {each.number for each in EXERCISES} <= set(order)
    for number, needed in chapters.BEFORE.items():
        assert all(order.index(each) < order.index(number) for each in needed), number


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    sources.write_sources(folder)
    return folder


def test_each_exercise_has_its_page(pages):
    for exercise in EXERCISES:
        text = (pages / f"{exercise.slug}.md").read_text(encoding="utf-8")
        title = read_lesson(exercise.slug).title
        assert text.startswith(f"# {exercise.number:02}. {title}\n")
        assert f"python -m exercises.{exercise.slug}" in text and "## À vous" in text


def test_colab_opens_the_notebook_once_the_address_is_set(pages, monkeypatch):
    assert "Colab" not in (pages / "ex02_fashion.md").read_text(encoding="utf-8")
    monkeypatch.setattr(notebook, "REPOSITORY", "ecole/cours")
    found = sources._downloads(find("ex02_fashion"))
    opened = re.findall(r"google\.com/github/ecole/cours/blob/notebooks/(\w+\.ipynb)\)", found)
    assert opened == ["ex02_fashion.ipynb"]


def test_an_exercise_shows_its_code_and_its_results(pages):
    text = (pages / "ex02_fashion.md").read_text(encoding="utf-8")
    assert "def build_model()" in text and "94,64 % (écart type 0,01" in text


def test_the_page_of_a_lesson_is_its_text(pages):
    """Ce que le texte montre, sans ses commentaires ni les sections des docstrings."""
    text = (pages / "ex09_grad_cam.md").read_text(encoding="utf-8")
    for shown in ("## À la main", "$$", "<details><summary>Réponse</summary>\n\n", "{figure} "):
        assert shown in text, shown
    assert "def grad_cam_map(" in text and "Args:" not in text and "<!--" not in text
    assert "(ex07_occlusion.md)" in text and "](../" not in text
    titles = re.findall(r"^## (.+)", text, flags=re.MULTILINE)
    assert titles[-4:] == ["La commande", "Les fichiers", "Ce qu'il atteint", "À vous"]


def test_a_shown_function_keeps_what_is_not_a_section():
    source = find_definition("ex09_grad_cam", "grad_cam.grad_cam_map").source
    assert without_sections(source) == (
        "def grad_cam_map(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:\n"
        '    """Additionne les cartes, chacune multipliée par la moyenne de ses gradients.\n\n'
        "    Source : Selvaraju et al., arXiv 1610.02391, équations 1 et 2.\n"
        '    """\n'
        "    return maps @ gradients.mean((0, 1))"
    )


@pytest.mark.parametrize("slug", [each.slug for each in EXERCISES])
def test_code_without_sections_is_the_same_code(slug):
    for block in all_blocks(read_lesson(slug).blocks):
        if isinstance(block, Shown):
            source = find_definition(slug, block.name).source
            before, after = ast.parse(source), ast.parse(without_sections(source))
            for tree in (before, after):
                for node in ast.walk(tree):
                    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                        node.value.value = ""
            assert ast.dump(before) == ast.dump(after), block.name


def test_a_workshop_stands_where_the_text_puts_it():
    blocks = (Workshop(1, "nommer", "chien.webp"), Workshop(2, "nommer", ""))
    first, second = lesson_texts(Lesson("ex07_occlusion", "T", blocks), sources.rewrite_links)
    assert 'src="nommer.html?seul&amp;exemple=chien.webp" loading="lazy" title="Atelier : ' in first
    assert 'src="nommer.html?seul" ' in second


def test_a_folder_has_a_page_a_file(pages):
    text = (pages / "ex17_detection" / "boxes.md").read_text(encoding="utf-8")
    assert text.startswith("# `boxes.py`, exercice 17\n") and "def iou(" in text


def test_images_of_every_page_exist(pages):
    for page in (*pages.glob("*.md"), *pages.glob("laboratoire/*.md")):
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / name).is_file(), f"{page.name} : {name}"


def test_a_link_starts_from_the_folder_of_its_page():
    text = "[a](records.md) [predire.md](../predire.md#douter) [b](../mesures/startup.md)"
    assert sources.rewrite_links(text, sources.DOCS / "laboratoire") == (
        "[a](records.md) [Ce que dit `./predict`](../predire.md#douter) [b](../mesures/startup.md)"
    )


def test_the_index_of_docs_has_the_pages_of_the_menu():
    """docs/README.md et le menu du site rangent les mêmes pages."""
    text = (sources.DOCS / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"\]\((\w+)\.md\)", text))
    menu = {name for names in sources.PAGES.values() for name in names}
    assert listed == {name for name in menu if "/" not in name}
    folder = sources.DOCS / "laboratoire"
    assert {f"laboratoire/{page.stem}" for page in folder.glob("*.md")} <= menu
    pages = {page.stem for page in sources.DOCS.glob("*.md")} - {"README"}
    assert pages == listed


@pytest.mark.parametrize("page", sources.PAGES["Cahier de laboratoire"][1:])
def test_a_page_of_the_notebook_says_so_first_with_its_date(page):
    text = (sources.DOCS / f"{page}.md").read_text(encoding="utf-8")
    _, opening, *_ = text.split("\n\n")
    assert opening.startswith("**Page du cahier de laboratoire.** ")
    assert re.search(r"\b20\d\d\b", opening)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[a](glossaire.md#mots)", "[a](glossaire.md#mots)"),
        ("![a](figures/x.png)", "![a](figures/x.png)"),
        ("[resultats.md](laboratoire/resultats.md)", "[Résultats](laboratoire/resultats.md)"),
        ("[a](#plus-bas)", "[a](#plus-bas)"),
        ("[barème](../grading/reasons.toml)", "barème (`grading/reasons.toml`)"),
        ("[a](../exercises/plain/ex03_cifar10.py)", "a (`exercises/plain/ex03_cifar10.py`)"),
        ("[a](https://exemple.fr/)", "[a](https://exemple.fr/)"),
        ("[leçon](../exercises/lessons/ex07_occlusion.md)", "[leçon](ex07_occlusion.md)"),
    ],
)
def test_a_link_out_of_the_site_becomes_a_path(link, expected):
    assert sources.rewrite_links(link, sources.DOCS) == expected


def test_statements_can_be_taken_away(tmp_path):
    """Un énoncé et le cours partagé, décompressés ensemble, font un dossier entier et léger."""
    chosen = [find("ex02_fashion"), find("ex10_lime")]
    sources.write_downloads(tmp_path, chosen)
    names = set()
    for name in ("ex10_lime_enonce.zip", "cours_eleve.zip"):
        with zipfile.ZipFile(tmp_path / name) as archive:
            names |= set(archive.namelist())
            assert archive.testzip() is None
    assert {"ex10.py", "ex10.ipynb", "LISEZMOI.md", "cours/exercises/ex10_lime.py"} <= names
    assert {
        "cours/convnets/core/cli.py",
        "cours/exercises/mine.py",
        "cours/samples/chat.png",
    } <= names
    assert (tmp_path / "ex10_lime_enonce.zip").stat().st_size < 400_000
    assert all((tmp_path / f"{each.slug}.ipynb").stat().st_size > 1000 for each in chosen)


def test_examples_are_grids():
    grids = [example for example in list_examples() if example["page"] == "convolution"]
    for example in grids:
        lines = example["image"].split("\n\n")[0].split("\n")
        assert len({len(line.split()) for line in lines}) == 1, example["title"]


def test_a_command_can_be_copied_alone(pages):
    text = (pages / "ex17_detection.md").read_text(encoding="utf-8")
    commands = text.partition("```text\n")[2].partition("```")[0].splitlines()
    assert commands == [
        "python -m exercises.ex17_detection",
        "python -m exercises.ex17_detection web/static/scenes/0.png",
    ]


def test_what_is_redistributed_is_credited(pages):
    text = (pages / "credits.md").read_text(encoding="utf-8")
    for package in (*runtime.PACKAGES, *SAMPLES):
        name, _, version = str(getattr(package, "name", package)).rpartition("@")
        assert (name or version) in text and version in text, package
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            assert all(cell.strip() for cell in line.strip("|").split("|")), line


def test_french_spaces_do_not_break():
    html = "<p>« a » : 10 000, 95 % ?</p><pre>« a » ?</pre><code>b ? c</code>"
    assert polish(html).replace("\u00a0", "~") == (
        '<p>«~a~»~: 10~000, 95~%~?</p><pre tabindex="0">« a » ?</pre><code>b ? c</code>'
    )
    assert polish("<p>L'<em>étape</em></p>") == "<p>L’<em>étape</em></p>"
    measures = polish("<p>3 × 28 × 28 en 4 ms, 3 sortes ; -1,98 [-3 ; 2], ex-02, 2026-11-29</p>")
    assert measures.replace("\u00a0", "~") == (
        "<p>3~×~28~×~28 en 4~ms, 3 sortes~; −1,98 [−3~; 2], ex-02, 2026-11-29</p>"
    )


def test_a_formula_keeps_its_punctuation():
    formula = '<math xmlns="http://www.w3.org/1998/Math/MathML">\n  <mn>1</mn>\n</math>'
    for mark in (",", "\u00a0;"):
        assert polish(f"<p>{formula}{mark.replace(chr(160), ' ')} a</p>") == (
            f'<p><span class="formule">{formula}{mark}</span> a</p>'
        )
    assert polish(f"<p>{formula} a, b</p>") == f"<p>{formula} a, b</p>"
