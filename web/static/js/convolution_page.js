// La page « Convolution » : une fenêtre qui glisse, chaque produit et chaque somme.

import {convolve, pool, readGrids} from "./convolution.js";
import {fetchJson, make} from "./dom.js";

const page = document.getElementById("convolution");
const said = make("p", {role: "status", class: "dit"});
const shown = make("div", {class: "cote-a-cote"});
const field = (/** @type {string} */ id, /** @type {string} */ label, /** @type {any} */ control) => {
  control.id = id;
  control.addEventListener("input", () => { examples.value = ""; show(0); });
  return make("p", {}, make("label", {for: id}, `${label} `), control);
};
const image = make("textarea", {rows: "6", cols: "26", spellcheck: "false"});
const kernel = make("textarea", {rows: "4", cols: "14", spellcheck: "false"});
const operation = choice({convolution: "convolution", max: "pooling : maximum", mean: "pooling : moyenne"});
const padding = choice({valid: "aucun (valid)", same: "même taille (same)", 1: "1 case", 2: "2 cases", 3: "3 cases"});
const stride = make("input", {type: "number", min: "1", max: "12", value: "1"});
const dilation = make("input", {type: "number", min: "1", max: "12", value: "1"});
const flip = make("input", {type: "checkbox"});
const examples = make("select", {id: "exemple"});
const slider = make("input", {type: "range", min: "0", value: "0", "aria-label": "Position de la fenêtre",
  oninput: () => show(Number(slider.value))});

/** @param {Record<string, string>} options valeur : texte montré. */
function choice(options) {
  return make("select", {}, ...Object.entries(options).map(([value, text]) => make("option", {value}, text)));
}

/** Écrit un nombre, deux décimales au plus. @param {number} value */
function short(value) {
  return String(Math.round(100 * value) / 100).replace("-", "−").replace(".", ",");
}

/** Calcule, et montre une position de la fenêtre. @param {number} step */
function show(step) {
  let found, grids;
  const isPooling = operation.value !== "convolution";
  const settings = {
    stride: Number(stride.value) || 1,
    dilation: isPooling ? 1 : Number(dilation.value) || 1,
    padding: Number(padding.value) || padding.value,
    flip: flip.checked,
  };
  for (const control of [dilation, flip]) control.disabled = isPooling;
  try {
    grids = readGrids(image.value);
    if (isPooling && grids.length > 1) throw new Error("Le pooling se fait canal par canal : n'en donnez qu'un.");
    const weights = readGrids(kernel.value);
    found = isPooling ? pool(grids[0], weights[0].length, operation.value, settings)
      : convolve(grids, weights, settings);
  } catch (error) {
    shown.replaceChildren();
    said.textContent = /** @type {Error} */ (error).message;
    return;
  }
  const count = found.height * found.width, place = Math.min(step, count - 1);
  slider.max = String(count - 1);
  slider.value = String(place);
  const row = Math.floor(place / found.width), column = place % found.width;
  const terms = /** @type {any[]} */ (found.terms(row, column));
  const result = short(found.values[row][column]);
  said.textContent = `Fenêtre ${place + 1} sur ${count} : ${sentence(terms, isPooling)} = ${result}`;
  const [[above, below], [before, after]] = found.pads;
  const panels = grids.map((/** @type {number[][]} */ grid, /** @type {number} */ channel) => {
    const inside = new Set(terms.filter((term) => term.channel === channel).map(({y, x}) => `${y},${x}`));
    const rows = [];
    for (let y = -above; y < grid.length + below; y++) {
      const cells = [];
      for (let x = -before; x < grid[0].length + after; x++) {
        const value = grid[y]?.[x];
        cells.push(cell(value === undefined ? "0" : short(value),
          [value === undefined && "bord", inside.has(`${y},${x}`) && "fenetre"]));
      }
      rows.push(cells);
    }
    return panel(rows, grids.length > 1 ? `image, canal ${channel + 1}` : "image");
  });
  if ("kernel" in found) {
    panels.push(...found.kernel.map((/** @type {number[][]} */ grid, /** @type {number} */ channel) =>
      panel(grid.map((line) => line.map((value) => cell(short(value), []))),
        found.kernel.length > 1 ? `noyau, canal ${channel + 1}` : "noyau")));
  }
  panels.push(panel(found.values.map((line, i) => line.map((value, j) =>
    i * found.width + j > place ? cell("", []) : cell(short(value), [i === row && j === column && "fenetre"]))),
  `sortie, ${found.height} × ${found.width}`));
  shown.replaceChildren(...panels);
}

/** Écrit le calcul d'une fenêtre. @param {any[]} terms @param {boolean} isPooling */
function sentence(terms, isPooling) {
  if (!isPooling) {
    return terms.map(({value, weight}) => `${signed(value ?? 0)} × ${signed(weight)}`).join(" + ");
  }
  const values = terms.map(({value}) => short(value)).join(" ; ");
  return `${operation.value === "max" ? "maximum" : "moyenne"} de ${values}`;
}

/** @param {number} value */
function signed(value) {
  return value < 0 ? `(${short(value)})` : short(value);
}

/** @param {string} text @param {(string | false)[]} classes */
function cell(text, classes) {
  return make("td", {class: classes.filter(Boolean).join(" ")}, text);
}

/** @param {any[][]} rows @param {string} caption */
function panel(rows, caption) {
  const lines = rows.map((cells) => make("tr", {}, ...cells));
  return make("table", {class: "cases"}, make("caption", {}, caption), make("tbody", {}, ...lines));
}

/** Reprend un exemple des documents. @param {any} example */
function open(example) {
  image.value = example.image;
  kernel.value = example.kernel;
  operation.value = example.operation ?? "convolution";
  padding.value = String(example.padding ?? "valid");
  stride.value = String(example.stride ?? 1);
  dilation.value = String(example.dilation ?? 1);
  flip.checked = example.flip ?? false;
  show(0);
}

/** Avance ou recule d'une fenêtre. @param {number} by */
function move(by) {
  show(Math.max(0, Number(slider.value) + by));
}

async function start() {
  const known = await fetchJson("exemples.json");
  examples.append(make("option", {value: ""}, "le vôtre"),
    ...known.map((/** @type {any} */ each, /** @type {number} */ i) => make("option", {value: String(i)}, each.title)));
  examples.addEventListener("input", () => { if (examples.value) open(known[Number(examples.value)]); });
  page?.replaceChildren(
    make("p", {}, make("label", {for: "exemple"}, "Exemple des documents : "), examples),
    make("div", {class: "cote-a-cote"},
      field("image", "Image (une ligne vide entre deux canaux)", image),
      field("noyau", "Noyau, ou fenêtre", kernel)),
    make("div", {class: "cote-a-cote"}, field("operation", "Opération", operation),
      field("pas", "Pas", stride), field("padding", "Padding", padding),
      field("dilation", "Dilatation", dilation), field("retourner", "Retourner le noyau", flip)),
    make("p", {}, make("button", {type: "button", onclick: () => move(-1)}, "Fenêtre d'avant"), " ",
      make("button", {type: "button", onclick: () => move(1)}, "Fenêtre suivante"), " ", slider),
    said, shown);
  examples.value = "0";
  open(known[0]);
}

start().catch((error) => { if (page) page.textContent = error.message; });
