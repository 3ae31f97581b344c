import numpy as np
import pytest

from convnets.core import paths, reports

QUESTION = "S3 Fine-tuning approach"
pytestmark = [
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
]


@pytest.fixture(scope="module")
def tuning():
    from exercises.ex05_inception import fine_tuning

    return fine_tuning


@pytest.mark.question(QUESTION)
def test_the_two_halves_make_the_base(tuning, tiny_blocks):
    import keras

    start, end = tuning.split_base(tiny_blocks, "mixed8")
    images = np.random.default_rng(0).uniform(-1, 1, (3, 150, 150, 3)).astype(np.float32)
    whole = keras.Model(
        tiny_blocks.input, keras.layers.GlobalAveragePooling2D()(tiny_blocks.output)
    )
    np.testing.assert_allclose(end(start(images)), whole(images), atol=1e-6)
    assert start.count_params() + end.count_params() == tiny_blocks.count_params()


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_fine_tuning_moves_the_end_and_spares_the_statistics(tuning, tiny_blocks):
    from keras import layers

    from exercises.ex05_inception import head as top

    start, end = tuning.split_base(tiny_blocks, "mixed8")
    maps = np.random.default_rng(0).normal(size=(40, 5, 5, 6)).astype(np.float32)
    labels = (maps.mean((1, 2))[:, 0] > 0).astype(int)
    head = top.build_head(np.asarray(end(maps)), 2, seed=0)
    head.set_weights([np.eye(6, 2), np.zeros(2)])
    before = {layer.name: layer.get_weights() for layer in tiny_blocks.layers if layer.weights}
    head_before = head.get_weights()
    tuning.fine_tune(end, head, (maps, labels), learning_rate=1e-2, epochs=1, seed=0)
    moved = {
        name
        for name, weights in before.items()
        if any(
            (a != b).any()
            for a, b in zip(weights, tiny_blocks.get_layer(name).get_weights(), strict=True)
        )
    }
    convolutions = {layer.name for layer in end.layers if isinstance(layer, layers.Conv2D)}
    assert moved == convolutions and len(convolutions) == 2  # ni le bas, ni les normalisations
    assert (head.get_weights()[0] != head_before[0]).any()


# --- Options et comptes rendus des deux études -----------------------------------------


def test_defaults(tuning):
    assert vars(tuning.part_parser("layers", "Couper.", epochs=3).parse_args([])) == {
        "limit": None,
        "epochs": 3,
        "seeds": 1,
        "output": None,
        "models_dir": paths.MODELS_DIR,
        "module": "ex05_layers",
        "command": "ex05_inception.layers",
    }


def test_help_names_the_command_that_runs(tuning, capsys):
    with pytest.raises(SystemExit) as caught:
        tuning.part_parser("layers", "Couper.", epochs=3).parse_args(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    assert printed.startswith("usage : python -m exercises.ex05_inception.layers ")
    assert "1000 par défaut" in printed and "figures/ex05_layers par défaut" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "deux"], "nombre entier d'au moins 1 attendu, reçu 'deux'"),
        (["--folds", "3"], "option inconnue"),
    ],
)
def test_wrong_values_exit_2_in_french(tuning, arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        tuning.part_parser("layers", "Couper.", epochs=3).parse_args(arguments)
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_a_full_run_goes_to_the_models_folder(tuning, tmp_path):
    options = tuning.part_parser("layers", "Couper.", epochs=3).parse_args(
        ["--models-dir", str(tmp_path / "m")]
    )
    found = {"accuracy coupée après mixed2": reports.Metric(0.7, None, 1)}
    report = tuning.study_report(options, found, {"absent": "rien"})
    path = tuning.write_report(report, options, epochs=3)
    assert [each.name for each in path.parent.iterdir()] == ["ex05_layers.json"]
    report = reports.read_report("ex05_layers", models_dir=tmp_path / "m")
    assert report.command == "python -m exercises.ex05_inception.layers --seeds 1 --epochs 3"
    assert report.metrics == found and report.headline == []  # rien de ce qui se montre
    assert report.environment.versions["keras"]


@pytest.mark.parametrize(
    ("arguments", "published"), [(["--epochs", "2"], 3), (["--limit", "5"], 1)]
)
def test_a_smaller_run_leaves_the_published_report_alone(tuning, tmp_path, arguments, published):
    folder = ["--models-dir", str(tmp_path / "m")]
    parser = tuning.part_parser("layers", "Couper.", epochs=1)
    options = parser.parse_args([*arguments, *folder])
    found = {"accuracy": reports.Metric(0.7, None, 1)}
    path = tuning.write_report(tuning.study_report(options, found, {}), options, epochs=published)
    assert path == tmp_path / "m" / "runs" / "ex05_layers" / "ex05_layers.json"
