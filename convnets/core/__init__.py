"""Le socle : chemins, fichiers, ligne de commande, comptes rendus. N'importe rien de nous."""
