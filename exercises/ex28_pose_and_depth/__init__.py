"""Pose, relief, foule : un point, un nombre par pixel, un compte, et ce qu'ils valent.

Document : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
Commande : python -m exercises.ex28_pose_and_depth     puis     … ex28_pose_and_depth --show
Résultat mesuré : models/ex28_pose_and_depth.json.

Trois tâches dont la réponse n'est ni une classe ni une boîte. Où sont les articulations d'un
pantin ? Une carte de chaleur chacune bat leurs coordonnées rendues d'un coup. À quelle distance est
chaque pixel ? Deux images suffisent ; un réseau devine aussi là où rien ne s'apparie. Combien
sont-ils ? La somme d'une densité, ou le nombre de têtes trouvées, jusque dans des foules plus
denses que toutes celles de l'entraînement. Les images sont composées de vraies photographies et de
vrais vêtements : la vérité est exacte, et elles sont plus faciles que de vraies scènes.

À lire dans cet ordre :

- `puppets.py`, puis `pose.py` : des pantins articulés ; cartes de chaleur, coordonnées, PCK ;
- `pairs.py`, puis `depth.py` : des paires stéréo ; fenêtres appariées, réseau siamois ;
- `crowds.py`, puis `counting.py` : des foules ; densité, têtes détectées ;
- `training.py` : la brique et la descente, les mêmes pour les cinq réseaux ;
- `data.py` : ce qui sert à apprendre, à choisir, à mesurer ;
- `lessons.py` : chaque leçon, pour une graine ;
- `comparison.py` : toutes les graines, ce qui n'apprend rien, et le compte rendu ;
- `figures.py`, `curves.py` : ce que chacun trouve, et ce que cela vaut.
"""
