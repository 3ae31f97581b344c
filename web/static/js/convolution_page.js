// La page « Convolution » : une fenêtre qui glisse, chaque produit et chaque somme.

import {convolve, MAX_SIDE, pool, readGrids} from "./convolution.js";
import {fetchJson} from "./data.js";
import {make, picker, scrolling} from "./dom.js";
import {decode} from "./opening.js";
import {resize, toGrey} from "./picture.js";
import {asked, keep, kept, readControls, setControls} from "./state.js";

const page = document.getElementById("convolution");
const said = make("p", {role: "status", class: "dit"});
const checked = make("p", {class: "verifie"});
const shown = make("div", {class: "cote-a-cote"});
const field = (/** @type {string} */ id, /** @type {string} */ label, /** @type {any} */ control) => {
  control.id = id;
  control.addEventListener("input", () => { change(); show(0); });
  return make("p", {}, make("label", {for: id}, `${label} `), control);
};
const image = make("textarea", {rows: "6", cols: "26", wrap: "off", spellcheck: "false"});
const kernel = make("textarea", {rows: "4", cols: "14", wrap: "off", spellcheck: "false"});
const operation = choice({convolution: "convolution", max: "pooling : maximum", mean: "pooling : moyenne", relu: "ReLU"});
const padding = choice({valid: "aucun (valid)", same: "même taille (same)", 1: "1 case", 2: "2 cases", 3: "3 cases"});
const stride = make("input", {type: "number", min: "1", max: "12", value: "1"});
const dilation = make("input", {type: "number", min: "1", max: "12", value: "1"});
const flip = make("input", {type: "checkbox"});
const examples = make("select", {id: "exemple"});
const slider = make("input", {type: "range", min: "0", value: "0", "aria-label": "Position de la fenêtre",
  oninput: () => show(Number(slider.value))});

const controls = [image, kernel, operation, padding, stride, dilation, flip];
const PICTURE_SIDE = 12; // cases auxquelles une image est réduite

/** Les nombres ne sont plus ceux de l'exemple choisi. */
function change() {
  examples.value = "";
  checked.textContent = "";
}

/** @param {Record<string, string>} options valeur : texte montré. */
function choice(options) {
  return make("select", {}, ...Object.entries(options).map(([value, text]) => make("option", {value}, text)));
}

/** Écrit un nombre : deux décimales au plus, quatre sous un. @param {number} value */
function short(value) {
  const scale = Math.abs(value) < 1 ? 10_000 : 100;
  return String(Math.round(scale * value) / scale).replace("-", "−").replace(".", ",");
}

/** Lit un réglage. @param {any} control @param {string} name */
function whole(control, name) {
  const value = Number(control.value);
  if (!Number.isInteger(value) || value < 1 || value > Number(control.max)) {
    throw new Error(`${name} : un entier de 1 à ${control.max} est attendu.`);
  }
  return value;
}

/** Calcule, et montre une position de la fenêtre. @param {number} step */
function show(step) {
  let found, grids;
  const isConvolution = operation.value === "convolution", isRelu = operation.value === "relu";
  for (const control of [dilation, flip]) control.disabled = !isConvolution;
  for (const control of [kernel, stride, padding]) control.disabled = isRelu;
  try {
    const settings = {
      stride: isRelu ? 1 : whole(stride, "Pas"),
      dilation: isConvolution ? whole(dilation, "Dilatation") : 1,
      padding: isRelu ? 0 : Number(padding.value) || padding.value,
      flip: flip.checked,
    };
    grids = readGrids(image.value);
    if (!isConvolution && grids.length > 1) throw new Error("Cette opération se fait canal par canal : n'en donnez qu'un.");
    const weights = isRelu ? [[[1]]] : readGrids(kernel.value);
    found = isConvolution ? convolve(grids, weights, settings)
      : pool(grids[0], weights[0].length, weights[0][0].length, operation.value, settings);
  } catch (error) {
    shown.replaceChildren();
    said.textContent = /** @type {Error} */ (error).message;
    return null;
  }
  const count = found.height * found.width, place = Math.min(step, count - 1);
  slider.max = String(count - 1);
  slider.value = String(place);
  const row = Math.floor(place / found.width), column = place % found.width;
  const terms = /** @type {any[]} */ (found.terms(row, column));
  const result = short(found.values[row][column]);
  said.textContent = `Fenêtre ${place + 1} sur ${count} : ${sentence(terms)} = ${result}`;
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
  keep(readControls(controls));
  return found;
}

const MAX_TERMS = 32; // au-delà, le calcul d'une fenêtre ne se lit plus

