// Donner aux résultats de la recherche, que Sphinx écrit dans la page, la typographie du reste.

import {correctAlways} from "./typography.js";

const results = document.getElementById("search-results");
if (results) correctAlways(results);
