"""Ce que les recettes ont en commun : graines, étapes, reprise, plusieurs machines, maîtres."""
