"""Ce que les leçons ont en commun : partager les données, finir à l'heure, enregistrer.

Une leçon entière écrit `models/exNN_slug.*` : les poids, leur version pour `./predict` et un
compte rendu, ensemble ou pas du tout. Une leçon abrégée les écrit dans `runs/` (`core.session`).
"""

import dataclasses
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from convnets.core import cli, paths, reports, session
from convnets.datasets import sources
from convnets.serving import calibration
from convnets.training import export, saving

# Mots d'un nom de mesure qui disent qu'elle compare deux réponses : son écart, son demi-intervalle.
COMPARING = {"gap", "gain", "over", "reach", "margin"}


class Run(NamedTuple):
    """Ce que rend `run(graine)`, là où plusieurs graines sont publiées."""

    metrics: dict[str, float]  # mesuré sur le jeu de test
    model: keras.Model | None  # ce que la leçon enregistre
    kept: dict[str, object]  # ce que montrent ses figures


class Progress(keras.callbacks.Callback):
    """Dit où en est un entraînement : une barre sur un terminal, une ligne par époque.

    Args:
        epochs: nombre d'époques à faire.
    """

    def __init__(self, epochs: int):
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs=None):
        """Note l'heure et ouvre la barre."""
        self.start, self.step, self.epoch = time.monotonic(), 0, 0
        self.bar = tqdm(
            total=100,
            desc=self.model.name,
            bar_format="{desc} : {percentage:.0f} % [{bar}] reste {remaining}",
            disable=None,  # dans un fichier ou un tube, les lignes des époques suffisent
            leave=False,
        )

    def progress(self) -> float:
        """Rend la part faite, de 0 à 1."""
        return self.step / (self.epochs * self.params["steps"])

    def on_train_batch_end(self, batch, logs=None):
        """Compte le pas."""
        self.step += 1
        self.bar.update(100 * self.progress() - self.bar.n)

    def on_epoch_end(self, epoch, logs=None):
        """Dit ce que vaut l'époque, et combien de temps il reste."""
        self.epoch = epoch + 1
        left_s = (time.monotonic() - self.start) * (1 / self.progress() - 1)
        line = f"{self.model.name}, époque {self.epoch}/{self.params['epochs']}"
        for name, label in {"val_accuracy": "exactitude", "val_mean_iou": "IoU moyenne"}.items():
            if name in logs:
                line += f" ; {label} en validation {cli.percent(logs[name])}"
        self.bar.write(f"{line} ; reste {format_duration(left_s)}", file=sys.stdout)

    def on_train_end(self, logs=None):
        """Ferme la barre."""
        self.bar.close()


class Clock(Progress):
    """Mène le taux d'apprentissage, par un cosinus, jusqu'à zéro ; finit à l'heure.

    L'entraînement finit avec ses époques, ou avec sa part des minutes si la machine est lente. Dans
    les deux cas, le taux a fini de descendre.

    Args:
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        share: part du temps d'apprentissage que ce réseau peut prendre, si la leçon en a plusieurs.
        warmup: part de l'entraînement où le taux monte, avant de descendre.
    """

    def __init__(self, epochs: int, minutes: float | None, *, share: float = 1, warmup: float = 0):
        super().__init__(epochs)
        self.minutes, self.share, self.warmup = minutes, share, warmup

    def on_train_begin(self, logs=None):
        """Prend sa part du temps ; note le taux d'apprentissage, le plus grand qu'il y aura."""
        super().on_train_begin(logs)
        self.limit_s = session.take(self.share, self.minutes)
        self.peak_rate = float(self.model.optimizer.learning_rate)

    def progress(self) -> float:
        """Rend la part faite, de 0 à 1 : celle des pas ou celle du temps, la plus grande."""
        return min(1.0, max(super().progress(), (time.monotonic() - self.start) / self.limit_s))

    def on_train_batch_begin(self, batch, logs=None):
        """Donne son taux d'apprentissage au pas qui vient."""
        done = self.progress()
        falling = (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup))) / 2
        step = 1 / (self.epochs * self.params["steps"])  # le premier pas apprend aussi
        share = min(1.0, (done + step) / self.warmup) if done < self.warmup else falling
        self.model.optimizer.learning_rate = self.peak_rate * share

    def on_train_batch_end(self, batch, logs=None):
        """Compte le pas, et arrête tout si le temps est passé."""
        super().on_train_batch_end(batch, logs)
        self.model.stop_training = self.model.stop_training or self.progress() >= 1

    def on_train_end(self, logs=None):
        """Note ce qui a été fait, et dit si le temps a manqué."""
        super().on_train_end(logs)
        done = self.epochs * super().progress()
        session.note_training(self.model.name, epochs=self.epochs, done=done)
        if done < self.epochs:
            print(f"{self.model.name} : le temps est passé, à l'époque {self.epoch}.", flush=True)


