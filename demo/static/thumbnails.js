// Des vignettes à cliquer. props.value : le nom de la dernière choisie.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  props.value = button.dataset.name;
  trigger("select");
});
