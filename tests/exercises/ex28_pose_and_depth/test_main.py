"""La commande entière, à peu d'images, les figures et le modèle livré."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from convnets.core import reports
from convnets.datasets import sources
from convnets.training import saving
from exercises.ex28_pose_and_depth import __main__ as ex28
from exercises.ex28_pose_and_depth import comparison, counting, data, depth, figures, lessons, pose

pytestmark = pytest.mark.ci

SLUG = "ex28_pose_and_depth"
PICTURES = {"pose.png", "relief.png", "foule.png", "trois_taches.png"}
NETWORKS = ["pose_heat", "pose_regression", "depth", "crowd_density", "crowd_peaks"]


@pytest.fixture(scope="module")
def datasets():
    from tests.conftest import load_extract

    found = {}
    for name in ("fashion_mnist", "cifar10"):
        x, y = load_extract(name)
        found[name] = (x[:300], y[:300]), (x[300:], y[300:])
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory, datasets, unrendered):
    """Cinq réseaux étroits et six images de chaque sorte ; un seul des cinq, le relief, apprend."""
    folder = tmp_path_factory.mktemp("ex28")
    arguments = ["--models-dir", str(folder / "m"), "--output", str(folder / "f")]
    train = lessons.train

    def train_depth(build_model, loss, parts, **settings):
        if loss == "mae" and build_model is depth.build_model:
            return train(build_model, loss, parts, **settings)
        return build_model(), {"duration_s": [1.0]}

    with pytest.MonkeyPatch.context() as patch, unrendered():
        patch.setattr(lessons, "train", train_depth)
        patch.setattr(figures, "save_examples", lambda *_: None)  # `--show` les composera
        patch.setattr(comparison, "export_litert", lambda *_, **__: b"")
        patch.setattr(saving, "_rezip", lambda *_: None)  # bzip2 prend une seconde
        for module, name, small in (
            (pose, "TRUNK", (4,)),
            (pose, "CLIMB", ()),
            (depth, "FEATURES", 2),
            (depth, "WIDTHS", (4, 4)),
            (depth, "WINDOWS", (5,)),
            (counting, "WIDTHS", (4,)),
        ):
            patch.setattr(module, name, small)
        for name, each in datasets.items():
            patch.setattr(sources, f"load_{name}", lambda each=each: each)
        tf.config.run_functions_eagerly(True)  # construire les graphes durerait plus longtemps
        assert ex28.main(["--limit", "6", "--epochs", "1", *arguments]) == 0
        tf.config.run_functions_eagerly(False)
    return SimpleNamespace(folder=folder, arguments=arguments)


@pytest.fixture(scope="module")
def shipped():
    return saving.load_model(SLUG)


def test_main_trains_measures_and_writes(trained):
    report = reports.read_report(SLUG, models_dir=trained.folder / "m")
    assert report.num_images == {"train": 18, "val": 18, "test": 18}
    assert [*report.parameters] == NETWORKS
    assert {each.metric for each in report.headline} <= {*report.metrics}
    expected = {f"pck_{kind}" for kind in pose.NAMES_FR}
    expected |= {f"bad_{kind}_{region}" for kind in depth.NAMES_FR for region in depth.REGIONS_FR}
    expected |= {f"relative_{kind}_{low}" for kind in counting.NAMES_FR for low, _ in data.BINS}
    assert expected <= {*report.metrics}
    assert report.details["windows"] == {"sad": 5, "zncc": 5}
    for kind in pose.NAMES_FR:  # la courbe passe par la mesure publiée, et monte
        curve = report.details[f"curve_{kind}"]
        assert sorted(curve) == curve
        assert curve[10] == pytest.approx(report.metrics[f"pck_{kind}"].mean)
    assert [path.name for path in (trained.folder / "f").iterdir()] == ["trois_taches.png"]


def test_show_redraws_without_training(
    shipped, datasets, unrendered, monkeypatch, eager, capsys, tmp_path
):
    for name, each in datasets.items():
        monkeypatch.setattr(sources, f"load_{name}", lambda each=each: each)
    monkeypatch.setattr(saving, "load_model", lambda *_, **__: shipped)
    monkeypatch.setattr(figures, "NUM_SHOWN", {"pose": 2, "depth": 2})
    monkeypatch.setattr(figures, "SHOWN_BINS", (0, 5))
    with unrendered():
        assert ex28.main(["--show", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "têtes détectées" in printed and "époque" not in printed
    assert {path.name for path in tmp_path.iterdir()} == PICTURES


def test_the_first_images_do_not_depend_on_their_number(datasets):
    """`--show` compose les mêmes premières images de test que l'entraînement."""
    few, more = (
        data.make_part("test", datasets["fashion_mnist"], datasets["cifar10"], limit=limit)
        for limit in (6, 12)
    )
    for lesson in ("pose", "depth"):
        np.testing.assert_array_equal(few[lesson].images, more[lesson].images[:6])
    for low, high in data.BINS:
        firsts = []
        for each in (few["crowd"], more["crowd"]):
            inside = (each.counts >= low) & (each.counts <= high)
            firsts.append(each.images[inside][0])
        np.testing.assert_array_equal(*firsts)


