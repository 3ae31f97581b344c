"""La liste des recettes : ce que chacune refait, et sa durée.

Commande : python -m recipes
"""

import recipes
from convnets.core.cli import FrenchParser, run


def show() -> int:
    """Écrit la liste."""
    print(recipes.__doc__)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Lit les options et écrit la liste."""
    FrenchParser(prog="python -m recipes", description=__doc__.splitlines()[0]).parse_args(argv)
    return run(show)


if __name__ == "__main__":
    raise SystemExit(main())
