"""Ce qui entoure `model.fit` : lots augmentés, graines, reprise, mesure sur plusieurs graines.

Rien ici n'est propre à TensorFlow : ces fonctions marchent sur tout moteur de Keras 3.
"""

import contextlib
import hashlib
import json
import logging
import os
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from convnets.core import files, paths
from convnets.core.cli import agreed, check_output, percent, training_command
from convnets.core.reports import Report, summarise
from convnets.datasets import sources
from convnets.serving import calibration
from convnets.training import budget, distribution, progress, result, saving
from convnets.training import export as exports
from convnets.training.augmentation import random_crop  # noqa: F401 (study.random_crop)
from convnets.training.lesson import confusion_matrix
from convnets.training.precision import choose_precision

# TensorFlow s'inquiète, en anglais, d'un graphe par réseau ou par graine : c'est voulu.
logging.getLogger("tensorflow").setLevel(logging.ERROR)

# XLA ralentit TensorFlow de deux à quatre fois sur un processeur ; JAX ne va pas sans.
JIT_COMPILE = keras.backend.backend() == "jax"
Augment = Callable[..., np.ndarray]  # augment(images, *, indices, epoch, rng) -> images
PROBED = 500  # images dont une répétition chronomètre la mesure


class Batches(keras.utils.PyDataset):
    """Lots mélangés et augmentés, fonction de la seule graine et du numéro d'époque.

    Le lot `k` de l'époque `e` est toujours le même : un entraînement repris après une
    coupure revoit exactement les images qu'il aurait vues sans elle. Le dernier lot,
    incomplet, est laissé de côté (le mélange change d'une époque à l'autre). À plusieurs processus
    (`distribution`), chacun n'augmente et ne rend que sa part du même lot.

    Args:
        x: images `(n, ...)`, uint8.
        y: étiquettes, `(n,)` ou `(n, classes)`.
        batch_size: images par lot, au plus n.
        seed: graine du mélange et de l'augmentation.
        augment: `augment(images, indices=, epoch=, rng=)`, ou None.

    Raises:
        ValueError: moins d'images que `batch_size`, ou lot qui ne se partage pas en parts égales.
    """

    def __init__(
        self, x: np.ndarray, y: np.ndarray, *, batch_size: int, seed: int, augment: Augment | None
    ):
        super().__init__()
        if len(x) < batch_size:
            raise ValueError(
                f"{agreed(len(x), 'image ne fait', 'images ne font')} pas un lot de {batch_size} : "
                "donnez plus d'images ou réduisez la taille du lot."
            )
        self.rank = distribution.rank()
        if batch_size % self.rank.count:
            raise ValueError(
                f"Un lot de {agreed(batch_size, 'image')} ne se partage pas entre "
                f"{self.rank.count} processus : donnez un multiple à --batch-size."
            )
        self.x, self.y, self.batch_size, self.seed, self.augment = x, y, batch_size, seed, augment
        self.epoch = 0
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, int))

    def __len__(self) -> int:
        """Nombre de lots complets d'une époque."""
        return len(self.x) // self.batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Rend le lot `index` de l'époque courante."""
        if self._order[0] != self.epoch:
            rng = np.random.default_rng([self.seed, self.epoch])
            self._order = (self.epoch, rng.permutation(len(self.x)))
        indices = self._order[1][index * self.batch_size : (index + 1) * self.batch_size]
        indices = indices[self.rank.index :: self.rank.count]
        images = self.x[indices]
        if self.augment:
            own = [self.rank.index] if self.rank.count > 1 else []
            rng = np.random.default_rng([self.seed, self.epoch, index, *own])
            images = self.augment(images, indices=indices, epoch=self.epoch, rng=rng)
        return images, self.y[indices]


class _FollowEpoch(keras.callbacks.Callback):
    """Dit aux lots quelle époque commence (utile quand on reprend au milieu)."""

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch


