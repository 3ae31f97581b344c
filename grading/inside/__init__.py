"""Dans le processus enfermé d'un rendu : ce qui l'exécute et rapporte ce qui s'y passe.

Ces modules n'importent rien du reste du correcteur. Le correcteur, de son côté, ne prend d'ici que
ce qui passe le canal (`messages`) et les limites (`sandbox`). Rien n'est jugé ici.
"""
