"""Ce que plusieurs exercices partagent : données, images, stockage, figures, options."""
