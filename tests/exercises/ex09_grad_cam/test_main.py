import pytest

from exercises.ex09_grad_cam.__main__ import main

pytestmark = pytest.mark.ci

QUESTION = "S3 Class Activation Map"


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory, write_model):
    """Un dossier de modèles qui n'a qu'un petit réseau de couleurs, en 32×32."""
    import keras
    from keras import layers

    folder = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(0)
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Conv2D(4, 3, activation="relu", name="colors")(x)
    x = layers.GlobalAveragePooling2D()(layers.AveragePooling2D(2, name="coarse")(x))
    model = keras.Model(images, layers.Dense(3, activation="softmax")(x))
    classes = ["Rouge", "Bleu", "Gris"]
    write_model(model, folder, "thumbnails_light", input_shape=[32, 32, 3], classes_fr=classes)
    return folder


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("options", [[], ["--method", "grad_cam_plus_plus", "--layer", "colors"]])
def test_main_writes_a_figure(models_dir, tmp_path, repo, capsys, options):
    folders = ["--models-dir", str(models_dir), "--output", str(tmp_path / "f")]
    assert main([str(repo / "samples" / "chat.png"), *options, *folders]) == 0
    name = f"chat_{options[1] if options else 'grad_cam'}.png"
    printed = capsys.readouterr().out.splitlines()
    layer = "colors (30×30 cases)" if options else "coarse (15×15 cases)"
    assert f"couche {layer}" in printed[0] and printed[-1] == str(tmp_path / "f" / name)
    assert (tmp_path / "f" / name).stat().st_size > 5000


def test_main_says_what_is_wrong(models_dir, repo, capsys):
    arguments = [str(repo / "samples" / "chat.png"), "--models-dir", str(models_dir)]
    assert main([*arguments, "--layer", "conv9"]) == 1
    assert "Erreur : Couche 'conv9' inconnue" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--method", "cam"])
    assert caught.value.code == 2
    assert "choix impossible" in capsys.readouterr().err
