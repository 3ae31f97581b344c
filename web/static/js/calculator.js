// Demander un calcul au Worker de `worker.js` : la page reste vive pendant qu'il se fait.

import {course, fetchBytes} from "./data.js";

/** @typedef {(part: number | null, text?: string) => void} Report part faite, de 0 à 1, si elle est connue ; ce qui se fait. */
/** @type {Map<number, {resolve: (result: any) => void, reject: (error: Error) => void, report: Report}>} */
const jobs = new Map();
/** @type {Promise<Worker> | undefined} */
let starting;
let count = 0;
const PLAIN = ["hear", "separate", "place", "find", "passes", "grid", "epoch", "archive"]; // ce qui ne demande que du JavaScript

/**
 * Fait faire un calcul.
 *
 * @param {string} task une de celles de `worker.js`. @param {any} [args] @param {Report} [report]
 * @returns {Promise<any>}
 */
export async function compute(task, args, report = () => {}) {
  if (typeof WebAssembly === "undefined" && !PLAIN.includes(task)) {
    throw new Error("Ce navigateur n'a pas WebAssembly, dont ce calcul a besoin : essayez-en un autre.");
  }
  starting ??= start().catch((error) => {
    starting = undefined; // à redemander : le réseau peut revenir
    throw error;
  });
  const worker = await starting, id = ++count;
  return new Promise((resolve, reject) => {
    jobs.set(id, {resolve, reject, report});
    worker.postMessage({id, task, args});
  });
}

/** Arrête ce qui dure : le calcul en cours échoue. */
export async function stop() {
  (await starting)?.postMessage({stop: true});
}

/** Lance le Worker, d'un texte : d'un dossier, un navigateur n'en lance pas d'un fichier. */
async function start() {
  const text = new TextDecoder().decode(await fetchBytes("calcul.js"));
  const worker = new Worker(URL.createObjectURL(new Blob([text], {type: "text/javascript"})));
  worker.onmessage = ({data}) => (data.need ? supply(worker, data.need) : settle(data));
  worker.onerror = () => {
    starting = undefined;
    for (const id of jobs.keys()) settle({id, error: "Le calcul s'est arrêté : rechargez la page."});
  };
  return worker;
}

/** Donne au Worker un fichier du site, qu'il ne peut lire lui-même. @param {Worker} worker @param {string} path */
async function supply(worker, path) {
  try {
    const bytes = await fetchBytes(path, (part) => { for (const {report} of jobs.values()) report(part); });
    worker.postMessage({path, bytes}, [bytes.buffer]);
  } catch (error) {
    worker.postMessage({path, error: /** @type {Error} */ (error).message});
  }
}

/** Rend ce que le Worker répond. @param {any} answer */
function settle({id, result, error, part, text}) {
  const job = jobs.get(id);
  if (part !== undefined) return job?.report(part, text);
  jobs.delete(id);
  if (error) job?.reject(new Error(error));
  else job?.resolve(result);
}

course.compute = compute; // que les tests comparent à `./predict`
