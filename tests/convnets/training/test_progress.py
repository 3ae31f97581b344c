"""La durée prévue et la ligne qui suit un entraînement, sur une horloge qu'on avance soi-même."""

import io
import sys

import pytest

from convnets.training import progress


class Clock:
    """Une horloge : `clock.wait(3)` l'avance de trois secondes."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock():
    return Clock()


@pytest.mark.parametrize(
    ("seconds", "exact", "about"),
    [
        (0.2, "1 s", "1 s"),
        (59.4, "59 s", "59 s"),
        (60, "1 min", "1 min"),
        (320, "5 min 20", "5 min"),
        (605, "10 min 05", "10 min"),
        (3590, "59 min 50", "1 h 00"),
        (3900, "1 h 05", "1 h 05"),
    ],
)
def test_durations_read_as_french(seconds, exact, about):
    assert progress.format_duration(seconds) == exact
    assert progress.format_duration(seconds, about=True) == about


def stage(line, clock, *, step_s, epochs=4, steps=10, setup_s=0.0, val_s=0.0, after_s=0.0, **more):
    """Joue un `fit` : le premier pas prend `setup_s` de plus, une validation `val_s`."""
    line.begin("lenet", epochs=epochs, steps=steps, **more)
    for epoch in range(more.get("first_epoch", 0), epochs):
        for step in range(steps):
            clock.wait(step_s + setup_s * (epoch == 0 and step == 0))
            line.step(epoch, step)
        clock.wait(val_s)
        line.end_epoch(epoch, {"val_accuracy": 0.9 + epoch / 100})
    clock.wait(after_s)


def seconds_of(text):
    """Relit `"1 min 05"`."""
    words = text.replace("min", "m").split()
    units = {"s": 1, "m": 60, "h": 3600}
    total, unit = 0, 60
    for word in words:
        if word in units:
            total, unit = total * units[word], units[word]
        else:
            total += int(word) * (unit // 60 if total else 1)
    return total


def test_the_duration_is_foreseen_then_kept_up_to_date(clock, capsys):
    """Trois graines de deux réseaux pareils : la première annonce dit déjà le tout."""
    line = progress.Progress(seeds=3, stages=2, clock=clock)
    start = clock()
    for _ in range(6):
        stage(line, clock, step_s=3.0, epochs=4, steps=20, setup_s=9.0, after_s=2.0)
    line.end_stage()
    total_s = clock() - start
    first, *epochs = capsys.readouterr().out.splitlines()
    assert first == "Durée prévue : 25 min environ (3 graines, 2 réseaux, 4 époques)."
    assert abs(25 * 60 - total_s) < 0.05 * total_s
    assert len(epochs) == 24
    assert epochs[0].startswith(
        "graine 1/3, lenet (1/2), époque 1/4 : exactitude en validation 90,0 % ; reste 2"
    )
    assert epochs[-1] == ("graine 3/3, lenet (2/2), époque 4/4 : exactitude en validation 93,0 %")
    left = [seconds_of(each.rpartition("reste ")[2]) for each in epochs[:-1]]
    assert left == sorted(left, reverse=True)
    assert abs(left[11] - total_s / 2) < 0.05 * total_s  # à la moitié, la moitié


def test_the_first_step_and_the_validation_do_not_mislead(clock, capsys):
    """Le premier pas prend une minute, à préparer ; la validation, un tiers d'une époque."""
    line, start = progress.Progress(clock=clock), clock()
    stage(line, clock, step_s=1.0, epochs=9, steps=60, setup_s=60, val_s=20, validation=1 / 3)
    total_s = clock() - start
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == "Durée prévue : 13 min environ (1 graine, 9 époques)."
    assert abs(13 * 60 - total_s) < 30


def test_costs_weigh_the_stages_not_seen_yet(clock, capsys):
    line, start = progress.Progress(stages=(1, 10), clock=clock), clock()
    stage(line, clock, step_s=1.0)
    stage(line, clock, step_s=10.0)
    assert clock() - start == 440
    assert capsys.readouterr().out.startswith("Durée prévue : 7 min environ (1 graine, 2 réseaux")


