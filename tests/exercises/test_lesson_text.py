"""Le texte d'une leçon : ce qu'il contient, et ce que son lecteur refuse, avec la ligne."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from convnets.core import reports
from exercises import EXERCISES, lesson_check, lesson_text
from exercises.lesson_text import Answer, Call, Figure, Problems, Prose, Shown, Workshop

SLUGS = [each.slug for each in EXERCISES]
TEXT = """\
# Cacher pour voir

Une couche a 832 <!-- = 32*(5*5*1+1) --> paramètres.

## Le code

```{montre} drops
```

```python
image = np.zeros((8, 8, 3))
default_square(image)
```

**Devinez avant d'exécuter.** Combien ?

<details><summary>Réponse</summary>

Il en faut $n$ :

```{montre} default_square
```

</details>

![Une légende,
sur deux lignes.](../../docs/figures/x.png)

```{atelier} nommer?exemple=chien.webp
```

```text
1 0
# ceci n'est pas un titre
```
"""


def parse(text, slug="ex07_occlusion"):
    problems = Problems(Path("ex07.md"))
    return lesson_text.parse(slug, text, problems), problems.sentences


def numbers(text):
    problems = Problems(Path("ex07.md"))
    lesson_check.check_numbers(text, problems)
    return problems.sentences


# --- Ce qui est lu -------------------------------------------------------------------


def test_blocks_come_in_order_with_their_lines():
    lesson, sentences = parse(TEXT)
    assert not sentences and lesson.title == "Cacher pour voir"
    assert lesson.blocks == (
        Prose(3, "Une couche a 832 paramètres."),
        Prose(5, "## Le code"),
        Shown(7, "drops"),
        Call(11, "image = np.zeros((8, 8, 3))\ndefault_square(image)"),
        Prose(15, "**Devinez avant d'exécuter.** Combien ?"),
        Answer(17, (Prose(19, "Il en faut $n$ :"), Shown(21, "default_square"))),
        Figure(26, "Une légende, sur deux lignes.", "../../docs/figures/x.png"),
        Workshop(29, "nommer", "chien.webp"),
        Prose(32, "```text\n1 0\n# ceci n'est pas un titre\n```"),
    )


def test_what_is_shown_is_found_with_what_stands_above_it():
    assert lesson_text.find_definition("ex07_occlusion", "FILLS").source.startswith("FILLS = (")
    shown = lesson_text.find_definition("ex09_grad_cam", "grad_cam.enlarge").source
    assert shown.startswith("def enlarge(") and shown.endswith(")\n    )")
    whole = lesson_text.find_definition("ex09_grad_cam", "cam").source
    assert whole.startswith("import ") and '"""CAM' not in whole


@pytest.mark.parametrize(
    ("written", "formula"),
    [
        ("0,5", "1/2"),
        ("1 400", "14*100"),
        ("93,4 %", "0.934"),
        ("−3", "-3"),
        ("$0{,}5$", "0.52"),  # à la précision écrite
        (r"$1\,400$", "1400.4"),
        (r"$2{,}5 \times 10^{-3}$", "sum([1, 1.5]) / 1000"),
        ("**3,14**", "pi"),
    ],
)
def test_a_number_is_read_as_french_writes_it(written, formula):
    assert numbers(f"# Titre\n\nIl vaut {written} <!-- = {formula} -->.") == []


