// Une photo HEIC, que peu de navigateurs lisent, convertie en PNG par libheif.

import {ask} from "./ask.js";
import {MAX_PIXELS} from "./decode.js";

const ADVICE = "convertissez-la en JPEG (sur l'appareil : réglages de l'appareil photo, format « le plus compatible »).";
/** @type {Promise<any> | undefined} */
let loading;

/** Charge libheif, la première fois seulement. */
async function begin() {
  const [text, wasmBinary] = await Promise.all([ask("libheif/libheif.js"), ask("libheif/libheif.wasm")]);
  /** @type {any} */ (globalThis).importScripts(URL.createObjectURL(new Blob([text], {type: "text/javascript"})));
  return /** @type {any} */ (globalThis).libheif({wasmBinary});
}

/** Convertit une photo, droite. @param {Blob} blob @returns {Promise<Blob>} */
export async function toPng(blob) {
  try {
    loading ??= begin().catch((error) => {
      loading = undefined; // à redemander : le réseau peut revenir
      throw error;
    });
    const [image] = new (await loading).HeifDecoder().decode(await blob.arrayBuffer());
    const width = image.get_width(), height = image.get_height();
    if (width * height > MAX_PIXELS) throw new Error("trop grande");
    const pixels = new ImageData(width, height), canvas = new OffscreenCanvas(width, height);
    await new Promise((resolve, reject) => image.display(pixels, (/** @type {any} */ done) => (done ? resolve(done) : reject(new Error()))));
    canvas.getContext("2d")?.putImageData(pixels, 0, 0);
    return await canvas.convertToBlob();
  } catch {
    throw new Error(`C'est une photo HEIC, qui ne se lit pas ici : ${ADVICE}`);
  }
}