/** Écrit le calcul d'une fenêtre. @param {any[]} terms */
function sentence(terms) {
  const few = terms.slice(0, MAX_TERMS), rest = terms.length > few.length ? ["…"] : [];
  if (operation.value === "convolution") {
    return [...few.map(({value, weight}) => `${signed(value ?? 0)} × ${signed(weight)}`), ...rest].join(" + ");
  }
  const names = {max: "maximum de ", mean: "moyenne de ", relu: "le plus grand de 0 et "};
  return names[/** @type {keyof typeof names} */ (operation.value)] +
    [...few.map(({value}) => short(value)), ...rest].join(" ; ");
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
  const table = make("table", {class: rows[0].length > PICTURE_SIDE ? "cases serre" : "cases"}, make("caption", {}, caption), make("tbody", {}, ...lines));
  return scrolling(table, caption, rows[0].length);
}

/** Reprend un exemple des documents, et le compare à ce qu'il doit donner. @param {any} example */
function open(example) {
  image.value = example.image;
  kernel.value = example.kernel;
  operation.value = example.operation ?? "convolution";
  padding.value = String(example.padding ?? "valid");
  stride.value = String(example.stride ?? 1);
  dilation.value = String(example.dilation ?? 1);
  flip.checked = example.flip ?? false;
  examples.value = example.id;
  const {values = [[]], height = 0, width = 0} = show(0) ?? {}, {expected, size} = example;
  const right = expected ? JSON.stringify(values) === JSON.stringify(expected) : String([height, width]) === String(size);
  const what = expected ? `la sortie attendue${values.length * values[0].length === 1 ? `, ${short(expected[0][0])},` : ""}`
    : `la taille attendue, ${size.join(" × ")},`;
  checked.textContent = `${example.number} : ${what} ${right ? "est" : "n'est pas"} retrouvée. ${example.note}`;
}

/** Réduit une image à quelques cases, de 0 à 255. @param {File} file */
async function readPicture(file) {
  try {
    const picture = await decode(file), scale = Math.min(1, PICTURE_SIDE / Math.max(picture.width, picture.height));
    const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
    const small = resize(picture, width, height);
    const channels = colours.checked ? [0, 1, 2].map((c) => small.pixels.filter((_, i) => i % 3 === c)) : [toGrey(small)];
    image.value = channels.map((values) => Array.from({length: height}, (_, y) =>
      [...values.slice(y * width, (y + 1) * width)].join(" ")).join("\n")).join("\n\n");
    const [first] = kernel.value.trim().split(/\n\s*\n/); // un noyau par canal
    kernel.value = channels.map(() => first).join("\n\n");
    change();
    show(0);
  } catch (error) {
    said.textContent = /** @type {Error} */ (error).message;
  }
}

const colours = make("input", {type: "checkbox", id: "couleurs"});
const file = picker({id: "fichier", accept: "image/*,.heic,.heif"}, ([chosen]) => readPicture(chosen));

/** Avance ou recule d'une fenêtre. @param {number} by */
function move(by) {
  show(Math.max(0, Number(slider.value) + by));
}

async function start() {
  const known = (await fetchJson("exemples.json")).filter((/** @type {any} */ each) => each.page === "convolution");
  const find = (/** @type {string | null} */ id) => known.find((/** @type {any} */ each) => each.id === id);
  examples.append(make("option", {value: ""}, "le vôtre"),
    ...known.map((/** @type {any} */ each) => make("option", {value: each.id}, each.title)));
  examples.addEventListener("input", () => { if (examples.value) open(find(examples.value)); });
  page?.replaceChildren(
    make("p", {}, make("label", {for: "exemple"}, "Exemple des documents : "), examples),
    make("div", {class: "cote-a-cote"},
      field("image", "Image (une ligne vide entre deux canaux)", image),
      field("noyau", "Noyau, ou fenêtre", kernel)),
    make("p", {}, make("label", {class: "bouton"}, "Prendre une image", file),
      ` réduite à ${PICTURE_SIDE} cases ; `, colours, make("label", {for: "couleurs"}, " en trois canaux"),
      ` ; à la main, ${MAX_SIDE} × ${MAX_SIDE} cases au plus`),
    make("div", {class: "cote-a-cote"}, field("operation", "Opération", operation),
      field("pas", "Pas", stride), field("padding", "Padding", padding),
      field("dilation", "Dilatation", dilation), field("retourner", "Retourner le noyau", flip)),
    make("p", {}, make("button", {type: "button", onclick: () => move(-1)}, "Fenêtre d'avant"), " ",
      make("button", {type: "button", onclick: () => move(1)}, "Fenêtre suivante"), " ", slider),
    said, shown, checked);
  const saved = kept();
  if (!saved) return open(find(asked()) ?? find("N3"));
  setControls(controls, saved);
  show(0);
}

start().catch((error) => { if (page) page.textContent = error.message; });
