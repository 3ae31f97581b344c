"""Localiser, puis détecter : entourer chaque objet d'une scène, et le nommer.

Document : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex17_detection     puis     … ex17_detection photo.png
Résultat mesuré : models/ex17_detection.json.

Sans image, la commande apprend un réseau qui rend une boîte, puis un détecteur qui en rend autant
qu'il y a d'objets ; avec une image, elle y dessine les boîtes du détecteur livré. Les scènes sont
composées : leurs boîtes sont exactes, et elles sont plus faciles que de vraies photographies.

À lire dans cet ordre :

- `boxes.py` : comparer des boîtes (IoU), supprimer les doublons, précision et rappel ;
- `localization.py` : un objet, une boîte : une régression ;
- `grid.py` : plusieurs objets : chaque case d'une grille répond pour le sien ;
- `metrics.py` : juger un détecteur, de la précision au mAP ;
- `training.py` : composer les scènes, apprendre les deux réseaux, mesurer une graine ;
- `comparison.py` : toutes les graines, et le compte rendu ;
- `figures.py` : les boîtes dessinées, dans les scènes et dans une photographie.
"""
