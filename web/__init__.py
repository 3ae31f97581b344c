"""Le cours dans un navigateur : un site que l'on lit aussi hors ligne.

Commande : python -m web                       le construire et l'ouvrir
           python -m web --output DOSSIER      l'écrire là, sans l'ouvrir

Rien n'y est écrit deux fois : les pages viennent des docstrings, du code entre les filets des
questions, des comptes rendus de `models/` et des pages de `docs/`.

- `path.py` : le chemin dans le cours, et ce qu'il faut avoir lu avant chaque exercice ;
- `sources.py` : les pages, en Markdown ;
- `shown.py` : deux notebooks exécutés, avec leurs sorties ;
- `book.py` : le site, que Sphinx en fait ;
- `runtime.py` : LiteRT et libheif, que le navigateur exécute ;
- `examples.py`, `networks.py` : les exemples N1 à N23 et les réseaux que les pages ouvrent ;
- `cam.py`, `clothes.py`, `graph.py`, `sounds.py` : ce que d'autres pages montrent ;
- `pages/`, `static/` : les pages où l'on essaie, et leur JavaScript.
"""

from convnets.core import startup

startup.prepare(cleans_up=True)  # le serveur se ferme, et la construction efface ce qu'elle laisse
