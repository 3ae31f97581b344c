"""Segmentation : une classe par pixel, avec U-Net et SegNet ; puis un masque par objet.

Document : S3 « Different problems, models & metrics » (segmentation, U-Net, SegNet, instances).
Commandes : python -m exercises.ex18_segmentation
            python -m exercises.ex18_segmentation.instances
            python -m exercises.ex18_segmentation.streets
Résultats mesurés : docs/laboratoire/resultats.md.

Les scènes sont composées (`convnets/datasets/scenes.py`) : des vêtements de Fashion-MNIST posés sur
des photographies de CIFAR-10, dont on connaît la classe de chaque pixel. Trois réseaux les
apprennent, avec le même budget : le U-Net, le même sans les connexions de la descente à la montée,
et SegNet. Puis le U-Net apprend à séparer des objets de même classe qui se touchent ou se cachent,
ce qu'un masque de classes ne peut pas dire. Enfin, les trois réseaux apprennent de vraies rues,
celles de l'article de SegNet, où les classes rares pèsent ensuite plus lourd. Suivie du nom d'une
image, chaque commande la segmente.

À lire dans cet ordre :

- `__main__.py` : la leçon entière, des scènes à l'IoU moyenne des trois réseaux ;
- `unpooling.py` : retenir la place de chaque maximum, et l'y remettre ;
- `measures.py` : juger un masque ; pourquoi l'IoU, et non l'exactitude ;
- `instances.py` : la seconde leçon, un masque par objet ;
- `grouping.py` : chaque pixel désigne le centre de son objet, et l'on regroupe ;
- `mask_ap.py` : juger des objets ; la précision moyenne sur les masques ;
- `class_weights.py` : une perte où les classes rares pèsent plus lourd ;
- `streets.py` : la troisième leçon, les trois réseaux sur CamVid, puis le U-Net à classes pesées ;
- `doubt.py` : segmenter une photographie de rue, et dire ce que le réseau ne sait pas ;
- `forest.py` : le témoin sans réseau, une forêt d'arbres sur des filtres fixes ;
- `figures.py` : les masques et les objets dessinés.
"""
