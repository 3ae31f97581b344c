"""Les fichiers livrés de `models/` : chacun a un lecteur, que `models/README.md` nomme."""

import re
import subprocess
from pathlib import Path

import pytest

from convnets.core.paths import MODELS_DIR
from convnets.core.reports import read_report
from convnets.serving.classifier import Classifier
from exercises import sources
from grading.reading import submission

README = MODELS_DIR / "README.md"
ROW = re.compile(r"^\| ([a-z0-9_]+) \| (.*?) ?\| (.*?) ?\| `(.*?)` \| (.*?) \|$", re.M)
ROWS = ROW.findall(README.read_text(encoding="utf-8"))
READERS = {
    (slug, suffix): reader
    for slug, *readers, _, _ in ROWS
    for suffix, reader in zip((".keras", ".tflite"), readers, strict=True)
    if reader
}


def test_every_file_has_a_reader_and_its_report(repo):
    listed = subprocess.run(["git", "ls-files", "models"], cwd=repo, capture_output=True, text=True)
    if listed.returncode or not listed.stdout:
        pytest.skip("une archive, sans dépôt git : rien ne dit ce qui est livré")
    paths = [Path(name) for name in listed.stdout.split()]
    weights = {(path.stem, path.suffix) for path in paths} - {("README", ".md")}
    assert {each for each in weights if each[1] != ".json"} == READERS.keys()
    for path in paths:
        if path.suffix == ".json":
            described = {Path(name).suffix for name in read_report(path.stem).files}
            assert described == {end for slug, end in READERS if slug == path.stem}, path


def test_the_command_is_the_one_of_the_report():
    for slug, *_, command, _ in ROWS:
        assert command == read_report(slug).command, slug


def test_the_reader_reads_it(repo):
    pages = "".join(path.read_text(encoding="utf-8") for path in repo.glob("web/*.py"))
    for (slug, suffix), reader in READERS.items():
        if reader.startswith("`./predict"):
            assert (slug, ".tflite") in READERS, slug
            if suffix == ".tflite" and "base" not in reader:  # à préparer d'abord
                assert Classifier(slug, num_threads=1).classes, slug
        elif reader.startswith("`python -m grading`"):
            assert submission.published(slug, suffix).stem == slug
        elif reader == "le site":
            assert f'"{slug}"' in pages, slug
        else:
            exercise = reader.strip("`").removeprefix("exercises.")
            code = "".join(path.read_text(encoding="utf-8") for path in sources(exercise))
            assert "load_model(" in code or "load_saved(" in code, (slug, reader)
