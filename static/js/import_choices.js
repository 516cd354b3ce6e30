// The mapping page: of the choices only those that belong to the way of importing.
const mode = document.getElementById("mode");

function show() {
  for (const field of document.querySelectorAll("[data-modes]")) {
    field.hidden = !field.dataset.modes.split(" ").includes(mode.value);
  }
  const code = document.getElementById("code");
  const level = document.getElementById("level");
  code.disabled = level.value === "all";
  code.required = mode.value === "replace" && level.value !== "all";
}

if (mode) {
  mode.addEventListener("change", show);
  document.getElementById("level").addEventListener("change", show);
  show();
}