def format_duration(seconds: float) -> str:
    """Écrit une durée : `"45 s"`, `"5 min 20"`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02}" if minutes else f"{rest} s"


def run(body: Callable[[object], None], options) -> int:
    """Exécute une leçon, après avoir vérifié qu'elle pourra écrire ce qu'elle apprendra.

    Args:
        body: la leçon, `body(options)`.
        options: options de `cli.lesson_parser`.

    Returns:
        Le code de sortie : 0, ou celui d'une erreur, dite en une phrase (`cli.run`).
    """

    def checked() -> int:
        with session.opened(options):
            cli.check_writable(options.output or session.figures_dir(), "--output")
            cli.check_writable(paths.MODELS_DIR, "models/")
            cli.check_writable(paths.RUNS_DIR, "runs/")
            cli.check_writable(Path(tempfile.gettempdir()), "TMPDIR")
            body(options)
        return 0

    return cli.run(checked)


def split(dataset, *, limit: int | None, num_val: int) -> tuple:
    """Partage un jeu de données, toujours de la même façon.

    Args:
        dataset: `(x_train, y_train), (x_test, y_test)`.
        limit: images gardées de chacun ; None, toutes.
        num_val: images de validation, prises à celles d'entraînement : un dixième au plus.

    Returns:
        `x_train, y_train, x_val, y_val, x_test, y_test`.

    Raises:
        ValueError: moins de deux images.
    """
    (x, y), test = [(x[:limit], y[:limit]) for x, y in dataset]
    if len(x) < 2:
        raise ValueError("--limit 1 : il faut au moins deux images, dont une de validation.")
    num_val = min(num_val, max(1, len(x) // 10))
    kept, val = sources.split_validation(x, y, num_val=num_val, seed=0)
    return (*kept, *val, *test)


def round_weights(model: keras.Model) -> None:
    """Arrondit les poids d'un modèle, sur place : leur fichier est trois à cinq fois plus petit.

    C'est le modèle arrondi qui est mesuré ensuite : l'arrondi est compris dans ce qu'on publie.

    Args:
        model: modèle entraîné.
    """
    model.set_weights([saving.round_weight(weight) for weight in model.get_weights()])


def confusion_matrix(y_true: np.ndarray, y_pred: np.ndarray, num_classes: int) -> np.ndarray:
    """Compte les images de chaque classe vraie (ligne) par classe prédite (colonne).

    Args:
        y_true: classes vraies `(n,)`, entiers.
        y_pred: classes prédites `(n,)`, entiers.
        num_classes: nombre de classes.

    Returns:
        Matrice `(num_classes, num_classes)`, entiers ; sa somme vaut n.
    """
    pairs = num_classes * y_true.reshape(-1).astype(np.int64) + y_pred.reshape(-1)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def save(
    model: keras.Model, options, metrics: dict[str, float], *, light: bool = True, **fields
) -> reports.Report:
    """Enregistre ce qu'une leçon a appris, et dit où : `models/`, ou `runs/` si on l'a abrégée.

    Si le temps a manqué à un des réseaux, le compte rendu le dit et ne garde aucune comparaison.

    Args:
        model: modèle entraîné.
        options: options de `cli.lesson_parser` ; `saved` y est ajouté, le nom à donner à `--model`.
        metrics: mesures sur le jeu de test.
        light: False si rien ne lirait une version pour `./predict`.
        **fields: autres champs de `Report` ; un `headline` qui n'a pas été mesuré est retiré.

    Returns:
        Le compte rendu enregistré.

    Raises:
        OSError: dossier impossible à écrire.
    """
    now, folder = session.current(), session.models_dir()
    if not session.is_fair():
        metrics = {name: value for name, value in metrics.items() if not _compares(name)}
        fields["warning"] = session.UNFAIR.replace("\n", " ")
    fields["headline"] = [each for each in fields.get("headline", ()) if each.metric in metrics]
    report = reports.Report(
        command=" ".join([f"python -m {options.command}", *now.asked]),
        metrics={name: reports.Metric(value, None, 1) for name, value in metrics.items()},
        seeds=[0],
        duration_s=reports.Metric(now.elapsed_s(), None, 1),
        missing=now.missing,
        trainings=now.trainings,
        backend=keras.backend.backend(),
        num_parameters=int(model.count_params()),
        **fields,
    )
    exported = export.export_lesson(model) if light else None
    former = None if now.missing else _read_former(options.module)
    report = saving.save_model(model, options.module, report, export=exported, models_dir=folder)
    path = cli.shown_path(folder / options.module)
    shown = cli.shown_path(paths.MODELS_DIR / options.module)
    if now.missing:
        options.saved = str(path)
        if not session.is_fair():
            print(session.UNFAIR)
            print("Pour les comparer, donnez plus de temps à la leçon : --minutes N.")
        print(f"Leçon abrégée ({' ; '.join(now.missing)}).")
        print(f"Le modèle de {shown.parent}/ reste en place ; celui-ci est écrit à côté.")
    else:
        options.saved = options.module
        if former:
            _say_replacement(former, report)
    print(f"Poids : {path}.keras", flush=True)
    return report


def _say_replacement(former: reports.Report, report: reports.Report) -> None:
    """Dit ce que valent l'ancien modèle et le nouveau, par une mesure qu'ils ont tous deux."""
    common = [each for each in report.headline if each.metric in former.metrics]
    for title, each in (("Modèle remplacé", former), ("Modèle qui le remplace", report)):
        shown = dataclasses.replace(each, headline=common or each.headline)
        print(f"{title} : {reports.format_result(shown)}.")


def _compares(metric: str) -> bool:
    """Dit si une mesure compare deux réponses, au lieu d'en mesurer une."""
    return not COMPARING.isdisjoint(metric.split("_"))


