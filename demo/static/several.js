// Several clips: a press on a clip opens its row, which the server draws; the focus stays on it.
(() => {
  let presses = 0;
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".many-open");
    const field = button && document.querySelector("#many-row :is(input, textarea)");
    if (!field) return;
    button.setAttribute("aria-busy", "true");
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, `${button.dataset.row} ${++presses}`);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  window.rowOpened = (pressed) => document.querySelector(`.many-open[data-row="${parseInt(pressed, 10)}"]`)?.focus();
})();
