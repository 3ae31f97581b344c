"""LeNet, AlexNet, VGG, ResNet : ce que chaque architecture coûte, et ce qu'elle rapporte.

Document : S3 « Architectures en image » et « Deep CNN / VGG / ResNet » ;
S0 « ImageNet Challenge 2014 ».
Commandes : python -m exercises.ex15_architectures
            python -m exercises.ex15_architectures.operations   compter, sans rien apprendre
Résultat mesuré : docs/mesures/ex15_architectures.json.

Quatre réseaux, réduits à la taille de CIFAR-10, apprennent des mêmes images, pendant autant
d'époques, au même calendrier. Les opérations, elles, diffèrent : c'est ce que montre la figure.
Avec si peu d'images et d'époques, les exactitudes sont basses (--limit et --epochs en donnent
plus). Trois autres réseaux disent à quoi servent les raccourcis de ResNet, et deux ce que vaut le
module Inception, à opérations égales. L'exercice 00 compte les deux réseaux que les cours écrivent.

À lire dans cet ordre :

- `networks.py` : les quatre architectures, de 1998 à 2015, en petit ;
- `operations.py` : compter paramètres et opérations ; VGG16 et ResNet50 en entier ;
- `residual.py` : trente couches, avec et sans raccourcis ;
- `inception.py` : plusieurs échelles à la fois, et autant d'opérations en 3×3 ordinaires ;
- `__main__.py` : la leçon, qui les apprend tous au même budget, les mesure et dessine le résultat.
"""
