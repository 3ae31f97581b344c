"""Localiser, puis détecter : entourer chaque objet d'une scène, et le nommer.

Document : S3 « Different problems, models & metrics » (« Yolo, RCNN, fast-RCNN » ; « How to switch
to multi-class? »).
Commande : python -m exercises.ex17_detection, puis
    … ex17_detection web/static/scenes/0.png
Résultat mesuré : docs/laboratoire/resultats.md.

Sans image, la commande apprend un réseau qui rend une boîte, puis deux détecteurs qui en rendent
autant qu'il y a d'objets. Suivie d'une image, elle y dessine les boîtes du détecteur à grille. Les
scènes sont composées : leurs boîtes sont exactes, et elles sont sans doute plus faciles que
de vraies photographies, que lit `… ex17_detection.cells`.

À lire dans cet ordre :

- `__main__.py` : la leçon entière, des scènes aux mesures des trois réseaux ;
- `boxes.py` : comparer des boîtes (IoU), supprimer les doublons, précision et rappel ;
- `localization.py` : un objet, une boîte : une régression ;
- `grid.py` : plusieurs objets : chaque case d'une grille répond pour le sien ;
- `proposals.py` : premier étage, poser des ancres et en proposer des régions ;
- `two_stage.py` : second étage, lire chaque région (RoIAlign), la nommer et la corriger ;
- `metrics.py` : juger un détecteur par la précision moyenne, et peser chaque scène ;
- `contrast.py` : les mêmes scènes sans réseau : des taches, nommées par leurs voisines ;
- `labels.py` : plusieurs étiquettes par image, sigmoïdes contre softmax ;
- `cells.py` : le même détecteur sur de vraies photographies, dont il compte les cellules ;
- `threshold.py` : les mêmes cellules, par un seuil de couleur, sans rien apprendre ;
- `figures.py` : les boîtes dessinées, ce que voit chaque étage, précision et rappel.
"""
