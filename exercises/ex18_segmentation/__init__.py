"""Segmentation sémantique : une classe par pixel, avec U-Net et SegNet.

Document : S3 « Different problems, models & metrics » (segmentation, U-Net, SegNet).
Commande : python -m exercises.ex18_segmentation     puis, avec une image, la même suivie de son nom
Résultat mesuré : models/ex18_segmentation.json.

Les scènes sont composées (`convnets/datasets/scenes.py`) : des vêtements de Fashion-MNIST posés sur
des photographies de CIFAR-10, dont on connaît la classe de chaque pixel. Trois réseaux les
apprennent, avec le même budget : le U-Net, le même sans les connexions de la descente à la montée,
et SegNet.

À lire dans cet ordre :

- `unpooling.py` : retenir la place de chaque maximum, et l'y remettre ;
- `networks.py` : les trois réseaux, qui ne diffèrent que par leur montée ;
- `measures.py` : juger un masque ; pourquoi l'IoU, et non l'exactitude ;
- `training.py` : composer les scènes, apprendre un réseau, en tirer des masques ;
- `comparison.py` : les trois réseaux, toutes les graines, et le compte rendu ;
- `figures.py` : les masques dessinés, et celui d'une image qu'on donne.
"""
