"""La fiche d'un modèle : n'importe quel JSON donne une fiche juste, ou une phrase en français."""

import hashlib
import json

import pytest

from convnets.serving.card import Card, Glance, read_card

CONTENT = b"un export"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILES = {"m.keras": "ab", "m.tflite": SHA256}


def write(folder, report):
    (folder / "m.tflite").write_bytes(CONTENT)
    text = report if isinstance(report, str) else json.dumps(report)
    (folder / "m.json").write_text(text, encoding="utf-8")


def test_a_card_says_what_the_report_says(tmp_path):
    base = {"name": "InceptionV3", "input_px": 150, "layer": "mixed9", "sha256": "0" * 64}
    write(
        tmp_path,
        {
            "files": FILES,
            "exercise": "ex05_inception",
            "input_shape": [150, 150, 3],
            "classes_fr": ["Chat", "Chien"],
            "framing": "squash",
            "views": [["crop", 0.7], ["squash", 1]],
            "glance": {"side_px": 96, "sure": 0.9},
            "calibration": {"temperature": 2, "ece_before": 0.1},
            "familiarity": {"threshold": -1, "measure": "énergie"},
            "base": base,
        },
    )
    card, content = read_card("m", models_dir=tmp_path)
    assert bytes(content) == CONTENT
    assert card.base.name == f"cours-cnn-inceptionv3-150px-mixed9-{'0' * 16}.tflite"
    assert card == Card(
        "m",
        "ex05_inception",
        SHA256,
        (150, 150, 3),
        ("Chat", "Chien"),
        "squash",
        (("crop", 0.7), ("squash", 1.0)),
        Glance(96, 0.9),
        2,
        -1,
        card.base,
    )


def test_what_is_missing_has_a_default(tmp_path):
    write(tmp_path, {"files": FILES})
    assert read_card("m", models_dir=tmp_path)[0] == Card(
        "m", "m", SHA256, (), (), "crop", (("crop", 1.0),), None, None, None, None
    )


def test_files_may_have_been_renamed(tmp_path):
    write(tmp_path, {"files": {"garments.keras": "ab", "garments.tflite": SHA256}})
    assert read_card("m", models_dir=tmp_path)[0].sha256 == SHA256


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ("", "pas du JSON"),
        ("[" * 100_000, "pas du JSON"),
        ("[]", "abîmé ou incomplet"),
        ({"files": {}}, "ne décrit pas un export"),
        ({"files": []}, "abîmé ou incomplet"),
        ({"files": {"m.tflite": 5}}, "abîmé ou incomplet"),
        ({"files": {"m.tflite": "ab"}}, "l'empreinte SHA-256 diffère"),
        ({"input_shape": "x"}, "abîmé ou incomplet"),
        ({"classes_fr": 3}, "abîmé ou incomplet"),
        ({"views": [["crop"]]}, "abîmé ou incomplet"),
        ({"glance": {"sure": 0.9}}, "abîmé ou incomplet"),
        ({"calibration": 1}, "abîmé ou incomplet"),
        ({"base": None}, "abîmé ou incomplet"),
    ],
)
def test_a_wrong_report_is_said_in_one_french_sentence(tmp_path, report, message):
    write(tmp_path, report if isinstance(report, str) else {"files": FILES} | report)
    with pytest.raises(ValueError, match=message) as caught:
        read_card("m", models_dir=tmp_path)
    assert "\n" not in str(caught.value)


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="Pas de modèle a\\\\nb"):
        read_card("a\nb", models_dir=tmp_path)
    write(tmp_path, {"files": FILES})
    (tmp_path / "m.tflite").unlink()
    with pytest.raises(FileNotFoundError, match="absent"):
        read_card("m", models_dir=tmp_path)
