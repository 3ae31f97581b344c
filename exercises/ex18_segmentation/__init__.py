"""Segmentation : une classe par pixel, avec U-Net et SegNet ; puis un masque par objet.

Document : S3 « Different problems, models & metrics » (segmentation, U-Net, SegNet, instances).
Commandes : python -m exercises.ex18_segmentation
            python -m exercises.ex18_segmentation.instances
Résultats mesurés : models/ex18_segmentation.json et models/ex18_instances.json.

Les scènes sont composées (`convnets/datasets/scenes.py`) : des vêtements de Fashion-MNIST posés sur
des photographies de CIFAR-10, dont on connaît la classe de chaque pixel. Trois réseaux les
apprennent, avec le même budget : le U-Net, le même sans les connexions de la descente à la montée,
et SegNet. Puis le U-Net apprend à séparer des objets de même classe qui se touchent ou se cachent,
ce qu'un masque de classes ne peut pas dire. Suivie du nom d'une image, chaque commande la segmente.

À lire dans cet ordre :

- `unpooling.py` : retenir la place de chaque maximum, et l'y remettre ;
- `networks.py` : les trois réseaux, qui ne diffèrent que par leur montée ;
- `measures.py` : juger un masque ; pourquoi l'IoU, et non l'exactitude ;
- `training.py` : composer les scènes, apprendre un réseau, en tirer des masques ;
- `comparison.py` : les trois réseaux, toutes les graines, et le compte rendu ;
- `figures.py` : les masques dessinés, et celui d'une image qu'on donne ;
- `crowds.py` : des scènes serrées, où l'on sait à quel objet est chaque pixel ;
- `grouping.py` : chaque pixel désigne le centre de son objet, et l'on regroupe ;
- `mask_ap.py` : juger des objets ; la précision moyenne sur les masques ;
- `answers.py` : les pixels regroupés, face aux taches et aux boîtes ;
- `instances.py` : apprendre, mesurer toutes les graines, et le compte rendu ;
- `instance_figures.py` : les objets, chacun de sa couleur, et l'AP selon ce qui se touche.
"""
