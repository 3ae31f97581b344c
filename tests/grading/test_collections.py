"""Les collections : chaque erreur reconnue par son nom, chaque réponse juste payée en entier.

Ici, quelques rendus de l'exercice 00, qui n'ont pas besoin de TensorFlow ; les trois collections
entières sont corrigées par `python -m tests.grading`, ou par `pytest -m slow tests/grading`.
"""

import pytest

from grading.asking import grader
from grading.reading import submission
from grading.scale import read_scale
from tests.grading import __main__ as command
from tests.grading import handins

pytestmark = pytest.mark.ci

WRONG, RIGHT = handins.wrong(), handins.right()
SOME = {  # un rendu faux par fichier de l'exercice 00, plus ce qui ne se ressemble pas
    "conv1d_uint8",
    "conv2d_demi_tour_rate",
    "pooling_zeros_au_maximum",
    "pooling_relu_qui_fuit",
    "taille_sans_erreur",
    "xo_pooling_valid",
    "im2col_colonnes",
    "gradient_moyen",
}
QUICK = (
    "sortie",
    "dossiers_emboites",
    "dossiers_vides",
    "dossier_ferme",
    "bombe",
    "reseau",
    "fausse_reponse",
    "efface",
    "memoire",
    "ecrit_les_notes",
    "lit_le_corrige",
    "tue_le_correcteur",
    "truque_numpy",
    "sortie_brutale_a_l_import",
)


@pytest.fixture(scope="module")
def judge():
    """judge(rendu, dossier) -> ses questions, comme dans un compte rendu."""
    made = grader.Grader(grader.Options(seed=grader.random_seed(), fill_missing=True))

    def grade(handin, folder):
        submitted = submission.find(handins.write(handin, folder))
        found = {}
        for rule in read_scale()[handin.exercise].rules:
            if rule.module in handin.modules and rule.name != "weights":
                mark = made.grade(submitted, rule)
                found[rule.id] = {
                    "module": rule.module,
                    "reason": mark.reason,
                    "text": mark.detail,
                    "points": mark.points,
                    "out_of": rule.points,
                }
        return found

    yield grade
    made.close()


@pytest.mark.parametrize(
    "handin", [each for each in WRONG if each.name in SOME], ids=lambda each: each.name
)
def test_wrong_answers_get_their_reason(judge, handin, tmp_path):
    assert handins.problems(handin, judge(handin, tmp_path)) == []


@pytest.mark.parametrize(
    "handin", [each for each in RIGHT if each.exercise == "ex00"], ids=lambda each: each.name
)
def test_right_answers_of_another_shape_get_full_marks(judge, handin, tmp_path):
    found = judge(handin, tmp_path)
    assert handins.problems(handin, found) == []
    assert all(each["points"] == each["out_of"] for each in found.values())


@pytest.mark.parametrize("name", QUICK)
def test_hostile_hand_ins_lose_their_own_questions_only(judge, name, tmp_path):
    target = tmp_path / "notes.txt"
    target.write_text("intact")
    chosen = handins.hostile(target=target, repo=tmp_path / "depot")
    solution = tmp_path / "depot/exercises/ex00_convolution/operations.py"
    solution.parent.mkdir(parents=True)
    solution.touch()
    (handin,) = [each for each in chosen if each.name == f"hostile_{name}"]
    found = judge(handin, tmp_path / "rendu")
    assert handins.problems(handin, found) == []
    assert target.read_text() == "intact" and solution.exists()


@pytest.mark.slow
def test_the_three_collections(capsys):
    assert command.main([]) == 0, capsys.readouterr().out