# --- Ce qui est refusé ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<details><summary>Réponse</summary>Collé.</details>", "ligne 3 : une réponse s'écrit"),
        (
            "<details><summary>Réponse</summary>\nCollé.\n\n</details>",
            "ligne 3 : il faut une ligne",
        ),
        ("<details><summary>Réponse</summary>\n\nSans fin.", "ligne 3 : « <details>"),
        ("```{montre} drops\n", "ligne 3 : « ```{montre} drops » n'est pas fermé"),
        ("```{note}\nUn mot.\n```", "ligne 3 : bloc « ```{note} » inconnu"),
        ("Un mot.\n\n- a\n\n  ```python\n  1\n  ```", "ligne 7 : un bloc commence"),
        ("Voici ![a](b.png) et la suite.", None),
        ("![a](b.png) et la suite.", "ligne 3 : une figure est seule"),
    ],
)
def test_what_is_not_understood_names_its_line(text, expected):
    _, sentences = parse(f"# Titre\n\n{text}\n")
    if expected:
        assert any(sentence.startswith(f"ex07.md, {expected}") for sentence in sentences), sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Il y en a 831 <!-- = 32*26 -->.", "ligne 3 : « 831 » est écrit, 32*26 donne 832"),
        ("Il vaut 0,33 <!-- = 2/6+0.01 -->.", "ligne 3 : « 0,33 » est écrit"),
        ("Beaucoup <!-- = 3 -->.", "ligne 3 : « <!-- = 3 --> » n'est pas"),
        ("Il vaut 3 <!-- à revoir -->.", "ligne 3 : « <!-- à revoir --> » n'est pas"),
        ("Il vaut 3 <!-- = open('x') -->.", "ligne 3 : « open('x') » ne se calcule pas"),
        ("Il vaut 3 <!-- = (1).real -->.", "ligne 3 : « (1).real » ne se calcule pas"),
        ('Il vaut 3 <!-- = report("ex02_fashion", "x") -->.', "ligne 3 : « report("),
        ("```text\n3 <!-- = 3 -->\n```", "ligne 4 : dans un bloc"),
    ],
)
def test_a_wrong_number_names_its_line(text, expected):
    (sentence,) = numbers(f"# Titre\n\n{text}\n")
    assert sentence.startswith(f"ex07.md, {expected}")


def test_a_published_measure_is_read():
    shown = lesson_check.report("ex02_fashion", "accuracy")
    text = f"{100 * shown:.1f} %".replace(".", ",")
    assert numbers(f'# T\n\n{text} <!-- = report("ex02_fashion", "accuracy") -->') == []


def test_a_margin_is_that_of_the_published_seeds():
    both = [f'seeds("ex16_bag_of_words", "{name}")' for name in ("soft_800", "hard_800")]
    first, second = map(lesson_check.evaluate, both)
    each = first - second  # cinq graines : 2,776 est le quantile de Student à quatre degrés
    expected = 2.776445 * each.std(ddof=1) / len(each) ** 0.5
    assert lesson_check.evaluate(f"margin({both[0]} - {both[1]})") == pytest.approx(expected)
    with pytest.raises(ValueError, match="pas plusieurs graines"):
        lesson_check.evaluate('seeds("ex28_real_pairs_witnesses", "aloe_small")')


def test_a_margin_over_images_needs_their_error():
    shown = lesson_check.evaluate('image_margin("ex11_curves", "insertion_gap lime")')
    metric = lesson_check.find_metric("ex11_curves", "insertion_gap lime")
    assert shown == pytest.approx(1.974 * metric.se, rel=1e-3)  # Student, 165 degrés
    with pytest.raises(ValueError, match="pas une moyenne d'images"):
        lesson_check.evaluate('image_margin("ex16_bag_of_words", "soft_800")')


def test_a_published_gap_has_its_margin():
    low, high = lesson_check.find_gap("ex21_citations", "cora_smooth")[1:]
    values = [
        lesson_check.evaluate(f'{name}("ex21_citations", "cora_smooth")')
        for name in ("gap", "gap_margin")
    ]
    assert values == pytest.approx([(low + high) / 2, (high - low) / 2])
    with pytest.raises(ValueError, match="n'a pas d'écart cora_gcn"):
        lesson_check.evaluate('gap("ex21_citations", "cora_gcn")')


