from types import SimpleNamespace

import pytest


@pytest.fixture(scope="module")
def evaluation():
    from exercises.ex05_inception import evaluation as ex05_evaluation

    return ex05_evaluation


def test_other_classes_replace_the_model_and_the_same_do_not(evaluation, tmp_path):
    options = SimpleNamespace(models_dir=tmp_path)
    assert not evaluation.replaces_another_task(options, ["a", "b"])  # rien en place
    content = '{"command": "", "metrics": {}, "files": {}, "classes": ["a", "b"]}'
    (tmp_path / "ex05_inception.json").write_text(content)
    assert not evaluation.replaces_another_task(options, ["a", "b"])
    assert evaluation.replaces_another_task(options, ["a", "c"])
