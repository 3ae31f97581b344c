"""InceptionV3 : reconnaître de nouvelles classes avec un réseau déjà entraîné.

Document : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4 ;
S3 « Fine-tuning approach » pour les deux études.

À lire dans cet ordre, après le programme de départ, exercises/plain/ex05_inception.py :
    statement.py    la réponse à l'énoncé, d'un trait : images, base figée, tête, `fit`
    features.py     les photographies, le générateur sans ses pièges, et la base figée
    head.py         la tête seule, apprise sur ce que la base a rendu
    saved_head.py   la tête enregistrée pour `./predict` ; rien n'y apprend
    cached.py       la suite : dix vêtements, et la base ne voit chaque photographie qu'une fois
    scratch.py      et sans base ? un petit réseau appris des seules photographies
Puis deux études, où la fin de la base est réapprise aussi :
    fine_tuning.py  réapprendre la fin de la base
    layers.py       combien de couches garder, ou réapprendre ?
    forgetting.py   l'oubli catastrophique : ce qu'une seconde tâche fait perdre à la première

Commandes : python -m exercises.ex05_inception                    un pantalon ? puis dix vêtements
            python -m exercises.ex05_inception --images DOSSIER   un dossier d'images par classe
            python -m exercises.ex05_inception --prepare          la base, pour ./predict
            python -m exercises.ex05_inception.cached             la suite seule
            python -m exercises.ex05_inception.scratch
            python -m exercises.ex05_inception.layers
            python -m exercises.ex05_inception.forgetting
            ./predict --model ex05_inception photo.jpg            nomme un vêtement
Résultats mesurés : models/ex05_inception.json, et deux fichiers de docs/mesures, ex05_layers.json
et ex05_forgetting.json, repris dans docs/laboratoire/resultats.md.
"""
