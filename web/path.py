"""Ce que le site montre de chaque exercice : une image, et les ateliers où l'essayer."""

PICTURES = {  # numéro d'un exercice : une image de docs/, et ce qu'on en montre, en pour cent
    0: ("figures/01_convolution/convolution_5x5.gif", (3, 18, 48, 88)),
    1: ("figures/03_filtres/comparaison.jpg", (0, 8, 60, 98)),
    2: ("figures/04_fashion/erreurs.png", (0, 10, 58, 100)),
    3: ("figures/05_cifar10/erreurs.png", (0, 10, 58, 100)),
    4: ("figures/06_lenet/erreurs.png", (0, 10, 58, 100)),
    5: ("figures/07_inception/oubli.png", (0, 0, 100, 100)),
    6: ("galerie/01_ex06_feature_maps/chat_cartes.png", (0, 16, 60, 50)),
    7: ("galerie/03_ex07_occlusion/chien_occlusion.png", (66, 10, 100, 100)),
    8: ("galerie/05_ex08_saliency/chien_smooth_grad.png", (34, 10, 66, 100)),
    9: ("galerie/07_ex09_grad_cam/chien_grad_cam.png", (66, 10, 100, 100)),
    10: ("galerie/11_ex10_lime/chien_lime.png", (66, 10, 100, 100)),
    11: ("galerie/08_ex09_grad_cam/chien_grad_cam_plus_plus.png", (34, 10, 66, 100)),
    12: ("galerie/14_ex12_deep_dream/comparaison.jpg", (33, 5, 66, 100)),
    13: ("galerie/15_ex13_reconstruction/comparaison.jpg", (0, 10, 50, 100)),
    14: ("galerie/16_ex14_style/comparaison.jpg", (0, 50, 50, 100)),
    15: ("systemes/architectures.png", (0, 0, 60, 100)),
    16: ("systemes/sac.png", (0, 0, 100, 100)),
    17: ("systemes/detection.png", (33, 5, 66, 52)),
    18: ("systemes/masques.png", (20, 5, 60, 50)),
    19: ("systemes/attention.png", (0, 12, 60, 75)),
    20: ("systemes/spectrogrammes.png", (0, 5, 66, 66)),
    21: ("systemes/club.png", (0, 8, 50, 100)),
    22: ("systemes/filtres_appris.png", (0, 10, 60, 100)),
    23: ("systemes/pieces.png", (0, 5, 100, 100)),
    24: ("systemes/goulot.png", (10, 4, 70, 50)),
    25: ("systemes/legendes.png", (0, 5, 34, 36)),
    26: ("systemes/phrases.png", (25, 5, 90, 50)),
    27: ("systemes/suivi.png", (0, 10, 55, 100)),
    28: ("systemes/pose.png", (0, 5, 50, 70)),
}

# Numéro d'un exercice : les ateliers où l'essayer, l'exemple qu'ils ouvrent, ce qu'on y fait.
WORKSHOPS = {
    0: (
        ("convolution", "N3", "faire glisser la fenêtre"),
        ("x_ou_o", "X déformé", "suivre un X jusqu'au vote"),
        ("ecrire", "ex00", "écrire ces fonctions en Python, et les vérifier ici"),
    ),
    1: (
        ("noyaux", "pont.png", "poser un noyau sur une image, ou sur ce que voit la caméra"),
        ("ecrire", "ex01", "écrire ces fonctions en NumPy, et les vérifier ici"),
    ),
    2: (
        ("apprendre", "chaussures", "apprendre trois sortes de chaussures, sous vos yeux"),
        ("reseau", "N18", "compter l'architecture imposée, couche par couche"),
    ),
    3: (("nommer", "chat.png", "faire nommer une image au réseau"),),
    4: (("chiffre", "4", "dessiner un chiffre, et le déplacer"),),
    5: (
        ("reseau", "N17", "compter InceptionV3"),
        ("nommer", "oiseau.jpg", "nommer une photo"),
        ("transfert", "animaux", "apprendre vos images, sur un réseau déjà appris"),
    ),
    6: (("chiffre", "7", "voir les cartes de chaque couche"),),
    7: (("nommer", "chien.webp", "cacher un carré après l'autre"),),
    9: (("nommer", "voiture.jpg", "peindre les cartes de CAM"),),
    15: (("reseau", "thumbnails", "compter un réseau à raccourcis"),),
    17: (
        ("boites", "2", "détecter, et ôter les doublons"),
        ("ecrire", "ex17", "écrire les calculs sur des boîtes, et les vérifier ici"),
    ),
    18: (("masques", "2", "dire de quoi est chaque pixel"),),
    19: (("attention", "10", "voir quel morceau regarde quels autres"),),
    20: (("sources", "2", "séparer une mélodie de ses percussions"),),
    21: (("graphes", "vetement", "couper les arcs d'un graphe"),),
    22: (
        ("apprendre", "", "dessiner des signes, et les apprendre à ce réseau"),
        ("ecrire", "ex22", "écrire ces couches en NumPy, et les vérifier ici"),
    ),
    23: (("apprendre", "chaussures", "voir descendre la perte"),),
}
