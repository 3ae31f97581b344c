"""Où va un modèle moins bon que celui de `runs/`, et ce qui est dit d'un `.keras` illisible."""

import zipfile
from argparse import Namespace

import pytest

from convnets.core import files, paths
from convnets.core.reports import Report, load_report, read_report, save_report
from convnets.serving import command
from convnets.training import result, saving

SLUG = "ex99_essai"


class Network:
    """Ce que `save_model` attend d'un modèle, sans Keras."""

    def save(self, path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", "{}")


@pytest.fixture
def save(tmp_path, monkeypatch):
    """save(score, val=2000) -> (dossier, raison), dans m/, où un modèle publié vaut mieux."""
    monkeypatch.setattr(saving, "environment", lambda: None)
    monkeypatch.chdir(tmp_path)

    def call(score, *, val=2000, seeds=1):
        report = Report(
            "",
            {},
            score=score,
            seeds=list(range(seeds)),
            num_images={"val": val},
            shipped={"seed": 0},
        )
        folder, reason = saving.save_model(
            Network(), SLUG, report, export=(b"essai", "float32"), models_dir=tmp_path / "m"
        )
        assert read_report(SLUG, models_dir=folder).score == score  # rien n'est perdu
        return folder, reason

    call(0.9, seeds=3)
    return call


def scores(tmp_path):
    runs = sorted((tmp_path / "m" / "runs").iterdir())
    return {each.name: load_report(each / f"{SLUG}.json").score for each in runs}


def test_a_worse_model_does_not_replace_the_better_one_of_runs(save, tmp_path, capsys):
    assert save(0.483)[0] == tmp_path / "m" / "runs" / SLUG
    folder, reason = save(0.283)
    assert folder == tmp_path / "m" / "runs" / f"{SLUG}-2"
    assert reason.splitlines() == [
        f"Le modèle {SLUG} en place est le meilleur de 3 graines, celui-ci de 1 : rien n'est "
        "remplacé sans --force.",
        f"Celui de runs/{SLUG} fait au moins aussi bien en validation (0,4830 contre 0,2830) : "
        f"runs/{SLUG}-2 garde le dernier appris.",
    ]
    save(0.1)
    assert scores(tmp_path) == {SLUG: 0.483, f"{SLUG}-2": 0.1}
    assert save(0.5)[0].name == SLUG
    assert scores(tmp_path) == {SLUG: 0.5, f"{SLUG}-2": 0.1}

    # La commande proposée est celle de ce modèle-là.
    report = load_report(folder / f"{SLUG}.json")
    options = Namespace(module=SLUG, command=SLUG, models_dir=folder)
    result.tell_where(options, report, reason=reason, use=None)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"Pour s'en servir : ./predict --model m/runs/{SLUG}-2 image.png"
    assert command._locate(f"m/runs/{SLUG}-2") == (SLUG, folder.relative_to(tmp_path))


def test_a_trial_on_few_images_yields_to_a_whole_training(save, tmp_path):
    save(1.0, val=10)  # --limit 100
    folder, _ = save(0.8)
    assert folder.name == SLUG and scores(tmp_path) == {SLUG: 0.8}
    folder, reason = save(1.0, val=10)
    assert folder.name == f"{SLUG}-2" and "a été jugé sur plus d'images (2000)" in reason


def test_an_unreadable_report_in_runs_stays(save, tmp_path):
    best, _ = save(0.4)
    (best / f"{SLUG}.json").write_text("{")
    folder, reason = save(0.5)
    assert folder.name == f"{SLUG}-2" and "absent ou illisible" in reason.splitlines()[1]
    assert (best / f"{SLUG}.json").read_text() == "{"


@pytest.mark.parametrize("content", [b"", b"PK", b"texte", None])
def test_a_keras_file_that_keras_cannot_read(tmp_path, content):
    """Le compte rendu lui correspond, mais ce n'est pas un modèle : une phrase, en français."""
    path = tmp_path / f"{SLUG}.keras"
    Network().save(path) if content is None else path.write_bytes(content)
    report = Report("", {}, files={path.name: files.file_sha256(path)})
    save_report(report, path.with_suffix(".json"))
    with pytest.raises(ValueError, match="^Keras ne sait pas lire .*ex99_essai.keras"):
        saving.load_model(SLUG, models_dir=tmp_path)


def test_runs_dir_of_the_repository():
    assert paths.runs_dir(SLUG).parent.name == "runs"
