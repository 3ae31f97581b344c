// Emporter le site : le navigateur en fait une archive, et rien n'en est gardé deux fois chez l'hébergeur.

import {compute} from "./calculator.js";
import {addressOf, fetchJson} from "./data.js";
import {give, make} from "./dom.js";
import {correctAlways} from "./typography.js";

const place = document.getElementById("emporter");
const said = make("p", {role: "status"}), bar = make("progress", {max: "1", hidden: true, "aria-label": "Avancement"});
const button = make("button", {type: "button", class: "bouton", onclick: takeAway}, "Prendre le site en zip");

async function takeAway() {
  button.disabled = true;
  bar.hidden = false;
  try {
    const files = await fetchJson("fichiers.json");
    const archive = await compute("archive", {files, root: addressOf("")}, (part, text) => {
      if (part !== null) bar.value = part;
      if (text) said.textContent = text;
    });
    give("cours.zip", archive);
    said.textContent = `cours.zip, ${Math.round(archive.size / 1e6)} Mo : décompressez-le, puis ouvrez index.html d'un double clic.`;
  } catch (error) {
    said.textContent = /** @type {Error} */ (error).message;
  } finally {
    button.disabled = false;
    bar.hidden = true;
  }
}

if (place) {
  correctAlways(place);
  place.replaceChildren(...(location.protocol === "file:"
    ? [make("p", {}, "Ce site est déjà sur votre machine : pour l'emporter ou le donner, copiez son dossier.")]
    : [make("p", {}, "Pour s'en servir hors ligne, d'une clé par exemple : ", button), said, bar]));
}
