"""Le socle : chemins, fichiers, options, comptes rendus. Rien d'autre du cours n'y est importé."""