def test_another_seed_teaches_better_than_the_costs(clock, capsys):
    """Deux réseaux crus égaux, l'un cent fois plus lent : la graine 2 le sait."""
    line = progress.Progress(seeds=2, stages=2, clock=clock)
    stage(line, clock, step_s=0.1)
    stage(line, clock, step_s=10.0)
    capsys.readouterr()
    stage(line, clock, step_s=0.1)
    assert capsys.readouterr().out.splitlines()[-1].endswith("reste 6 min 40")


def test_a_resumed_training_counts_only_what_is_left(clock, capsys):
    line = progress.Progress(stages=2, clock=clock)
    stage(line, clock, step_s=3.0, first_epoch=4, spent_s=120.0)  # finie avant la coupure
    stage(line, clock, step_s=3.0, first_epoch=3, spent_s=90.0)
    assert capsys.readouterr().out.splitlines() == [
        "Durée prévue : 30 s environ (1 graine, 2 réseaux, 4 époques).",
        "lenet (2/2), époque 4/4 : exactitude en validation 93,0 %",
    ]


@pytest.mark.parametrize(("step_s", "proposed"), [(29.5, False), (30.5, True)])
def test_ten_minutes_and_more_propose_the_option(clock, capsys, step_s, proposed):
    line = progress.Progress(proposes=True, clock=clock)
    stage(line, clock, step_s=step_s, epochs=2)
    out = capsys.readouterr().out
    assert out.startswith("Durée prévue : 10 min environ (1 graine, 2 époques)")
    assert ("`--minutes 10` ajuste l'entraînement à cette machine." in out) == proposed


def test_a_terminal_shows_one_line(clock, monkeypatch):
    """Chaque texte recouvre le précédent en entier ; à la fin, il n'en reste rien."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    line = progress.Progress(clock=clock)
    stage(line, clock, step_s=1.0)
    line.end_stage()
    assert "\n" not in terminal.getvalue()
    texts, shown = [], ""
    for text in terminal.getvalue().split("\r")[1:]:
        shown = text + shown[len(text) :]
        texts.append(shown.rstrip())
    assert texts[0] == "Durée prévue : 40 s environ (1 graine, 4 époques)"
    assert "Durée prévue : 40 s environ (1 graine, 4 époques) ; reste 33 s" in texts
    assert "époque 2/4 ; reste 25 s" in texts
    assert texts[-1] == "" and all(len(each) < 100 for each in texts)


def test_a_sentence_does_not_run_into_the_line(clock, monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with progress.follow() as line:
        line.clock = clock
        stage(line, clock, step_s=1.0)
        progress.say("Un mot.")
    assert terminal.getvalue().split("\r")[-1] == "Un mot.\n"


def test_an_interruption_leaves_the_line(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(KeyboardInterrupt), progress.follow() as line:
        line.clock = clock
        stage(line, clock, step_s=1.0, epochs=1)
        raise KeyboardInterrupt
    assert terminal.getvalue().rpartition("\r")[2].split() == (
        "époque 1/1 : exactitude en validation 90,0 %".split()
    )
    assert terminal.getvalue().endswith("\n")


def test_a_fit_within_an_exercise_is_one_of_its_stages():
    with progress.follow(seeds=2, stages=3) as line:
        with progress.follow() as inner:
            assert inner is line
        with progress.follow() as inner:
            assert inner is line  # le premier `fit` fini, le suivi continue
    with progress.follow() as other:
        assert other is not line


def test_counted_announces_then_counts(capsys):
    """Dix secondes pour préparer, puis trois par image : la durée est celle du reste."""
    now = [0.0]
    seen = []
    for number in progress.counted(range(60), "images", every=20, clock=lambda: now[0]):
        seen.append(number)
        now[0] += 3 if number else 10
    assert seen == list(range(60))
    assert capsys.readouterr().out.splitlines() == [
        "Durée prévue : 3 min environ (60 images).",  # 59 × 3 s
        "20 images sur 60 ; reste 2 min",
        "40 images sur 60 ; reste 1 min",
    ]


def test_a_fit_that_is_not_ours_has_its_line_too(capsys):
    import keras
    import numpy as np

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    x, y = np.ones((4, 2)), np.zeros(4)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[progress.Reporter()])
    first, *epochs = capsys.readouterr().out.splitlines()
    assert first.startswith("Durée prévue : ") and first.endswith(" (1 graine, 2 époques).")
    assert [line.split(" : exactitude ")[0] for line in epochs] == ["époque 1/2", "époque 2/2"]
