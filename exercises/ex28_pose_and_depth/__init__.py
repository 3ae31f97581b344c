"""Pose, relief, foule : un point, un nombre par pixel, un compte, et ce qu'ils valent.

Document : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
Commande : python -m exercises.ex28_pose_and_depth
Résultat mesuré : docs/resultats.md.

Trois tâches dont la réponse n'est ni une classe ni une boîte. Où sont les articulations d'un
pantin ? Des cartes de chaleur, une par articulation, les placent mieux que des coordonnées rendues
d'un coup. À quelle distance est chaque pixel ? Deux images suffisent ; un réseau devine aussi là où
rien ne s'apparie. Combien de personnes y a-t-il ? La somme d'une densité le dit ; elle se trompe
davantage dans des foules plus denses que celles de l'entraînement. Les images sont composées de
vraies photographies et de vrais vêtements : la vérité est exacte, mais ces images sont plus faciles
que de vraies scènes.

À lire dans cet ordre :

- `puppets.py`, puis `pose.py` : des pantins articulés ; cartes de chaleur, coordonnées, PCK ;
- `pairs.py`, puis `depth.py` : des paires stéréo ; fenêtres appariées, réseau siamois ;
- `crowds.py`, puis `counting.py` : des foules ; leur densité et leur compte ;
- `training.py` : la brique et la descente, les mêmes pour les quatre réseaux ;
- `data.py` : les images d'entraînement et de test ;
- `__main__.py` : la leçon, pour une graine ;
- `measures.py` : ce que valent les réseaux, et ce que l'on répondrait sans eux ;
- `figures.py` : ce que chacun trouve.
"""
