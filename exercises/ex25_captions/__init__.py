"""Légendes et questions : dire d'une phrase ce que montre une image, répondre à une question.

Document : S3, figures (4) « image captioning » et (5) « image question answering ».
Commandes : python -m exercises.ex25_captions
            python -m exercises.ex25_captions.products
            python -m exercises.ex25_captions.products photo.jpg
Résultat mesuré : docs/laboratoire/resultats.md.

Les scènes sont composées : un à quatre vêtements colorés, chacun dans son coin, devant une
photographie. La phrase qui les dit est unique et chaque réponse exacte ; ces images sont sans doute
plus faciles que des photographies légendées par des gens, et leur français est plus pauvre. Six
couples, comme « pantalon rouge », ne sont jamais montrés à l'entraînement : le réseau, qui a vu des
pantalons et du rouge, saura-t-il les joindre ? Il dit rarement sans faute une scène qui contient un
de ces couples. Le même réseau apprend ensuite à décrire de vrais articles de boutique.

À lire dans cet ordre :

- `grammar.py` : dire une scène, accordée en genre et en nombre, et la relire ;
- `questions.py` : combien, de quelle couleur, où, et la réponse exacte ;
- `scenes.py` : composer les images, sans les couples mis de côté ;
- `network.py` : un encodeur, un GRU avec attention qui décrit, des portes qui répondent ;
- `decoding.py` : dire une phrase mot à mot ;
- `bleu.py` : mesurer une phrase ;
- `measures.py` : juger phrases et réponses ; recopier une scène, dire l'habitude ;
- `training.py` : les scènes, et l'apprentissage ;
- `__main__.py` : la leçon, pour une graine ;
- `figures.py` : phrases et réponses, justes ou fausses, et où le réseau regarde ;
- `command.py` : `--compose`, une scène à soi ;
- `catalogue.py` : dire un article de boutique en français, accordé ;
- `products.py` : le même réseau sur de vraies photographies, ses témoins, et une photo à soi.
"""
