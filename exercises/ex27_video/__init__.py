"""Vidéo : suivre des objets qui se croisent, reconnaître ce qu'aucune image seule ne montre.

Document : S3 « Object Tracking », « Action Recognition » ; S0 « Convolution 3D ».
Commandes : python -m exercises.ex27_video
            python -m exercises.ex27_video --video 7
            python -m exercises.ex27_video FILM
            python -m exercises.ex27_video.real_films
Résultat mesuré : docs/laboratoire/resultats.md.

Suivre, c'est donner le même numéro au même objet, d'image en image, même quand il passe derrière un
autre. Reconnaître une action, c'est répondre de l'ordre des images : un film à l'envers a les mêmes
images, et la réponse contraire. Les vidéos sont composées : de vrais vêtements bougent devant de
vraies photographies ; leurs boîtes sont exactes, et elles sont sans doute plus faciles que de vrais
films. Les mêmes suivis reçoivent ensuite les boîtes de deux vrais films, et ce qui bouge dans le
vôtre.

À lire dans cet ordre :

- `videos.py` : composer une vidéo, ses boîtes exactes, et des détections imparfaites ;
- `tracking.py` : relier les détections, de la plus proche voisine au filtre de Kalman ;
- `metrics.py` : juger un suivi, MOTA et IDF1 ;
- `real_films.py` : les mêmes suivis, sur de vrais passants ;
- `frames.py` : lire un film, vidéo, image animée ou dossier d'images ;
- `moving.py` : ce qui bouge devant une caméra fixe, et le suivre ;
- `clips.py` : des films dont seul l'ordre des images répond ;
- `__main__.py` : la leçon, de la convolution 3D aux mesures ;
- `figures.py` : les boîtes numérotées sur les images, les films et leurs réponses.
"""
