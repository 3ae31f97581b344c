"""Mesures qui justifient un choix ou une vitesse ; rien ici n'est importé par les exercices."""
