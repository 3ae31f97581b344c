import keras
import numpy as np
import pytest
from keras import layers

from convnets.core.reports import Report
from convnets.training import saving, study
from convnets.training.distillation import Student, copy_layer, load_teacher


def network(seed, units=0):
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((4,))
    if units:
        x = layers.Dense(units, activation="tanh")(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(x), name=f"n{seed}")


def compiled(student):
    student.compile(
        keras.optimizers.Adam(0.05),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=study.JIT_COMPILE,
    )
    return student


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)


def soften(probabilities, temperature):
    powered = probabilities ** (1 / temperature)
    return powered / powered.sum(1, keepdims=True)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_loss_mixes_the_answer_and_the_labels(images, share, temperature):
    teacher, own = network(1, 8), network(2)
    labels = np.eye(3, dtype=np.float32)[np.arange(300) % 3]
    answer, guess = (np.asarray(model(images)) for model in (teacher, own))
    wanted = soften(answer, temperature)
    apart = -(wanted * np.log(soften(guess, temperature))).sum(1).mean()
    judged = -(labels * np.log(guess)).sum(1).mean()
    student = compiled(Student(network(2), teacher, share=share, temperature=temperature))
    loss = student.compute_loss(x=images, y=labels, y_pred=own(images), training=True)
    expected = share * temperature**2 * apart + (1 - share) * judged
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    # Hors de l'entraînement, ce sont les étiquettes qui jugent.
    loss = student.compute_loss(x=images, y=labels, y_pred=own(images), training=False)
    assert float(loss) == pytest.approx(judged, rel=1e-5)


def test_a_sure_teacher_gives_finite_losses(images):
    """Une probabilité nulle, comme en rend un softmax sûr de lui, ne donne ni infini ni nan."""
    teacher, own = network(1), network(2)
    for model in (teacher, own):
        model.set_weights([1e4 * weight for weight in model.get_weights()])
    student = compiled(Student(own, teacher, temperature=2.0))
    labels = np.eye(3, dtype=np.float32)[np.arange(300) % 3]
    loss = student.compute_loss(x=images, y=labels, y_pred=own(images), training=True)
    assert np.isfinite(float(loss)) and float(loss) > 0


@pytest.mark.slow
def test_the_student_ends_up_like_its_teacher_whatever_the_labels(images):
    teacher = network(1)
    before = teacher.get_weights()
    student = compiled(Student(network(2), teacher))
    wrong = np.eye(3, dtype=np.float32)[(np.asarray(teacher(images)).argmax(1) + 1) % 3]
    student.fit(images, wrong, epochs=30, batch_size=50, verbose=0)
    assert np.abs(np.asarray(student(images)) - np.asarray(teacher(images))).max() < 0.05
    assert float(student.evaluate(images, wrong, verbose=0)[1]) < 0.1
    for old, new in zip(before, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)  # le maître n'apprend pas


def test_only_the_student_is_kept(images):
    own = network(2)
    student = Student(own, network(1, 50))
    assert student.count_params() == own.count_params() == 15
    assert [w.shape for w in student.get_weights()] == [(4, 3), (3,)]
    assert student.name == "n2_taught_by_n1"  # ce qui distingue son point de reprise


def test_wrong_arguments(images):
    two = keras.Model(inputs := keras.Input((4,)), layers.Dense(2)(inputs))
    with pytest.raises(ValueError, match=r"à \(None, 3\), son maître de \(None, 4\) à \(None, 2\)"):
        Student(network(0), two)
    with pytest.raises(ValueError, match="1.5 reçue"):
        Student(network(0), network(1), share=1.5)
    with pytest.raises(ValueError, match="0 reçue ; positive"):
        Student(network(0), network(1), temperature=0)


def test_a_teacher_is_loaded_at_the_precision_of_the_training(images, tmp_path):
    model = network(1, 8)
    report = Report(command="", metrics={}, score=0.5)
    export = b"essai", "float32"
    saving.save_model(model, "ex99_teacher", report, export=export, models_dir=tmp_path)
    exact = load_teacher("ex99_teacher", precision="float32", models_dir=tmp_path)
    np.testing.assert_array_equal(exact(images), model(images))
    rough = load_teacher("ex99_teacher", precision="mixed_bfloat16", models_dir=tmp_path)
    assert {layer.compute_dtype for layer in rough.layers[1:]} == {"bfloat16"}
    found = np.asarray(keras.ops.cast(rough(images), "float32"))
    assert 0 < np.abs(found - np.asarray(model(images))).max() < 0.02


def test_scaling_and_probabilities_stay_exact():
    """Les deux bouts en float32, ce qui est entre eux au format demandé."""
    keras.utils.set_random_seed(0)
    images = keras.Input((4,), dtype="uint8")
    x = layers.Dense(3)(layers.Rescaling(1 / 255, dtype="float32")(images))
    model = keras.Model(images, layers.Softmax()(x))
    copies = [copy_layer(layer, policy="mixed_bfloat16") for layer in model.layers[1:]]
    assert [copy.compute_dtype for copy in copies] == ["float32", "bfloat16", "float32"]
    assert [copy.name for copy in copies] == [layer.name for layer in model.layers[1:]]


def test_a_missing_teacher_says_how_to_train_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m recipes"):
        load_teacher("ex99_teacher", precision="float32", models_dir=tmp_path)
