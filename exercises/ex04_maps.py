"""Le temps que `ex04_lenet` soit réécrit : ses cartes sont dans `ex06_feature_maps.lenet`."""

from exercises.ex06_feature_maps.lenet import save_all as save_all