class Checkpoint(keras.callbacks.Callback):
    """Enregistre à chaque époque de quoi reprendre : variables, optimiseur, courbes.

    Un seul fichier, écrit à côté puis renommé : une coupure pendant l'écriture laisse
    l'état de l'époque précédente intact.

    Args:
        path: fichier `.npz` du point de reprise.
        history: courbes déjà tracées, complétées sur place à chaque époque.
        signature: ce qui identifie l'entraînement (réseau, nombre d'images, réglages, graine).
    """

    def __init__(self, path: Path, history: dict[str, list[float]], signature: str):
        super().__init__()
        self.path, self.history, self.signature = Path(path), history, signature
        self._epoch_start = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        """Note l'heure."""
        self._epoch_start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Complète les courbes et écrit le point de reprise."""
        duration_s = time.monotonic() - self._epoch_start
        for name, value in {**(logs or {}), "duration_s": duration_s}.items():
            self.history.setdefault(name, []).append(float(value))
        if not distribution.rank().writes:
            return
        state = {"epoch": epoch + 1, "history": self.history, "signature": self.signature}
        arrays = {
            f"v{i:04}": np.asarray(keras.ops.convert_to_numpy(v))
            for i, v in enumerate(_state_variables(self.model))
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        files.remove_stale(self.path.parent)
        replacing = files.replacing(self.path, suffix=files.own_suffix())
        with files.hold_interrupts(), replacing as temporary, open(temporary, "wb") as file:
            np.savez(file, state=json.dumps(state), **arrays)


class ProcessorClock(keras.callbacks.Callback):
    """Ajoute aux courbes `cpu_s`, le temps de processeur d'une époque, sans sa validation."""

    def on_epoch_begin(self, epoch, logs=None):
        """Note l'heure du processeur."""
        self.start = time.process_time()

    def on_test_begin(self, logs=None):
        """Arrête le compte : la validation ne fait pas partie du budget."""
        self.cpu_s = time.process_time() - self.start

    def on_epoch_end(self, epoch, logs=None):
        """Range la durée avec les autres mesures de l'époque."""
        logs["cpu_s"] = self.cpu_s


def _state_variables(model: keras.Model) -> list:
    return [*model.variables, *model.optimizer.variables]


def _restore(model: keras.Model, path: Path, signature: str) -> tuple[int, dict]:
    with open(path, "rb") as file:
        try:
            saved = dict(np.load(file, allow_pickle=False))
            state = json.loads(str(saved["state"]))
            found, epoch = str(state["signature"]), int(state["epoch"])
            history = {name: [*map(float, curve)] for name, curve in state["history"].items()}
        except Exception as error:  # de toute sorte, selon ce que contient le fichier
            raise _damaged(path) from error
    if found != signature:
        raise ValueError(
            f"{path} vient d'un autre entraînement ({found}), "
            f"celui-ci est {signature}. Relancez sans --resume, ou avec les mêmes options."
        )
    model.optimizer.build(model.trainable_variables)
    variables = _state_variables(model)
    arrays = [saved.get(f"v{i:04}") for i in range(len(variables))]
    shapes = [getattr(array, "shape", None) for array in arrays]
    if shapes != [tuple(variable.shape) for variable in variables]:
        raise _damaged(path)
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return epoch, history


def _damaged(path: Path) -> ValueError:
    return ValueError(
        f"Le point de reprise {path} est abîmé. Effacez-le et relancez avec --resume : seul "
        "l'entraînement qu'il gardait repart du début."
    )


