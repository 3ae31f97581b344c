"""La page d'une adresse qui n'existe pas : celle du serveur, et celle des hébergeurs."""

# Sans autre fichier ni lien relatif : l'adresse qui manque peut être dans n'importe quel dossier.
MISSING = """<!doctype html>
<html lang="fr">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<title>Cette page n\u2019existe pas</title>
<style>body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem;
margin: 3rem auto; padding: 0 1rem; }</style>
<body>
<main>
<h1>Cette page n\u2019existe pas</h1>
<p>L\u2019adresse est fausse, ou la page a changé de nom.
Revenez en arrière, ou repartez de l\u2019accueil du cours.</p>
</main>
</body>
</html>
"""
