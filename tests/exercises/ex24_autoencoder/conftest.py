"""Ce que les tests de cet exercice partagent : des vignettes, leurs axes, un codeur par ACP."""

import pytest

from tests.conftest import load_extract


@pytest.fixture(scope="session")
def images():
    """400 vignettes de test de CIFAR-10, uint8 `(400, 32, 32, 3)`."""
    return load_extract("cifar10")[0]


@pytest.fixture(scope="session")
def principal(images):
    """Les axes principaux des carrés des 300 premières, et leurs écarts-types."""
    from exercises.ex24_autoencoder import baselines

    return baselines.principal_axes(images[:300])


@pytest.fixture(scope="session")
def pca(images):
    """Le codeur par ACP, aux mêmes axes."""
    from exercises.ex24_autoencoder import baselines

    return baselines.pca_codec(images[:300])
