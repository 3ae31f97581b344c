// La recherche : un mot sans ses accents, comme dans l'index (voir web/search.py), et les leçons d'abord.

const FrenchWords = window.Stemmer;
window.Stemmer = function () {
  const words = new FrenchWords();
  this.stemWord = (word) => words.stemWord(word.normalize("NFD").replace(/\p{M}/gu, ""));
};

const LESSON = /^(ex\d\d_\w+|glossaire)$/, SOURCE = /^ex\d\d_\w+\//; // des pages, par leur nom
var Scorer = {
  // D'une page : [nom, titre, ancre, description, note, fichier].
  score: ([page, , , , score]) => score + (LESSON.test(page) ? 100 : SOURCE.test(page) ? -100 : 0),
  // Le reste est ce que Sphinx emploie quand rien n'est dit.
  objNameMatch: 11, objPartialMatch: 6, objPrio: {0: 15, 1: 5, 2: -5}, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};