def test_parts_share_no_picture(datasets):
    for dataset in datasets.values():
        parts = [data.pick(dataset, part)[0] for part in data.SEEDS]
        kept = [{each.tobytes() for each in part} for part in parts]
        assert not kept[0] & kept[1] and not kept[0] & kept[2] and not kept[1] & kept[2]


# --- Le modèle livré -----------------------------------------------------------------


@pytest.mark.question("S3, Pose Estimation")
def test_the_published_poses_hold_together(shipped_means):
    means = shipped_means(SLUG)
    assert means["pck_heat"] > means["pck_regression"] + 0.2 > means["pck_mean"] + 0.2
    assert means["pck_heat"] > means["pck_argmax"]
    assert means["pck_heat_visible"] > means["pck_heat_hidden"]
    assert reports.read_report(SLUG).metrics["pck_heat"].n == 3


@pytest.mark.question("S3, 3D Reconstruction")
def test_the_published_disparities_hold_together(shipped_means):
    means = shipped_means(SLUG)
    for region in ("all", "hidden", "flat"):
        assert means[f"bad_network_{region}"] < means[f"bad_sad_{region}"]
        assert means[f"mae_network_{region}"] < means[f"mae_zncc_{region}"]
    assert means["bad_blind_all"] > 2 * means["bad_network_all"]
    assert means["bad_sad_all"] < means["bad_constant_all"]


@pytest.mark.question("S3, Crowd Understanding")
def test_the_published_counts_hold_together(shipped_means):
    means = shipped_means(SLUG)
    for low in (1, 21):  # les densités de l'entraînement
        assert means[f"relative_density_{low}"] < means[f"relative_constant_{low}"]
        assert means[f"relative_peaks_{low}"] < means[f"relative_constant_{low}"]
    for low, _ in data.BINS[2:]:  # plus denses que toutes celles qu'ils ont vues
        assert means[f"relative_density_{low}"] < means[f"relative_constant_{low}"]


def test_the_shipped_networks_answer_new_images(shipped, datasets):
    """Sur d'autres images : les articulations, les disparités et les comptes sont encore là."""
    assert [each.name for each in shipped.layers if each.name in NETWORKS] == NETWORKS
    shapes = [[w.shape for w in shipped.get_layer(name).weights] for name in NETWORKS[:2]]
    assert shapes[0][:25] == shapes[1][:25]  # le même tronc : cinq convolutions normalisées
    assert 0.8 < sum(map(np.prod, shapes[0])) / sum(map(np.prod, shapes[1])) < 1.25
    made = data.make_part("val", datasets["fashion_mnist"], datasets["cifar10"], limit=16)

    def ask(name, images):
        return np.asarray(shipped.get_layer(name)(images))

    puppets, pairs, crowds = made.values()
    found = pose.decode(ask("pose_heat", puppets.images))
    assert pose.pck(found, puppets) > pose.pck(ask("pose_regression", puppets.images), puppets)
    assert depth.judge(ask("depth", pairs.images), pairs)["bad_all"] < 0.3
    counted = counting.count_density(ask("crowd_density", crowds.images))
    assert lessons.measure_counts({"density": counted}, crowds.counts)["relative_density_all"] < 0.3


@pytest.mark.slow
def test_the_shipped_weights_on_the_whole_test_set():
    part = data.make_part("test", sources.load_fashion_mnist(), sources.load_cifar10(), limit=None)
    model, report = saving.load_model(SLUG), reports.read_report(SLUG)
    maps = lessons.answer(model.get_layer("pose_heat"), part["pose"].images)
    shares = pose.pck(pose.decode(maps), part["pose"])
    assert shares == pytest.approx(report.shipped["pck_heat"], abs=1e-3)
    found = lessons.answer(model.get_layer("depth"), part["depth"].images)
    bad = depth.judge(found, part["depth"])["bad_all"]
    assert bad == pytest.approx(report.shipped["bad_network_all"], abs=1e-3)
    found = counting.count_density(
        lessons.answer(model.get_layer("crowd_density"), part["crowd"].images)
    )
    relative = lessons.measure_counts({"density": found}, part["crowd"].counts)
    expected = report.shipped["relative_density_all"]
    assert relative["relative_density_all"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.slow
def test_the_lesson_reaches_its_floor(tmp_path):
    folders = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "f")]
    assert ex28.main(folders) == 0
    means = reports.read_report(SLUG, models_dir=tmp_path / "m").metrics
    assert means["pck_heat"].mean > means["pck_regression"].mean + 0.2
    assert means["bad_network_all"].mean < means["bad_sad_all"].mean
    assert means["relative_density_21"].mean < means["relative_constant_21"].mean
