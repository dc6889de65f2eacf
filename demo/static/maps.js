// All maps at a glance: small canvases, of which a click or Enter enlarges one; arrow keys move between them.
(() => {
  const byId = (id) => document.getElementById(id);
  const all = () => [...document.querySelectorAll("#map-grid .map")];

  // "#00224e;…" -> 256 colours at equal distances.
  function palette(text) {
    const stops = text.split(";").map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
    return Array.from({ length: 256 }, (_, level) => {
      const place = (level / 255) * (stops.length - 1), i = Math.min(Math.floor(place), stops.length - 2);
      return stops[i].map((from, k) => Math.round(from + (place - i) * (stops[i + 1][k] - from)));
    });
  }

  function paint(grid) {
    const colours = palette(grid.dataset.scale);
    for (const canvas of grid.querySelectorAll("canvas")) {
      const levels = atob(canvas.dataset.levels), context = canvas.getContext("2d");
      const image = context.createImageData(canvas.width, canvas.height);
      for (let i = 0; i < levels.length; i++) image.data.set([...colours[levels.charCodeAt(i)], 255], 4 * i);
      context.putImageData(image, 0, 0);
    }
    grid.dataset.painted = "";
  }

  // The enlarged map is pressed; it, or the one that has the focus, is where the Tab key stops.
  function mark() {
    const chosen = byId("sharpness")?.dataset.map, maps = all();
    const stop = maps.find((map) => map === document.activeElement) || maps.find((map) => map.dataset.map === chosen) || maps[0];
    for (const map of maps) {
      const pressed = String(map.dataset.map === chosen), index = map === stop ? 0 : -1;
      if (map.getAttribute("aria-pressed") !== pressed) map.setAttribute("aria-pressed", pressed);
      if (map.tabIndex !== index) map.tabIndex = index;
    }
  }

  // As a visitor would with the form controls: the model, then, once its pairs are there, the pair and the head.
  let latest = 0;
  async function choose(map) {
    const [model, pair, head] = map.dataset.map.split(" "), turn = ++latest;
    const control = (name, value) => document.querySelector(`#${name} input[value="${value}"]`);
    const press = (name, value) => { const found = control(name, value); if (found && !found.checked) found.click(); };
    press("model", model);
    for (let tries = 0; tries < 100 && !control("pair", pair); tries++) await new Promise((done) => setTimeout(done, 50));
    if (turn !== latest) return;
    press("pair", pair);
    press("head", head);
  }

  document.addEventListener("click", (event) => {
    const map = event.target.closest("#map-grid .map");
    if (map) choose(map);
  });

  document.addEventListener("keydown", (event) => {
    const map = event.target.closest?.("#map-grid .map");
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!map || !step) return;
    event.preventDefault();
    const rows = [...document.querySelectorAll("#map-grid .map-row")].map((row) => [...row.querySelectorAll(".map")]);
    const row = rows.findIndex((each) => each.includes(map));
    const to = rows[row + step[0]]?.[rows[row].indexOf(map) + step[1]];
    if (to) { to.focus(); mark(); }
  });

  // What is drawn anew takes the focus with it: it is given back as soon as the new maps are there.
  let focused = "";
  for (const event of ["focusin", "pointerdown"]) {
    document.addEventListener(event, ({ target }) => { focused = target.closest?.("#map-grid .map")?.dataset.map || ""; });
  }
  setInterval(() => {
    const grid = document.querySelector("#map-grid .maps");
    if (!grid) return;
    if (!("painted" in grid.dataset)) {
      paint(grid);
      if (focused && document.activeElement === document.body) all().find((map) => map.dataset.map === focused)?.focus({ preventScroll: true });
    }
    mark();
  }, 150);
})();
