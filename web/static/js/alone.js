// Une page d'atelier ouverte avec `?seul` ne montre que l'atelier : dans une diapositive, un autre site ou une leçon.
//
// Dans un cadre, elle dit aussi sa hauteur à la page qui la montre (voir frames.js).

if (new URLSearchParams(location.search).has("seul")) {
  document.documentElement.classList.add("seul"); // avant que la page soit peinte ; le reste est dans site.css
  document.addEventListener("DOMContentLoaded", () => {
    new ResizeObserver(() => parent.postMessage({height: document.body.offsetHeight}, "*")).observe(document.body);
  });
}
