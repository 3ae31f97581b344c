"""Le calcul des efficacités : cas à la main, et la simulation rejoint le papier sans variation."""

from types import SimpleNamespace

import pytest

from cluster import scaling

COSTS = scaling.Costs(fixed_s=0.01, image_s=0.001, jitter=0.0, gradient_bytes=8_000_000)


def test_ring_by_hand():
    # 4 machines, 8 Mo à 1 Mo/s : 2·3/4·8 = 12 s, et 6 messages de 0,5 s.
    assert scaling.ring_time(4, 8_000_000, bandwidth=1e6, latency_s=0.5) == pytest.approx(15)
    assert scaling.ring_time(1, 8_000_000, bandwidth=1e6, latency_s=0.5) == 0


def test_ring_moves_each_piece_as_an_explicit_ring_does():
    """Compte, étape par étape, les octets qu'une machine envoie."""
    count, size = 5, 1000
    sent = sum(size / count for phase in ("somme", "partage") for _ in range(count - 1))
    assert scaling.ring_time(count, size, bandwidth=1, latency_s=0) == pytest.approx(sent)


def test_costs_from_two_points():
    full, half = [0.138, 0.138], [0.074, 0.074]  # 10 ms, et 1 ms par image
    costs = scaling.fit_costs(full, half, batch_size=128, params=2_000_000)
    assert costs == pytest.approx((0.01, 0.001, 0.0, 8_000_000))


@pytest.mark.parametrize("count", [1, 8, 64])
@pytest.mark.parametrize("network", [*scaling.NETWORKS])
def test_without_variation_the_simulation_is_the_paper(count, network):
    paper = scaling.paper_efficiency(COSTS, count, 128, network)
    assert scaling.simulate(COSTS, count, 128, network) == pytest.approx(paper)
    assert (paper == 1) == (count == 1)


def test_waiting_for_the_slowest_costs_more_with_more_machines():
    costs = COSTS._replace(jitter=0.1)
    found = [scaling.simulate(costs, count, 128, "100 Gbit/s") for count in (2, 8, 64, 512)]
    assert found == sorted(found, reverse=True) and found[-1] < 0.85
    paper = scaling.paper_efficiency(costs, 512, 128, "100 Gbit/s")
    assert found[-1] < paper


def test_tables_and_figure(tmp_path):
    text = scaling.tables(COSTS._replace(jitter=0.02), 128)
    assert text.count("\n| 512 |") == 2 and "Lot total constant" in text
    scaling.save_figure(COSTS, 128, tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-size", "3"], "--batch-size 3 : un nombre pair"),
        (["--output", "fichier"], "fichier : ce nom est déjà pris"),
        ([], "L'entraînement mesuré a échoué :\ndisque plein"),
    ],
)
def test_what_goes_wrong_is_said_and_costs_no_measure(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fichier").touch()
    failed = SimpleNamespace(returncode=1, stderr="disque plein")
    monkeypatch.setattr(scaling, "subprocess", SimpleNamespace(run=lambda *_, **__: failed))
    assert scaling.main(arguments) == 1
    assert message in capsys.readouterr().err
