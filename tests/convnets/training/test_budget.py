"""`--minutes` : le plan tient dans le temps donné, et l'entraînement est celui de `--epochs`."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from convnets.training import budget
from convnets.training.budget import Plan, Stage


def cost_s(stages, plan, *, seeds, other_s, spent_s, num_images):
    """Ce que prend vraiment un plan."""
    share = (plan.limit or num_images) / num_images
    each = sum(
        stage.setup_s + plan.epochs * share * stage.factor * stage.epoch_s for stage in stages
    )
    return spent_s + seeds * (each + other_s)


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_fills_its_minutes_without_exceeding_them(seed):
    rng = np.random.default_rng(seed)
    stages = [
        Stage(rng.uniform(0, 5), rng.uniform(1, 9), 100, rng.choice([1, 3]))
        for _ in range(rng.integers(1, 4))
    ]
    known = {
        "seeds": int(rng.integers(1, 4)),
        "other_s": rng.uniform(0, 10),
        "spent_s": rng.uniform(5, 20),
        "num_images": 50_000,
    }
    plan = budget.choose(stages, given_s=1200, **known)
    assert plan.limit is None and plan.epochs > 1
    assert cost_s(stages, plan, **known) <= 1200
    more = plan._replace(epochs=plan.epochs + 1)  # une époque de plus n'y tiendrait pas
    assert cost_s(stages, more, **known) > budget.SPARED * 1200


def test_less_than_an_epoch_takes_fewer_images():
    known = {"seeds": 1, "other_s": 20.0, "spent_s": 10.0, "num_images": 60_000}
    stages = [Stage(10.0, 600.0, 400)]
    plan = budget.choose(stages, given_s=180, **known)
    assert plan.epochs == 1 and 10_000 < plan.limit < 15_000
    assert 0.9 * 180 < cost_s(stages, plan, **known) <= 180
    text = budget.describe(plan, SimpleNamespace(minutes=3, seeds=1), num_images=60_000)
    assert text == (
        f"En 3 minutes, une époque entière ne tient pas : une seule, sur {plan.limit} images des "
        "60000."
    )


def test_too_short_a_time_says_how_long_is_enough():
    known = {"seeds": 2, "other_s": 100.0, "spent_s": 10.0, "num_images": 60_000}
    stages = [Stage(10.0, 600.0, 400)]
    with pytest.raises(ValueError, match="au moins --minutes 5"):
        budget.choose(stages, given_s=60, **known)
    assert budget.choose(stages, given_s=5 * 60, **known).limit > 0
    with pytest.raises(ValueError, match="au moins"):
        budget.choose(stages, given_s=3 * 60, **known)


class Network:
    """Joue `fit` sur une horloge : le premier pas et la première validation sont plus longs."""

    def __init__(self, step_s, val_s):
        self.now, self.step_s, self.val_s, self.stop_training = 0.0, step_s, val_s, False

    def clock(self):
        return self.now

    def fit(self, batches, *, epochs, callbacks, shuffle=False, validation_data=None):
        assert epochs == 1
        self.steps, self.stop_training = 0, False
        for each in callbacks:
            each.set_model(self)
        self._tell(callbacks, "on_epoch_begin", 0)
        while self.steps < len(batches) and not self.stop_training:
            self.now += self.step_s + 30 * (self.steps == 0)
            self.steps += 1
            self._tell(callbacks, "on_train_batch_end", self.steps - 1)
        self._tell(callbacks, "on_test_begin")
        for k in range(4):
            self.now += self.val_s + 7 * (k == 0)
            self._tell(callbacks, "on_test_batch_end", k)
        self._tell(callbacks, "on_epoch_end", 0)
        return SimpleNamespace(history={"loss": [1.0]})

    @staticmethod
    def _tell(callbacks, name, *arguments):
        for each in callbacks:
            getattr(each, name)(*arguments)


def plan_once(tmp_path, network, **options):
    def seed_once():
        rehearsal = budget.current()
        curves = rehearsal.fit(network, range(300), epochs=2 * 12)  # comme cnn_long d'ex16
        assert curves["loss"] == [1.0] and len(curves["duration_s"]) == 1
        network.now += 11  # hors de `fit`
        return 5.0

    known = {"minutes": 30, "seeds": 1, "epochs": 12, "resume": False, "batch_size": None}
    return budget.make(
        SimpleNamespace(**known | options),
        seed_once,
        num_images=60_000,
        stages=1,
        path=tmp_path / "runs" / "plan.json",
        clock=network.clock,
    )


def test_the_plan_is_made_of_what_was_timed(tmp_path):
    network = Network(step_s=0.2, val_s=1.5)
    plan = plan_once(tmp_path, network)
    assert budget.current() is None
    assert 20 < network.steps < 40  # cinq secondes de pas, et non une époque
    spent_s, other_s = network.now, 11 + 5
    left_s = budget.SPARED * 1800 - spent_s - (30 + 7) - other_s
    assert plan == Plan(int(left_s / (2 * (300 * 0.2 + 4 * 1.5))), None)


def test_a_resumed_training_keeps_its_plan(tmp_path):
    """Même sur une machine qui va maintenant deux fois moins vite, et sans répéter."""
    plan, slow = plan_once(tmp_path, Network(0.2, 1.5)), Network(0.4, 3.0)
    assert plan_once(tmp_path, slow, resume=True) == plan and slow.now == 0
    assert plan_once(tmp_path, slow, resume=True, minutes=90) != plan  # un autre temps : à refaire
    known = json.loads((tmp_path / "runs" / "plan.json").read_text(encoding="utf-8"))
    assert known["asked"] == [90, 1, 60_000, None]
    before = slow.now
    plan_once(tmp_path, slow, resume=True, minutes=90, batch_size=500)
    assert slow.now > before  # un autre lot se chronomètre
    assert plan_once(tmp_path, slow) != plan  # sans --resume, la machine d'aujourd'hui


@pytest.mark.parametrize(
    "content",
    ["", "{", "3", "[]", "{}", '{"asked": [30, 1, 60000, null], "epochs": "x", "limit": null}'],
)
def test_a_damaged_plan_is_made_again(tmp_path, content):
    plan = plan_once(tmp_path, Network(0.2, 1.5))
    (tmp_path / "runs" / "plan.json").write_text(content)
    assert plan_once(tmp_path, Network(0.2, 1.5), resume=True) == plan


def test_the_next_training_is_no_rehearsal(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with budget.rehearse(budget.Rehearsal(epochs=1, limit_s=1.0)):
            raise KeyboardInterrupt
    assert budget.current() is None
