"""Grad-CAM, Grad-CAM++ et CAM : où, dans l'image, le réseau trouve la classe qu'il annonce.

Documents : S3 « Class Activation Map », S4 « Grad Cam ».

À lire dans cet ordre :
    grad_cam.py  Grad-CAM et Grad-CAM++ : tout réseau de convolution, sans rien réapprendre
    cam.py       CAM, dont ils viennent : un réseau d'une forme précise, dont la fin est réapprise

Commandes : python -m exercises.ex09_grad_cam samples/chien.webp
            python -m exercises.ex09_grad_cam --model ex05_inception photo.jpg
            python -m exercises.ex09_grad_cam.cam                    apprend la fin du réseau de CAM
            python -m exercises.ex09_grad_cam.cam samples/chien.webp   explique
Résultat mesuré : models/ex09_cam.json, repris dans docs/laboratoire/resultats.md.
"""