def _settings(optimizer: keras.optimizers.Optimizer) -> str:
    """Rend huit chiffres hexadécimaux, ceux d'une empreinte du taux, de son calendrier, etc."""
    config = {name: value for name, value in optimizer.get_config().items() if name != "name"}
    text = json.dumps(config, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def feed(batches: Batches):
    """Rend ce que lit `model.fit` : les mêmes lots, préparés sans le réglage de TensorFlow.

    Quand il règle seul ses lectures, il attend parfois quarante secondes à la fin d'une époque.

    Args:
        batches: lots d'entraînement.

    Returns:
        Un `tf.data.Dataset` avec TensorFlow ; `batches` avec un autre moteur.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    dataset = tf.data.Dataset.from_generator(
        lambda: (batches[index] for index in range(len(batches))),
        output_signature=keras.tree.map_structure(  # plusieurs entrées ou sorties : leurs noms
            lambda part: tf.TensorSpec(part.shape, part.dtype), batches[0]
        ),
    )
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(2)
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def fit(
    model: keras.Model,
    batches: Batches,
    *,
    options=None,
    network: str = "",
    epochs: int | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    **fit_options,
) -> dict[str, list[float]]:
    """Appelle `model.fit`, avec un point de reprise à chaque époque et une ligne qui le suit.

    Dans une répétition (`budget`), quelques pas seulement, sans point de reprise.

    Args:
        model: modèle compilé.
        batches: lots d'entraînement.
        options: options de `cli.training_parser` ; elles disent les trois valeurs qui suivent.
        network: lequel des réseaux de l'exercice, s'il en entraîne plusieurs.
        epochs: nombre total d'époques, celles d'avant la coupure comprises.
        checkpoint: fichier du point de reprise.
        resume: repartir de ce fichier s'il existe ; sinon, du début.
        **fit_options: `validation_data`, `callbacks`… de `fit` ; `verbose` vaut 0, la barre de
            Keras ferait double emploi.

    Returns:
        Courbes `{"loss": [...], "val_accuracy": [...], ...}`, une valeur par époque.

    Raises:
        ValueError: le point de reprise vient d'un autre entraînement.
    """
    if options is not None:
        epochs, resume = options.epochs, options.resume
        checkpoint = paths.checkpoint_path(options, batches.seed, network=network)
    signature = (
        f"{model.name}, {agreed(epochs, 'époque')}, {agreed(len(batches.x), 'image')} par lots de "
        f"{batches.batch_size}, {model.dtype_policy.name}, graine {batches.seed}, réglages de la "
        f"descente {_settings(model.optimizer)}"
    )
    first_epoch, history, rehearsal = 0, {}, budget.current()
    if resume and not rehearsal and Path(checkpoint).exists():
        first_epoch, history = _restore(model, Path(checkpoint), signature)
        progress.say(f"Reprise après l'époque {first_epoch}.")
    distribution.check_same("époque de reprise et entraînement", f"{first_epoch}, {signature}")
    validation = 0.0  # son coût en époques : une passe sans gradient est trois fois plus courte
    if "validation_data" in fit_options:
        validation = len(fit_options["validation_data"][0]) / len(batches.x) / 3
        fit_options["validation_data"] = distribution.share(*fit_options["validation_data"])
    callbacks = [_FollowEpoch(batches), *fit_options.pop("callbacks", [])]
    # shuffle=False : les lots sont déjà mélangés, et Keras tirerait leur ordre d'un hasard
    # global qu'une reprise ne retrouve pas.
    fit_options = {"verbose": 0, "shuffle": False, "validation_batch_size": 500, **fit_options}
    if rehearsal:
        return rehearsal.fit(model, batches, epochs=epochs, callbacks=callbacks, **fit_options)
    with progress.follow() as line:
        line.begin(
            model.name,
            epochs=epochs,
            steps=len(batches),
            first_epoch=first_epoch,
            spent_s=sum(history.get("duration_s", [])),
            validation=validation,
        )
        if first_epoch < epochs:
            model.fit(
                feed(batches),
                epochs=epochs,
                initial_epoch=first_epoch,
                callbacks=[
                    *callbacks,
                    Checkpoint(checkpoint, history, signature),
                    progress.Reporter(line),
                ],
                **fit_options,
            )
    return history


def build(build_model: Callable[[], keras.Model], *, seed: int, precision: str) -> keras.Model:
    """Construit un modèle à entraîner : poids tirés de la graine, calculs au format voulu.

    Args:
        build_model: fonction de l'exercice, sans argument.
        seed: graine des poids initiaux, du dropout et de tout hasard global.
        precision: voir `precision.choose_precision`.

    Returns:
        Le modèle ; ses poids sont toujours en float32.
    """
    policy = choose_precision(precision)
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(policy)
    try:
        return build_model()
    finally:
        keras.config.set_dtype_policy("float32")


def to_ship(network: keras.Model, shipped: keras.Model) -> keras.Model:
    """Copie les poids d'un réseau entraîné dans celui qu'on livre, arrondis : `round_weight`.

    Args:
        network: réseau entraîné, dans un format quelconque.
        shipped: réseau de mêmes poids, qui calcule en float32 ; modifié sur place.

    Returns:
        `shipped`. C'est lui qui est mesuré : l'arrondi est compris dans ce qu'on publie.
    """
    shipped.set_weights([saving.round_weight(weight) for weight in network.get_weights()])
    return shipped


def run_seeds(
    options,
    *,
    dataset,
    num_val: int,
    train,
    evaluate,
    classes,
    classes_fr,
    on_saved,
    describe=None,
    assemble=None,
    keep: Callable[[keras.Model], keras.Model] = lambda model: model,
    stages: int | Sequence[float] = 1,
    slug: str | None = None,
    command: str | None = None,
    shown: result.Shown = result.ACCURACY,
) -> int:
    """Mesure un exercice : entraîne une fois par graine, garde le meilleur, écrit le compte rendu.

    Le jeu de validation est retiré de l'entraînement, le même pour toutes les graines ; lui
    seul choisit le modèle livré. Le jeu de test n'est lu qu'une fois par graine, à la fin. À
    plusieurs processus (`distribution`), chacun appelle cette fonction ; un seul écrit.

    Args:
        options: options de `cli.training_parser`.
        dataset: `(x_train, y_train), (x_test, y_test)`.
        num_val: images de validation (un dixième au plus quand `--limit` réduit le jeu).
        train: `train(x_train, y_train, x_val, y_val, seed=, options=)` → modèle, courbes.
        evaluate: `evaluate(model, x, y)` → mesures, dont `accuracy` et `probabilities`.
        classes: noms anglais des classes.
        classes_fr: noms français, dans le même ordre.
        on_saved: `on_saved(options, report, x_test, y_test, probabilities)` montre le résultat ;
            `options.models_dir` y est le dossier où le modèle vient d'être écrit.
        describe: `describe(runs)` rend les champs de `Report` que l'exercice ajoute ou
            remplace, dont `headline` et `details` ; `runs` a, par graine, `model`, `history`,
            `val` et `test`.
        assemble: quand ce qui est livré n'est pas seulement ce qui apprend,
            `assemble(model, num_val)` rend `(modèle à livrer, x_val, x_test)`, ses images.
        keep: `keep(model)` rend la partie qui est enregistrée ; tout le modèle, sans elle.
        stages: combien de fois `train` appelle `fit`, ou le coût de chaque fois.
        slug: nom du modèle et de son compte rendu, si ce n'est pas `options.module`.
        command: ce que lance `python -m exercises.`, si ce n'est pas `options.command`.
        shown: la mesure que disent les dernières lignes.

    Returns:
        0, le code de sortie.

    Raises:
        ValueError: les figures, écrites à la fin, ne pourraient pas l'être ; ou bien TensorFlow
            n'est pas installé, et ce modèle ne pourrait pas être exporté ailleurs.
    """
    check_output(options)
    exports.check_tensorflow(movable=assemble is None)
    named = {"module": slug, "command": command}
    options = Namespace(**vars(options) | {name: text for name, text in named.items() if text})
    with distribution.start(options):
        options = fit_to_minutes(
            options,
            lambda given: _rehearse_seed(
                split(dataset, limit=given.limit, num_val=num_val), train, evaluate, given
            ),
            num_images=len(dataset[0][0][: options.limit]),
            stages=stages,
        )
        splits = split(dataset, limit=options.limit, num_val=num_val)
        x_train, y_train, x_val, y_val, x_test, y_test = splits
        runs = []
        with progress.follow(seeds=options.seeds, stages=stages, options=options):
            for seed in range(options.seeds):
                start = time.monotonic()
                trained, history = train(x_train, y_train, x_val, y_val, seed=seed, options=options)
                # Un `model.fit` sans `study.fit` : l'objet qu'il rend, ou ses courbes sans durée.
                history = dict(getattr(history, "history", history))
                history.setdefault("duration_s", [time.monotonic() - start])
                trained = distribution.local_copy(trained)
                with distribution.alone():
                    val, test = evaluate(trained, x_val, y_val), evaluate(trained, x_test, y_test)
                runs.append({"model": trained, "history": history, "val": val, "test": test})
                if options.seeds > 1:
                    progress.say(
                        f"Graine {seed} : exactitude {percent(val['accuracy'])} en validation ; "
                        f"{result.format_test(test, shown)}."
                    )
        if not distribution.rank().writes:
            return 0
        num_processes = distribution.rank().count
    best = max(range(len(runs)), key=lambda seed: runs[seed]["val"]["accuracy"])
    model, val, test = (runs[best][key] for key in ("model", "val", "test"))
    y_pred = test["probabilities"].argmax(1)
    if assemble:
        model, x_val, x_test = assemble(model, len(x_val))
    model = keep(model)
    names = [name for name in test if name != "probabilities"]
    published = result.published(options.module)
    found = {
        "command": training_command(options),
        "metrics": {name: summarise([run["test"][name] for run in runs]) for name in names},
        "shipped": {"seed": best, **{name: test[name] for name in names}},
        "calibration": calibration.calibrate(
            val["probabilities"], y_val, test["probabilities"], y_test
        ),
        "score": val["accuracy"],
        "validation": summarise([run["val"]["accuracy"] for run in runs]),
        "seeds": list(range(options.seeds)),
        "duration_s": summarise([sum(run["history"]["duration_s"]) for run in runs]),
        "precision": choose_precision(options.precision),
        "backend": keras.backend.backend(),
        "num_parameters": int(model.count_params()),
        "num_images": {"train": len(x_train), "val": len(x_val), "test": len(x_test)},
        "data_sha256": sources.dataset_sha256(dataset),
        "input_shape": list(x_val.shape[1:]),
        "classes": list(classes),
        "classes_fr": list(classes_fr),
        "confusion_matrix": confusion_matrix(y_test, y_pred, len(classes)).tolist(),
        "history": runs[best]["history"],
        **(describe(runs) if describe else {}),
    }
    report = Report(**found)
    if num_processes > 1:
        report.num_processes = num_processes
    reason = use = None
    if exports.can_export():
        folder, reason = export_and_save(
            model,
            options.module,
            report,
            val=(x_val, y_val),
            test=(x_test, y_test),
            models_dir=options.models_dir,
            force=options.force,
        )
    else:
        folder = saving.save_weights(model, options.module, report, models_dir=options.models_dir)
        use = f"python -m recipes.export {result.display(folder)}"
    written = Namespace(**vars(options) | {"models_dir": folder})
    on_saved(written, report, x_test, y_test, test["probabilities"])
    result.tell(written, report, reason=reason, published=published, shown=shown, use=use)
    return 0


def export_and_save(
    model, slug: str, report: Report, *, val: tuple, test: tuple, models_dir: Path, force: bool
) -> tuple[Path, str | None]:
    """Exporte un modèle, mesure son export et enregistre tout ; voir `saving.save_model`.

    Args:
        model: voir `saving.save_model`.
        slug: de même.
        report: de même ; l'exactitude de l'export y est notée, s'il n'a qu'une sortie.
        val: images de validation et leurs classes, qui choisissent le format de l'export.
        test: les mêmes, de test.
        models_dir: voir `saving.save_model`.
        force: de même.

    Returns:
        `(dossier, raison)`, voir `saving.save_model`.
    """
    export = exports.choose_export(model, *val)
    if len(model.outputs) == 1:
        report.export_accuracy = exports.export_accuracy(export[0], *test)
    return saving.save_model(model, slug, report, export=export, models_dir=models_dir, force=force)


def fit_to_minutes(
    options, rehearse: Callable[..., float], *, num_images: int, stages: int | Sequence[float] = 1
):
    """Rend les options d'un entraînement qui tient dans `--minutes` ; les mêmes sans elle.

    Args:
        options: options de `cli.training_parser`.
        rehearse: `rehearse(options)` fait une graine, ses `fit` écourtés ; rend les secondes que,
            hors d'eux, cette graine prendra en plus dans l'entraînement : la mesure finale.
        num_images: images dont on dispose, validation comprise.
        stages: combien de fois une graine appelle `fit`, ou le coût de chaque fois.

    Returns:
        Des options où `epochs`, et `limit` si même une époque n'y tient pas, sont choisis.

    Raises:
        ValueError: temps trop court, ou plusieurs processus, qui ne mesureraient pas la même chose.
    """
    if not getattr(options, "minutes", None):
        return options
    if distribution.rank().count > 1:
        raise ValueError("--minutes ne va pas à plusieurs processus : donnez --epochs.")
    print("Vitesse de cette machine : quelques pas pour la mesurer.", flush=True)

    def quietly() -> float:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            with contextlib.redirect_stdout(nowhere):
                return rehearse(options)

    plan = budget.make(
        options,
        quietly,
        num_images=num_images,
        stages=stages if isinstance(stages, int) else len(stages),
        path=paths.runs_dir(options.module, models_dir=options.models_dir) / "plan.json",
    )
    print(budget.describe(plan, options, num_images=num_images), flush=True)
    return Namespace(
        **vars(options) | {"epochs": plan.epochs, "limit": plan.limit or options.limit}
    )


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


def _rehearse_seed(splits: tuple, train, evaluate, options) -> float:
    x_train, y_train, x_val, y_val, x_test, _ = splits
    model, _ = train(x_train, y_train, x_val, y_val, seed=0, options=options)
    x, y = x_val[:PROBED], y_val[:PROBED]
    evaluate(model, x, y)  # la première fois prépare les calculs
    start = time.monotonic()
    evaluate(model, x, y)
    each_s = time.monotonic() - start
    return each_s * ((len(x_val) + len(x_test)) / len(x) - 1)  # une fois vient d'être faite
