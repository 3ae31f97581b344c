from matplotlib.figure import Figure

from convnets.figures import style


def test_the_legend_says_what_was_learned(tmp_path, monkeypatch):
    saved, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a: (saved.append(self), save(self, *a)))
    history = {name: [0.9, 0.8] for name in ("loss", "val_loss", "accuracy", "val_accuracy")}
    for targets in ("", "réponses du maître"):
        style.save_learning_curves(tmp_path / "c.png", history, targets=targets)
    legends = [
        [text.get_text() for text in figure.axes[0].get_legend().get_texts()] for figure in saved
    ]
    assert legends == [
        ["entraînement", "validation"],
        ["entraînement (réponses du maître)", "validation"],
    ]
    assert (tmp_path / "c.png").stat().st_size > 1000
