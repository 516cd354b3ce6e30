// The mapping page: of the choices only those that belong to the way of importing, of the places those of the level.
const mode = document.getElementById("mode");

function show() {
  for (const field of document.querySelectorAll("[data-modes]")) {
    field.hidden = !field.dataset.modes.split(" ").includes(mode.value);
  }
  const code = document.getElementById("code");
  const level = document.getElementById("level");
  const whole = level.value === "all";
  code.disabled = whole;
  code.required = mode.value === "replace" && !whole;
  code.closest(".field").hidden ||= whole;
  code.setAttribute("list", `places_${level.value}`);
  name();
}

// Beside a code the name of its place, so that nobody replaces a set by a slip of the finger.
function name() {
  const code = document.getElementById("code");
  const hint = document.getElementById("code-hint");
  hint.dataset.words ??= hint.textContent;
  const place = [...(code.list?.options ?? [])].find((option) => option.value === code.value.trim());
  hint.textContent = place ? place.label : hint.dataset.words;
}

if (mode) {
  mode.addEventListener("change", show);
  document.getElementById("code").addEventListener("input", name);
  document.getElementById("level").addEventListener("change", () => {
    document.getElementById("code").value = "";
    show();
  });
  show();
}
