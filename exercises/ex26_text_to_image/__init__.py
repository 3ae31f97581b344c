"""Dessiner ce que dit une phrase : du bruit à l'image, par un flot appris.

Document : S3 « Different problems, models & metrics », figure (6) : phrase → image.
Commandes : python -m exercises.ex26_text_to_image
            python -m exercises.ex26_text_to_image --say "une bottine foncée"
            python -m exercises.ex26_text_to_image.products
            python -m exercises.ex26_text_to_image.emojis
Résultat mesuré : docs/laboratoire/resultats.md.

Un réseau de classification va de l'image au mot ; en voici un qui fait le chemin inverse. Il part
d'un bruit, et répond à chaque instant dans quelle direction le changer pour qu'il devienne l'image
que dit la phrase. Reste à savoir ce que valent ces images : nos modèles publiés les nomment-ils
comme demandé ? sont-elles aussi variées que les vraies ? le réseau les a-t-il seulement retenues ?

À lire dans cet ordre :

- `sentences.py` : les mots, deux attributs exacts par image, et la phrase qu'on en fait ;
- `flow.py` : le chemin du bruit à l'image, la vitesse à y suivre, la force de la phrase ;
- `network.py` : le réseau, où la phrase et l'instant modulent chaque carte ;
- `measures.py` : juger, distance de Fréchet et copies ;
- `__main__.py` : la leçon, les réponses naïves, et dessiner une phrase ;
- `figures.py` : phrases et images, force de la phrase, chemin ;
- `products.py` : le même réseau sur de vraies photographies d'articles, et ses témoins ;
- `emojis.py` : le même réseau, qui dessine des emojis dont il n'a jamais lu les mots ensemble.
"""
