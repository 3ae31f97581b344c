"""Ce qui entoure `model.fit` : lots augmentés, graines, reprise, mesure sur plusieurs graines.

Rien ici n'est propre à TensorFlow : ces fonctions marchent sur tout moteur de Keras 3.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from convnets.core import files
from convnets.core.cli import training_command
from convnets.datasets import sources
from convnets.serving import calibration
from convnets.training import distribution, saving
from convnets.training import export as storage
from convnets.training.precision import choose_precision

# XLA ralentit TensorFlow de deux à quatre fois sur un processeur ; JAX ne va pas sans.
JIT_COMPILE = keras.backend.backend() == "jax"
Augment = Callable[..., np.ndarray]  # augment(images, *, indices, epoch, rng) -> images


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
                f"{len(x)} images ne font pas un lot de {batch_size} : "
                "donnez plus d'images ou réduisez la taille du lot."
            )
        self.rank = distribution.rank()
        if batch_size % self.rank.count:
            raise ValueError(
                f"Un lot de {batch_size} images ne se partage pas entre {self.rank.count} "
                "processus : donnez un multiple à --batch-size."
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
        signature: ce qui identifie l'entraînement (recette, données, graine).
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
        suffix = files.own_suffix()
        with files.replacing(self.path, suffix=suffix) as temporary, open(temporary, "wb") as file:
            np.savez(file, state=json.dumps(state), **arrays)


def _state_variables(model: keras.Model) -> list:
    return [*model.variables, *model.optimizer.variables]


def _restore(model: keras.Model, path: Path, signature: str) -> tuple[int, dict]:
    with np.load(path, allow_pickle=False) as file:
        state = json.loads(str(file["state"]))
        if state["signature"] != signature:
            raise ValueError(
                f"{path} vient d'un autre entraînement ({state['signature']}), "
                f"celui-ci est {signature}. Relancez sans --resume, ou avec les mêmes options."
            )
        model.optimizer.build(model.trainable_variables)
        for i, variable in enumerate(_state_variables(model)):
            variable.assign(file[f"v{i:04}"])
    return state["epoch"], state["history"]


def _settings(optimizer: keras.optimizers.Optimizer) -> str:
    """Rend huit chiffres hexadécimaux, ceux d'une empreinte du taux, de son calendrier, etc."""
    config = {name: value for name, value in optimizer.get_config().items() if name != "name"}
    text = json.dumps(config, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def fit(
    model: keras.Model,
    batches: Batches,
    *,
    epochs: int,
    checkpoint: Path,
    resume: bool = False,
    **fit_options,
) -> dict[str, list[float]]:
    """Appelle `model.fit` avec un point de reprise à chaque époque.

    Args:
        model: modèle compilé.
        batches: lots d'entraînement.
        epochs: nombre total d'époques, celles d'avant la coupure comprises.
        checkpoint: fichier du point de reprise.
        resume: repartir de ce fichier s'il existe ; sinon, du début.
        **fit_options: `validation_data`, `callbacks`, `verbose`… de `fit`.

    Returns:
        Courbes `{"loss": [...], "val_accuracy": [...], ...}`, une valeur par époque.

    Raises:
        ValueError: le point de reprise vient d'un autre entraînement.
    """
    signature = (
        f"{model.name}, {epochs} époques, {len(batches.x)} images par lots de "
        f"{batches.batch_size}, {model.dtype_policy.name}, graine {batches.seed}, réglages de la "
        f"descente {_settings(model.optimizer)}"
    )
    first_epoch, history = 0, {}
    if resume and Path(checkpoint).exists():
        first_epoch, history = _restore(model, Path(checkpoint), signature)
    distribution.check_same("époque de reprise et entraînement", f"{first_epoch}, {signature}")
    if "validation_data" in fit_options:
        fit_options["validation_data"] = distribution.share(*fit_options["validation_data"])
    callbacks = [
        _FollowEpoch(batches),
        *fit_options.pop("callbacks", []),
        Checkpoint(checkpoint, history, signature),
    ]
    if first_epoch < epochs:
        # shuffle=False : les lots sont déjà mélangés, et Keras tirerait leur ordre d'un hasard
        # global qu'une reprise ne retrouve pas.
        model.fit(
            batches,
            epochs=epochs,
            initial_epoch=first_epoch,
            callbacks=callbacks,
            shuffle=False,
            **fit_options,
        )
    return history


def build(build_model: Callable[[], keras.Model], *, seed: int, precision: str) -> keras.Model:
    """Construit un modèle à entraîner : poids tirés de la graine, calculs à la précision voulue.

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
    """Copie les poids d'un réseau entraîné dans celui qu'on livre, arrondis à 16 bits.

    Args:
        network: réseau entraîné, à une précision quelconque.
        shipped: réseau de mêmes poids, qui calcule en float32 ; modifié sur place.

    Returns:
        `shipped`. Ses poids sont en float32 ; leur fichier, compressé, est deux fois plus petit.
    """
    shipped.set_weights([weight.astype("float16") for weight in network.get_weights()])
    return shipped


def random_crop(images: np.ndarray, *, pad: int, rng: np.random.Generator) -> np.ndarray:
    """Translate chaque image de -pad à +pad pixels, les bords prolongés par réflexion.

    Args:
        images: `(n, h, w, c)`.
        pad: décalage maximal, en pixels.
        rng: générateur aléatoire.

    Returns:
        Images de même forme et de même type.
    """
    n, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    rows, columns = rng.integers(0, 2 * pad + 1, (2, n))
    return windows[np.arange(n), rows, columns].transpose(0, 2, 3, 1)  # (n, h, w, c)


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


def summarise(values: Sequence[float]) -> dict:
    """Résume une mesure faite sur plusieurs graines.

    Args:
        values: une valeur par graine.

    Returns:
        `{"mean", "sd", "n", "values"}` ; l'écart-type est celui d'un échantillon
        (n-1 au dénominateur), `None` quand il n'y a qu'une valeur.
    """
    values = [float(value) for value in values]
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "sd": sd, "n": len(values), "values": values}


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
) -> int:
    """Mesure un exercice : entraîne une fois par graine, garde le meilleur, écrit le compte rendu.

    Le jeu de validation est retiré de l'entraînement, le même pour toutes les graines ; lui
    seul choisit le modèle livré. Le jeu de test n'est lu qu'une fois par graine, à la fin.

    Args:
        options: options de `cli.training_parser`.
        dataset: `(x_train, y_train), (x_test, y_test)`.
        num_val: images de validation (un dixième au plus quand `--limit` réduit le jeu).
        train: `train(x_train, y_train, x_val, y_val, seed=, options=)` → modèle, courbes.
        evaluate: `evaluate(model, x, y)` → mesures, dont `accuracy` et `probabilities`.
        classes: noms anglais des classes.
        classes_fr: noms français, dans le même ordre.
        on_saved: `on_saved(options, report, x_test, y_test, probabilities)` montre le résultat.
        describe: `describe(runs)` rend ce que l'exercice ajoute au compte rendu ; `runs` a, par
            graine, `model`, `history`, `val` et `test`. Si `options.command` existe, elle remplace
            `options.module` dans la commande du compte rendu.
        assemble: quand ce qui est livré n'est pas seulement ce qui apprend,
            `assemble(model, num_val)` rend `(modèle à livrer, x_val, x_test)`, ses images.

    Returns:
        0, le code de sortie.
    """
    (x, y), (x_test, y_test) = [(x[: options.limit], y[: options.limit]) for x, y in dataset]
    num_val = min(num_val, max(1, len(x) // 10))
    (x_train, y_train), (x_val, y_val) = sources.split_validation(x, y, num_val=num_val, seed=0)
    runs = []
    for seed in range(options.seeds):
        print(f"Graine {seed} : {len(x_train)} images, {options.epochs} époques.", flush=True)
        trained, history = train(x_train, y_train, x_val, y_val, seed=seed, options=options)
        trained = distribution.local_copy(trained)
        with distribution.alone():
            val, test = evaluate(trained, x_val, y_val), evaluate(trained, x_test, y_test)
        figures = ", ".join(f"{k} {v:.4f}" for k, v in test.items() if k.startswith("accuracy"))
        print(f"Graine {seed} : validation {val['accuracy']:.4f} ; test : {figures}", flush=True)
        runs.append({"model": trained, "history": history, "val": val, "test": test})
    if not distribution.rank().writes:
        return 0
    best = max(range(len(runs)), key=lambda seed: runs[seed]["val"]["accuracy"])
    model, val, test = (runs[best][key] for key in ("model", "val", "test"))
    y_pred = test["probabilities"].argmax(1)
    if assemble:
        model, x_val, x_test = assemble(model, num_val)
    export = storage.choose_export(model, x_val, y_val)
    names = [name for name in test if name != "probabilities"]
    report = {
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
    if distribution.rank().count > 1:
        report["num_processes"] = distribution.rank().count
    if len(model.outputs) == 1:
        report["export_accuracy"] = storage.export_accuracy(export[0], x_test, y_test)
    folder, reason = saving.save_model(
        model,
        options.module,
        report,
        export=export,
        models_dir=options.models_dir,
        force=options.force,
    )
    if reason:
        print(reason)
    print(f"Modèle écrit dans {folder}/{options.module}.keras (graine {best}).")
    on_saved(options, report, x_test, y_test, test["probabilities"])
    return 0
