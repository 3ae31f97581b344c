"""Les données : leurs sources et leurs vérifications, dossiers d'images, scènes, poids publiés."""