def _read_former(slug: str) -> reports.Report | None:
    """Lit le compte rendu du modèle qui va être remplacé ; None s'il n'y en a pas de lisible."""
    try:
        return reports.load_report(paths.MODELS_DIR / f"{slug}.json")
    except (OSError, ValueError):
        return None


def load_saved(options) -> keras.Model:
    """Charge le modèle que nomme `--model`, ou celui que la leçon a enregistré dans `models/`.

    Args:
        options: options de `cli.lesson_parser`, après `cli.add_model_option`.

    Raises:
        FileNotFoundError: modèle absent.
        ValueError: compte rendu qui ne correspond pas aux poids.
    """
    path = saved_path(options)
    return saving.load_model(path.name, models_dir=path.parent)


def saved_path(options) -> Path:
    """Rend le chemin, sans leur fin, des fichiers du modèle de `load_saved`."""
    path = options.model or paths.MODELS_DIR / options.module
    return path.with_suffix("") if path.suffix in paths.SUFFIXES else path


def read_picture(path: str, model: keras.Model, learned: str) -> np.ndarray:
    """Lit une image pour le réseau d'une leçon ; dit si elle n'est pas de celles qu'il a apprises.

    Une leçon apprend d'images d'une seule taille, toutes grises ou toutes en couleurs. Une image
    d'une autre taille, ou en couleurs quand il n'en a pas vu, n'en est pas une.

    Args:
        path: l'image.
        model: le réseau, dont l'entrée est `(h, w)` ou `(h, w, 3)`.
        learned: ce qu'il a appris, par exemple `"une scène composée par cet exercice"`.

    Returns:
        L'image, uint8, de la forme que le réseau attend.

    Raises:
        FileNotFoundError, ValueError: image absente ou illisible.
    """
    # Ce qui lit n'importe quelle image ne sert qu'ici : une leçon qui apprend ne le charge pas.
    from convnets.core.images import open_image
    from convnets.serving.classifier import frame
    from convnets.serving.images import is_grey

    shape = model.input_shape[1:]
    image, (height, width) = open_image(path), shape[:2]
    is_colored = len(shape) == 2 and not is_grey(image)
    if image.size != (width, height) or is_colored:
        given = f"de {image.width} × {image.height} pixels{' et en couleurs' * is_colored}"
        wanted = f"de {width} × {height} pixels{' et en gris' * (len(shape) == 2)}"
        print(
            f"Cette image, {given}, n'est pas {learned}, {wanted}. Ce réseau ne connaît rien "
            "d'autre : ce qui suit n'y veut rien dire."
        )
    return frame(image, shape)


