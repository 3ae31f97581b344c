"""La page « Écrire et vérifier » : les questions de `check`, posées dans un navigateur."""

import re

import pytest

from exercises import find
from exercises.sheet import definition_source, read_statement
from grading.scale import read_scale
from web import practice, runtime

# `convolve` du corrigé demande TensorFlow, que la page n'a pas : la même, en NumPy.
CONVOLVE = """
def convolve(image, filters, *, border="reflect"):
    if border not in BORDERS or image.shape[2] != filters.shape[2]:
        raise ValueError("bord ou canaux")
    if border != "valid":
        around = [((side - 1) // 2, side // 2) for side in filters.shape[:2]] + [(0, 0)]
        image = np.pad(image, around, mode="reflect" if border == "reflect" else "constant")
    patches = np.lib.stride_tricks.sliding_window_view(image, filters.shape[:2], axis=(0, 1))
    return np.einsum("hwcab,abcn->hwn", patches.astype(np.float32), filters)
"""
RIGHT = "def relu(values):\n    return np.maximum(values, 0)"
FOREVER = "def relu(values):\n    while True:\n        pass"
TRUNCATED = "def relu(values):\n    return np.maximum(values, 0"
SLIPS = "def relu(values):\n    return np.maximum(values, 1)"


def answers(statement):
    """Rend ce qu'un élève écrirait de juste : le corrigé, et `convolve` en NumPy."""
    known = read_statement(find(statement["page"]))
    names = [each["name"] for each in statement["functions"]]
    found = {name: definition_source(known, known.graded[name], name) for name in names}
    return found | ({"convolve": CONVOLVE} if "convolve" in found else {})


def plain(text):
    """Rend un texte de la page sans ses espaces insécables."""
    return text.replace("\u00a0", " ")


def button(page, name, text):
    page.locator(f"#ecrire section:has(#code-{name})").get_by_role("button", name=text).click()


def said(page, name):
    """Attend la fin de la vérification, et rend ce qui est dit d'une fonction."""
    page.get_by_role("button", name="Arrêter").wait_for(state="hidden")
    place = page.locator(f"#ecrire section:has(#code-{name}) .verdict:not(:empty)")
    place.wait_for()
    return place.inner_text()


def test_every_graded_function_is_offered_and_gives_no_answer():
    for statement in practice.statements():
        rules = [rule["id"] for each in statement["functions"] for rule in each["rules"]]
        assert rules == [rule.id for rule in read_scale()[statement["id"]].rules]
        for each in statement["functions"]:
            assert "raise NotImplementedError" in each["code"]
        assert not re.search(
            r"import (keras|tensorflow)|from (keras|exercises)", statement["given"]
        )


def test_another_numpy_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "pyodide-0.27.7" / "node_modules" / "pyodide"
    folder.mkdir(parents=True)
    lock = '{"packages": {"numpy": {"file_name": "numpy.whl", "sha256": "00"}}}'
    (folder / "pyodide-lock.json").write_text(lock)
    monkeypatch.setattr(runtime, "_download_member", lambda _, kept: kept.write_bytes(b"autre"))
    with pytest.raises(ValueError, match="pas celui que Pyodide attend"):
        runtime.python(tmp_path)
    assert not [*tmp_path.rglob("numpy.whl")]


def test_right_answers_are_said_right(page, address):
    page.goto(f"{address}/ecrire.html?exemple=ex01")
    for statement in practice.statements():
        page.select_option("#exercice", statement["id"])
        for name, code in answers(statement).items():
            page.fill(f"#code-{name}", code)
        page.get_by_role("button", name="Tout vérifier").click()
        count = len(statement["functions"])
        page.locator(f"#ecrire .dit:has-text('{count} sur {count}')").wait_for()
        assert page.locator("#ecrire .verdict.juste").count() == count


def test_what_is_wrong_is_named_and_a_loop_is_stopped(page, address):
    page.goto(f"{address}/ecrire.html")
    page.fill("#code-relu", TRUNCATED)
    button(page, "relu", "Vérifier")
    assert "relu, ligne 2 : Python ne peut pas lire ce code" in plain(said(page, "relu"))
    page.fill("#code-relu", SLIPS)
    button(page, "relu", "Vérifier")
    assert "pas encore" in plain(said(page, "relu"))  # dit avant la cause, puis avec elle
    page.fill("#code-relu", FOREVER)
    button(page, "relu", "Vérifier")
    page.get_by_role("button", name="Arrêter").click()
    page.locator("#ecrire .dit:has-text('Arrêté.')").wait_for()
    page.fill("#code-relu", RIGHT)
    button(page, "relu", "Vérifier")
    page.locator("#ecrire section:has(#code-relu) .verdict:has-text('✓ juste')").wait_for()
    page.reload()
    assert page.input_value("#code-relu") == RIGHT
    page.once("dialog", lambda dialog: dialog.accept())
    button(page, "relu", "Repartir")
    assert "raise NotImplementedError" in page.input_value("#code-relu")
