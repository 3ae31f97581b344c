"""L'apprentissage : lots, graines, reprise, export, enregistrement."""