def command_for(options) -> str:
    """Rend la commande qui se sert du modèle que la leçon vient d'enregistrer.

    Returns:
        `"python -m exercises.ex17_detection"`, suivi de `--model` si la leçon a été abrégée.
    """
    model = "" if options.saved == options.module else f" --model {options.saved}"
    return f"python -m {options.command}{model}"


def save_classifier(
    model: keras.Model,
    options,
    *,
    history: dict[str, list[float]],
    val: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    classes: Sequence[str],
    classes_fr: Sequence[str],
    metrics: dict[str, float] | None = None,
    **fields,
) -> reports.Report:
    """Arrondit les poids d'un classifieur, l'enregistre pour `./predict`, et dit ce qu'il vaut.

    Sa confiance est étalonnée sur la validation.
    Huit paramètres : chacun va dans le compte rendu, et la leçon le nomme.

    Args:
        model: images uint8 → probabilités `(n, classes)` ; ses poids sont arrondis sur place.
        options: options de `cli.lesson_parser`.
        history: courbes rendues par `fit`.
        val: images de validation et leurs classes.
        test: images de test et leurs classes.
        classes: noms anglais des classes.
        classes_fr: noms français, dans le même ordre.
        metrics: ce qui a été mesuré de plus que l'exactitude.
        **fields: autres champs de `Report`.

    Returns:
        Le compte rendu enregistré.
    """
    round_weights(model)
    val_found, found = (model.predict(x, batch_size=500, verbose=0) for x, _ in (val, test))
    y = test[1].reshape(-1)
    accuracy = float(np.mean(found.argmax(1) == y))
    report = save(
        model,
        options,
        {"accuracy": accuracy, **(metrics or {})},
        history=history,
        num_images={"val": len(val[0]), "test": len(test[0])},
        input_shape=list(test[0].shape[1:]),
        classes=list(classes),
        classes_fr=list(classes_fr),
        confusion_matrix=confusion_matrix(y, found.argmax(1), len(classes)).tolist(),
        calibration={"temperature": calibration.fit_temperature(val_found, val[1])},
        **fields,
    )
    print(f"Exactitude sur le jeu de test : {cli.percent(accuracy)} ({len(y)} images).")
    print(f"Pour s'en servir : ./predict --model {options.saved} image.png", flush=True)
    return report
