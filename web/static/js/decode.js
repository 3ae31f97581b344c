// Décoder une image, comme `./predict` la décode : droite, sur fond neutre, réduite si elle est grande.

import {isWebp, upright, webpOrientation} from "./exif.js";
import {reduce} from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */

const MIN_DECODED_PX = 384; // petit côté qui suffit à un réseau
export const MAX_PIXELS = 89_478_485; // comme `./predict`
const ALPHA_PX = 256; // côté auquel garder ce qui est opaque
const STRIP_PX = 256; // lignes lues à la fois : une grande image n'est pas copiée quatre fois
const GROUND = "rgb(128, 128, 128)"; // le fond de `./predict`, sous la transparence
export const UNREADABLE = "Ce fichier n'est pas une image que ce navigateur sait lire, ou elle est tronquée.";

/** Décode une image, que `check` a acceptée ; un Worker le peut aussi. @param {Blob} blob
 * @param {number} [enough] petit côté auquel une grande photo peut être réduite. @returns {Promise<Picture>} */
export async function readPixels(blob, enough = MIN_DECODED_PX) {
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
    return upright({...size, pixels, alpha: isJpeg ? undefined : readAlpha(bitmap)}, turn);
  } catch {
    throw new Error("La mémoire manque pour cette image : réduisez-la d'abord.");
  } finally {
    bitmap.close();
  }
}

/** Lit ce qu'une image a d'opaque, en petit. @param {ImageBitmap} bitmap */
function readAlpha(bitmap) {
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.min(side, ALPHA_PX));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d"));
  context.imageSmoothingEnabled = false; // le pixel le plus proche, comme Pillow
  context.drawImage(bitmap, 0, 0, width, height);
  return {width, height, values: context.getImageData(0, 0, width, height).data.filter((_, i) => i % 4 === 3)};
}

/** Lit quelques lignes d'une image. @param {ImageBitmap} bitmap @param {number} top @param {number} height */
function readStrip(bitmap, top, height) {
  const {width} = bitmap, canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", {willReadFrequently: true}));
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
