"""Ce que `./predict` exécute : Pillow, NumPy et LiteRT, rien de plus lourd."""