def test_a_published_confusion_is_counted():
    published = reports.load_measures("ex03_cifar10")
    dog, cat = (published.classes_fr.index(name) for name in ("Chien", "Chat"))
    counted = lesson_check.evaluate('confused("ex03_cifar10", "Chien", "Chat")')
    assert counted == published.confusion_matrix[dog][cat]
    classes = published.classes_fr
    wrong = lesson_check.evaluate(f'confused("ex03_cifar10", {classes}, {classes})')
    assert wrong == round(10_000 * (1 - published.metrics["accuracy"].mean))
    with pytest.raises(ValueError, match="n'a pas de classe Loup"):
        lesson_check.evaluate('confused("ex03_cifar10", "Loup", "Chat")')


def test_what_a_command_shows_is_read(tmp_path, monkeypatch):
    (tmp_path / "16_ex14_style").mkdir()
    said = tmp_path / "16_ex14_style" / "sortie.txt"
    said.write_text("contenu  0,000 → 0,107\nmixed2 : 5,5 %\n", encoding="utf-8")
    monkeypatch.setattr(lesson_check, "GALLERY", tmp_path)
    asked = ("contenu", 2), ("mixed2", 1)
    found = [lesson_check.evaluate(f'shown("16_ex14_style", "{a}", {b})') for a, b in asked]
    assert found == [0.107, 5.5]
    with pytest.raises(ValueError, match="n'affiche pas 2 nombres après « mixed2 »"):
        lesson_check.evaluate('shown("16_ex14_style", "mixed2", 2)')


def test_an_unknown_name_and_a_long_call_are_refused():
    lines = "\n".join(f"a{number} = {number}" for number in range(11))
    text = f"# T\n\n```{{montre}} absent\n```\n\n```python\n{lines}\n```\n\n```python\nf(\n```\n"
    lesson, _ = parse(text)
    problems = Problems(Path("ex07.md"))
    lesson_check.check_names(lesson, problems)
    first, second, third = problems.sentences
    assert "ligne 3 : « absent » : exercises/ex07_occlusion.py ne définit pas" in first
    assert "ligne 7 : un appel a 10 lignes au plus" in second and "ligne 21" in third


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Un mot.\n\n$$a \\dots b$$", "ligne 5 : « a \\dots b » ne devient pas du MathML"),
        ("Un mot\net $\\tfrac12$.", "ligne 4 : « \\tfrac12 » ne devient pas"),
        ("| a | b |\n|---|---|\n| $|x|$ | 2 |", "ligne 5 : « $ » : formule"),
        (
            "[glossaire](../../docs/glossair.md)",
            "ligne 3 : « ../../docs/glossair.md » n'existe pas",
        ),
        ("# Un autre titre", "ligne 3 : un titre du texte"),
        ("Voici ![a](b.png) et la suite.", "ligne 3 : construction inconnue : image"),
        ("Un<br>mot", "ligne 3 : construction inconnue : html_inline <br>"),
        ("> cité", "ligne 3 : construction inconnue : blockquote_open"),
    ],
)
def test_prose_is_read_as_the_site_reads_it(text, expected):
    pytest.importorskip("myst_parser")
    lesson, _ = parse(f"# Titre\n\n{text}\n")
    problems = Problems(Path("ex07.md"))
    lesson_check.check_prose(lesson, problems)
    assert problems.sentences[0].startswith(f"ex07.md, {expected}"), problems.sentences


# --- Les leçons du cours -------------------------------------------------------------


@pytest.mark.parametrize("slug", SLUGS)
def test_each_lesson_is_right(slug):
    """Nombres, noms, longueur, questions ; formules, liens et figures où le site s'installe."""
    _, sentences = lesson_check.check_lesson(slug, prose=find_spec("myst_parser") is not None)
    assert not sentences, "\n".join(sentences)


def test_the_command_says_what_is_wrong(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(lesson_text, "LESSONS", tmp_path)
    (tmp_path / "ex07_occlusion.md").write_text("# T\n\n831 <!-- = 832 -->\n", encoding="utf-8")
    assert lesson_check.main(["ex07"]) == 1
    said = capsys.readouterr().out
    assert "ex07_occlusion.md, ligne 3 : « 831 » est écrit, 832 donne 832" in said
    assert "ex07_occlusion : 1 mots, 0 questions, 0 réponses, 0 figures" in said
