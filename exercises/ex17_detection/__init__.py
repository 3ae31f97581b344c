"""Localiser, puis détecter : entourer chaque objet d'une scène, et le nommer.

Document : S3 « Different problems, models & metrics » (« Yolo, RCNN, fast-RCNN » ; « How to switch
to multi-class? »).
Commande : python -m exercises.ex17_detection     puis     … ex17_detection photo.png
Résultat mesuré : models/ex17_detection.json.

Sans image, la commande apprend un réseau qui rend une boîte, puis deux détecteurs qui en rendent
autant qu'il y a d'objets, et un réseau qui nomme tout sans dire où ; avec une image, elle y dessine
les boîtes du détecteur livré, celui à grille. Les scènes sont composées : leurs boîtes sont
exactes, et elles sont plus faciles que de vraies photographies.

À lire dans cet ordre :

- `boxes.py` : comparer des boîtes (IoU), supprimer les doublons, précision et rappel ;
- `localization.py` : un objet, une boîte : une régression ;
- `grid.py` : plusieurs objets : chaque case d'une grille répond pour le sien ;
- `anchors.py` : des boîtes posées d'avance, à accepter et à corriger ;
- `proposals.py` : premier étage, proposer des régions ;
- `roi.py` : tirer de chaque région autant de nombres (RoIAlign) ;
- `two_stage.py` : second étage, nommer et corriger chaque région ;
- `metrics.py` : juger un détecteur, de la précision à la mAP ;
- `labels.py` : plusieurs étiquettes par image, sigmoïdes contre softmax ;
- `training.py` : composer les scènes, apprendre les cinq réseaux, mesurer une graine ;
- `comparison.py` : toutes les graines, et le compte rendu ;
- `figures.py`, `stages.py`, `bars.py` : les boîtes dans les scènes et dans une photographie, ce que
  voit chaque étage, et les mesures comparées.
"""
