"""InceptionV3 : reconnaître de nouvelles classes avec un réseau déjà entraîné.

Document : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4 ;
S3 « Fine-tuning approach » pour les deux études.

À lire dans cet ordre :
    statement.py    la réponse à l'énoncé, d'un trait : images, base figée, tête, `fit`
    features.py     ses images (`ImageDataGenerator`) et sa base ; ne voir chaque image qu'une fois
    head.py         sa tête : définir, entraîner, valider de façon croisée
    evaluation.py   ce que valent les têtes, à côté d'une base au hasard ; ce qui est enregistré
Puis deux études, où la fin de la base est réapprise aussi :
    fine_tuning.py  réapprendre la fin de la base
    layers.py       combien de couches garder, ou réapprendre ?
    forgetting.py   l'oubli catastrophique : ce qu'une seconde tâche fait perdre à la première

Commandes : python -m exercises.ex05_inception --images DOSSIER   un dossier d'images par classe
            python -m exercises.ex05_inception                    chats et chiens de CIFAR-10
            python -m exercises.ex05_inception --augment          images transformées au hasard
            python -m exercises.ex05_inception --prepare          la base, pour ./predict
            python -m exercises.ex05_inception.layers
            python -m exercises.ex05_inception.forgetting
            ./predict --model ex05_inception photo.jpg            dit un nom de dossier
Résultats mesurés : models/ex05_inception.json, ex05_layers.json et ex05_forgetting.json, repris
dans docs/resultats.md.
"""
