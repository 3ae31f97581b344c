from types import SimpleNamespace

import pytest

from convnets.core import reports


@pytest.fixture(scope="module")
def shown():
    from exercises.ex05_inception import report as ex05_report

    return ex05_report


def test_other_classes_replace_the_model_and_the_same_do_not(shown, tmp_path):
    options = SimpleNamespace(models_dir=tmp_path)
    assert not shown.replaces_another_task(options, ["a", "b"])  # rien en place
    (tmp_path / "ex05_inception.json").write_text('{"files": {}, "classes": ["a", "b"]}')
    assert not shown.replaces_another_task(options, ["a", "b"])
    assert shown.replaces_another_task(options, ["a", "c"])


def test_a_full_run_goes_to_the_models_folder(shown, tmp_path):
    options = SimpleNamespace(
        module="ex05_layers", seeds=1, epochs=3, limit=None, models_dir=tmp_path / "m"
    )
    path = shown.write_report({"metrics": {}}, options)
    assert [each.name for each in path.parent.iterdir()] == ["ex05_layers.json"]
    report = reports.read_sidecar("ex05_layers", models_dir=tmp_path / "m")
    assert report["command"] == "python -m exercises.ex05_inception.layers --seeds 1 --epochs 3"
    assert report["environment"]["versions"]["keras"]
