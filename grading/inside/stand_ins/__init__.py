"""Ce qui tient lieu de paquets absents : un module ordinaire par paquet, lu avant l'enclos.

Aucun n'est installé ici, et un rendu ne peut rien télécharger : chacun rend les images de l'essai.
Ce qu'un module ne définit pas est inerte. Pour en ajouter un, écrivez le fichier et nommez-le dans
`packages.STAND_INS`.
"""
