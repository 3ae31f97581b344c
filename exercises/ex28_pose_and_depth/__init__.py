"""Pose et relief : un point, puis un nombre par pixel, et ce qu'ils valent.

Document : S3 « Pose Estimation », « 3D Reconstruction ».
Commandes : python -m exercises.ex28_pose_and_depth
            python -m exercises.ex28_pose_and_depth gauche.jpg droite.jpg
            python -m exercises.ex28_pose_and_depth.real_mouse
Résultat mesuré : docs/laboratoire/resultats.md.

Ici, deux tâches dont la réponse n'est ni une classe ni une boîte sont apprises. Où sont les
articulations d'un pantin ? Un réseau rend une carte de chaleur par articulation, un autre leurs
coordonnées d'un coup. À quelle distance est chaque pixel ? Deux images suffisent, si l'on y apparie
des fenêtres, ou des caractéristiques apprises. Les images d'entraînement sont composées de vraies
photographies et de vrais vêtements : leur vérité est exacte, et elles sont sans doute plus faciles
que de vraies images. Les mêmes réseaux cherchent ensuite les pattes d'une vraie souris, et le
relief est aussi mesuré sur deux vraies paires.

À lire dans cet ordre :

- `puppets.py`, puis `pose.py` : des pantins articulés ; cartes de chaleur, coordonnées, PCK ;
- `one_change.py` : les cartes lues autrement, puis apprises autrement ;
- `real_mouse.py` : les mêmes réseaux sur une vraie souris, et des gabarits ;
- `pairs.py`, `semi_global.py`, puis `depth.py` : des paires stéréo ; fenêtres appariées, SGM,
  réseau siamois ;
- `own_pair.py` : la distance de ce que montrent deux images ;
- `real_pairs.py` : les mêmes appariements sur deux vraies paires ;
- `training.py` : la brique et la descente, les mêmes pour les trois réseaux ;
- `__main__.py` : la leçon, pour une graine, et le relief de deux images ;
- `figures.py` : ce que chacun trouve.
"""
