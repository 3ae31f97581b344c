import numpy as np
import pytest

from convnets.core import reports
from convnets.training import saving
from exercises.ex00_convolution import x_or_o


@pytest.fixture(scope="module")
def ex00():
    from exercises.ex00_convolution import learned_filters

    return learned_filters


@pytest.mark.question("S0 Apprentissage des Features, Résultat Final")
def test_with_the_filters_of_the_slides_it_is_their_chain(ex00):
    import keras

    model = ex00.build_model()
    assert model.count_params() == 3 * 9 + 12 * 2 + 2 and model.output_shape == (None, 2)
    kernels = np.stack([x_or_o.read_picture(rows) for rows in x_or_o.FILTERS], axis=-1) / 9
    model.get_layer("filters").set_weights([kernels[:, :, np.newaxis, :]])
    vector = keras.Model(model.inputs[0], model.layers[-2].output)
    pictures = [x_or_o.read_picture(rows) for rows in (x_or_o.X, x_or_o.DEFORMED_X, x_or_o.O)]
    found = vector.predict(255 * (np.stack(pictures) > 0).astype(np.uint8), verbose=0)
    for each, picture in zip(found, pictures, strict=True):
        expected = x_or_o.chain(picture).second.astype(float)
        maps = each.reshape(2, 2, 3).transpose(2, 0, 1)  # Keras range les cartes en dernier
        np.testing.assert_allclose(maps, expected, atol=1e-6)


def test_letters_are_balanced_varied_and_reproducible(ex00):
    x, y = ex00.draw_letters(401, seed=3)
    assert x.shape == (401, 9, 9) and x.dtype == np.uint8 and y.sum() == 200
    np.testing.assert_array_equal(x, ex00.draw_letters(401, seed=3)[0])
    assert len(np.unique(x.reshape(401, -1), axis=0)) == 401


@pytest.mark.question("S0 Apprentissage des Features")
def test_the_shipped_filters_read_the_letters_as_published_and_the_slides(ex00):
    model = saving.load_model("ex00_learned_filters")
    x, y = ex00.draw_letters(ex00.NUM_TEST, seed=1)
    published = reports.read_report("ex00_learned_filters").metrics["accuracy"].mean
    assert np.mean(model.predict(x, verbose=0).argmax(1) == y) == pytest.approx(published, abs=2e-3)
    named = ex00.name_pictures(model)
    assert named["X"] > 0.5 and named["X déformé"] > 0.5 and named["O"] < 0.5
    filters, kernel = ex00.learned_filters(model), model.get_layer("filters").get_weights()[0]
    np.testing.assert_allclose(abs(filters).max(axis=(1, 2)), 1)
    for k in range(3):
        assert np.corrcoef(filters[k].ravel(), kernel[..., 0, k].ravel())[0, 1] > 0.9999


@pytest.mark.ci
@pytest.mark.usefixtures("eager")
def test_the_whole_loop(ex00, tmp_path, monkeypatch, capsys, short_runs):
    short_runs(tmp_path)
    shown, save = {}, ex00.save_filters
    monkeypatch.setattr(
        ex00, "save_filters", lambda path, rows, **k: (shown.update(rows), save(path, rows, **k))
    )
    options = ["--epochs", "1", "--limit", "100", "--output", str(tmp_path / "figures")]
    assert ex00.main(options) == 0
    written = {path.name for path in (tmp_path / "figures").iterdir()}
    assert written == {"filtres_appris.png", "lettres.png"}
    assert "X déformé : X à" in capsys.readouterr().out
    assert reports.read_report("ex00_learned_filters", models_dir=tmp_path).num_parameters == 53
    # Après un pas ou deux, les filtres sont encore presque ceux d'où ils sont partis.
    assert np.corrcoef(shown["tirés"].ravel(), shown["appris"].ravel())[0, 1] > 0.9
