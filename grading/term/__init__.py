"""Un trimestre dans un dossier, `python -m grading cours.toml` : voir docs/enseignants.md."""
