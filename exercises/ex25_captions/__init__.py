"""Légendes et questions : dire d'une phrase ce que montre une image, répondre à une question.

Document : S3, figures (4) « image captioning » et (5) « image question answering ».
Commande : python -m exercises.ex25_captions     puis     … ex25_captions --show
Résultat mesuré : models/ex25_captions.json.

Les scènes sont composées : un à quatre vêtements colorés, chacun dans son coin, devant une
photographie. La phrase qui les dit est unique et chaque réponse exacte ; ce sont des images bien
plus faciles, et un français bien plus pauvre, que des photographies légendées par des gens. Six
couples, comme « pantalon rouge », ne sont jamais montrés à l'entraînement : le réseau, qui a vu des
pantalons et du rouge, saura-t-il les joindre ? Presque jamais : il a appris aussi ce qui ne va pas
ensemble.

À lire dans cet ordre :

- `grammar.py` : dire une scène, accordée en genre et en nombre, et la relire ;
- `questions.py` : combien, de quelle couleur, où, et la réponse exacte ;
- `scenes.py` : composer les images, sans les couples mis de côté ;
- `network.py` : un encodeur, un GRU avec attention qui décrit, des portes qui répondent ;
- `decoding.py` : dire une phrase mot à mot ;
- `bleu.py` : mesurer une phrase ;
- `baselines.py` : ce qu'il faut battre, sans regarder ou presque ;
- `training.py` : apprendre, et mesurer une graine ;
- `comparison.py` : toutes les graines, et le compte rendu ;
- `figures.py` : phrases et réponses, justes ou fausses, et où il regarde ;
- `command.py` : `--compose` et `--ask`, une scène et une question à soi.
"""
