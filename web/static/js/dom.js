// De quoi écrire une page : des éléments, des nombres à la française, des fichiers.

import {isWebp, upright, webpOrientation} from "./exif.js";
import {reduce} from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */

/**
 * Fait un élément.
 *
 * @param {string} tag @param {Record<string, any>} [attributes] `onclick` et ses pareils compris.
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Fait de quoi choisir des fichiers ; le même, choisi encore, compte aussi.
 * @param {Record<string, any>} attributes @param {(files: File[]) => void} receive un fichier au moins. */
export function picker(attributes, receive) {
  const input = make("input", {type: "file", ...attributes, onchange: () => {
    const files = [...input.files];
    input.value = "";
    if (files.length) receive(files);
  }});
  return input;
}

/** Fait un élément d'un dessin. @param {string} tag @param {Record<string, any>} attributes @param {...Node} children */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

const MANY = 7; // colonnes qu'un téléphone montre toutes

/** Entoure une table de quoi défiler, au clavier aussi si elle est large.
 * @param {HTMLElement} table @param {string} label @param {number} columns */
export function scrolling(table, label, columns) {
  const reached = columns > MANY ? {tabindex: "0", role: "region", "aria-label": label} : {};
  return make("div", {class: "defile", ...reached}, table);
}

/** Écrit un nombre. @param {number} value @param {number} [digits] chiffres après la virgule. */
export function number(value, digits = 1) {
  return value.toFixed(digits).replace("-", "−").replace(".", ",");
}

/** Écrit une part de [0, 1] en pour cent. @param {number} share */
export function percent(share) {
  return `${number(100 * share)} %`;
}

/** Rend l'exemple que l'adresse de la page demande, `?exemple=N3`, ou null. */
export function asked() {
  return new URLSearchParams(location.search).get("exemple");
}

/** Lit un fichier du site. @param {string} path depuis sa racine.
 * @param {(done: number) => void} [progress] part déjà reçue, de 0 à 1, si elle est connue. */
export async function fetchBytes(path, progress) {
  try {
    const response = await fetch(new URL(`../../${path}`, import.meta.url));
    if (!response.ok) throw new Error(`${path} n'est pas dans ce site (code ${response.status}).`);
    const total = Number(response.headers.get("Content-Length"));
    if (!progress || !response.body || !total || response.headers.get("Content-Encoding")) {
      return new Uint8Array(await response.arrayBuffer());
    }
    const bytes = new Uint8Array(total), reader = response.body.getReader();
    for (let place = 0; ;) {
      const {done, value} = await reader.read();
      if (done) return bytes;
      bytes.set(value, place);
      place += value.length;
      progress(place / total);
    }
  } catch (error) {
    throw error instanceof TypeError
      ? new Error(`${path} n'arrive pas : vérifiez la connexion, puis recommencez.`) : error;
  }
}

/** Montre, sous une phrase, que quelque chose se fait.
 * @template T @param {HTMLElement} said @param {Promise<T>} work @returns {Promise<T>} */
export async function waiting(said, work) {
  const bar = make("progress", {"aria-label": "Avancement"});
  said.after(bar);
  try {
    return await work;
  } finally {
    bar.remove();
  }
}

/** Lit un JSON du site. @param {string} path */
export async function fetchJson(path) {
  return JSON.parse(new TextDecoder().decode(await fetchBytes(path)));
}

const MIN_DECODED_PX = 384; // petit côté qui suffit à un réseau
const MAX_PIXELS = 89_478_485; // comme `./predict`
const STRIP_PX = 256; // lignes lues à la fois : une grande image n'est pas copiée quatre fois
const GROUND = "rgb(128, 128, 128)"; // le fond de `./predict`, sous la transparence
const UNREADABLE = "Ce fichier n'est pas une image que ce navigateur sait lire, ou elle est tronquée.";

/** Décode une image, droite, sur fond neutre. @param {Blob} blob
 * @param {number} [enough] petit côté auquel une grande photo peut être réduite. @returns {Promise<Picture>} */
export async function decode(blob, enough = MIN_DECODED_PX) {
  if (!blob.size) throw new Error("Ce fichier est vide : une image est attendue.");
  const seen = await measure(blob);
  if (seen.width * seen.height > MAX_PIXELS) {
    throw new Error(`Cette image est démesurée (${seen.width} × ${seen.height} pixels) : réduisez-la d'abord.`);
  }
  const head = new Uint8Array(await blob.slice(0, 12).arrayBuffer());
  const turn = isWebp(head) ? webpOrientation(new Uint8Array(await blob.arrayBuffer())) : 0;
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, {imageOrientation: turn ? "none" : "from-image",
      colorSpaceConversion: "none", premultiplyAlpha: "none"});
  } catch {
    throw new Error(UNREADABLE);
  }
  const {width, height} = bitmap;
  // Comme `./predict`, qui ne décode un grand JPEG qu'à la moitié, au quart ou au huitième.
  const times = Math.floor(Math.min(width, height) / enough), isJpeg = head[0] === 0xff && head[1] === 0xd8;
  const factor = (isJpeg && [8, 4, 2].find((each) => times >= each)) || 1;
  const size = {width: Math.ceil(width / factor), height: Math.ceil(height / factor)};
  try {
    const pixels = new Uint8ClampedArray(3 * size.width * size.height);
    for (let top = 0; top < height; top += STRIP_PX) {
      const strip = readStrip(bitmap, top, Math.min(STRIP_PX, height - top));
      const small = factor > 1 ? reduce(strip, factor, factor, [0, 0, width, strip.height]) : strip;
      pixels.set(small.pixels, 3 * size.width * top / factor);
    }
    return upright({...size, pixels}, turn);
  } catch {
    throw new Error("La mémoire manque pour cette image : réduisez-la d'abord.");
  } finally {
    bitmap.close();
  }
}

/** Rend la taille d'une image, sans la décoder. @param {Blob} blob
 * @returns {Promise<{width: number, height: number}>} */
async function measure(blob) {
  const image = new Image(), address = URL.createObjectURL(blob);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = address;
    });
    return {width: image.naturalWidth, height: image.naturalHeight};
  } catch {
    throw new Error(UNREADABLE);
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** Lit quelques lignes d'une image. @param {ImageBitmap} bitmap @param {number} top @param {number} height */
function readStrip(bitmap, top, height) {
  const {width} = bitmap, canvas = make("canvas", {width, height});
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.fillStyle = GROUND;
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, -top);
  const {data} = context.getImageData(0, 0, width, height);
  const pixels = new Uint8ClampedArray(3 * width * height);
  for (let i = 0, k = 0; i < data.length; i += 4) {
    pixels[k++] = data[i]; pixels[k++] = data[i + 1]; pixels[k++] = data[i + 2];
  }
  return {width, height, pixels};
}

/** Dessine une image. @param {Picture} image @param {number} [zoom] pixels d'écran par pixel. */
export function draw(image, zoom = 1) {
  const canvas = make("canvas", {width: image.width, height: image.height});
  const data = new ImageData(image.width, image.height);
  for (let i = 0, k = 0; k < image.pixels.length; i += 4) {
    data.data[i] = image.pixels[k++]; data.data[i + 1] = image.pixels[k++];
    data.data[i + 2] = image.pixels[k++]; data.data[i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
  canvas.style.width = `${image.width * zoom}px`;
  canvas.style.imageRendering = "pixelated";
  return canvas;
}
