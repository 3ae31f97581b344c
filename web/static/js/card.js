// La fiche d'un modèle, que son compte rendu donne.

/**
 * @typedef {object} Card Ce qu'un compte rendu dit d'un modèle ; voir convnets/serving/card.py.
 * @property {string[]} classes noms français.
 * @property {string} framing comment une image est amenée à un carré.
 * @property {[string, number][]} views cadrage et zoom de chaque vue d'une photo.
 * @property {number} temperature qui divise les scores ; 1 : aucune.
 * @property {{side_px: number, sure: number} | null} glance premier regard, plus petit : son côté, et
 *     la probabilité à partir de laquelle il suffit.
 * @property {{first: number, sure: number} | null} garments d'un réseau qui nomme aussi des objets : le numéro du
 *     premier vêtement, et la probabilité sous laquelle on doute d'un vêtement.
 * @property {number | null} familiarity seuil sous lequel une image est étrangère.
 * @property {number} least probabilité sous laquelle une réponse n'est pas sûre.
 * @property {string | null} base nom du fichier de la base que ce modèle, une tête, demande.
 */

/** Ce que valent `MIN_PROBABILITY` et `MORE_LIKELY_WRONG` de convnets/serving/say.py. @type {Record<string, number>} */
const LEAST = {photos: 0.7, thumbnails: 0.7};
const MORE_LIKELY_WRONG = 0.5;

/** Lit la fiche d'un compte rendu. @param {any} report @returns {Card} */
export function readCard(report) {
  const classes = report?.classes_fr ?? report?.classes;
  if (!Array.isArray(classes) || !classes.length) {
    throw new Error("Ce compte rendu ne nomme pas de classes : ce modèle ne nomme pas une image.");
  }
  const framing = report.framing ?? "crop";
  return {
    classes,
    framing,
    views: report.views ?? [[framing, 1]],
    temperature: report.calibration?.temperature ?? 1,
    glance: report.glance?.side_px ? report.glance : null,
    garments: report.garments ?? null,
    familiarity: report.familiarity?.threshold ?? null,
    least: report.made_from ? 0 : LEAST[report.exercise] ?? MORE_LIKELY_WRONG, // un réseau d'ailleurs n'a pas été mesuré
    base: report.base ? baseFile(report.base) : null,
  };
}

/** Nomme le fichier d'une base, d'après ce qu'en dit un compte rendu ; voir convnets/serving/base.py. @param {any} base */
function baseFile({name, input_px: side, layer, sha256}) {
  return `cours-cnn-${String(name).toLowerCase()}-${side}px-${layer}-${String(sha256).slice(0, 16)}.tflite`;
}
