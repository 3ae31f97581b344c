"""Expliquer une réponse : cartes de chaleur, images rêvées, registre des méthodes."""
