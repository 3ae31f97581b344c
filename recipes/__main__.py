"""La liste des recettes : ce que chacune refait, et sa durée.

Commande : python -m recipes
"""

import recipes
from convnets.core.cli import run


def main() -> int:
    """Écrit la liste."""
    print(recipes.__doc__)
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
