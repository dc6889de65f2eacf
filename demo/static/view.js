// What is seen of the page as one line of text: in the address for an example, in this tab alone for a visitor's clip.
// It comes back when the page is loaded again, and from a link. Nothing in it is trusted: what does not exist is left.
(() => {
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const MODALITIES = "video audio text".split(" ");
  const RADIOS = "model pair head".split(" ");
  const OPEN = "time"; // the section that is open to begin with
  const MAX = 300; // letters of a view
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  async function until(test, longest = 8000) {
    const end = performance.now() + longest;
    while (!test()) { if (performance.now() > end) return false; await pause(60); }
    return true;
  }
  const store = (name) => { try { return window[name]; } catch { return null; } }; // a browser may forbid it
  const tab = store("sessionStorage"), lasting = store("localStorage");

  // Loaded again, the page asks for the last analysis with a ticket, which is good once. Another tab, even a copy of
  // this one, must not take it from a page that is still open: the ticket counts when the page has been left.
  const example = () => one("#moments [data-example]")?.dataset.example || "";
  let ready = false; // gradio listens from when it asks for the ticket
  window.visit = {
    ticket() {
      ready = true;
      const left = tab?.getItem("left"), ticket = tab?.getItem("ticket") || "";
      tab?.removeItem("left");
      tab?.removeItem("ticket");
      return left && !parse(location.hash).clip ? ticket : "";
    },
    keep(ticket) { if (ticket) tab?.setItem("ticket", ticket); },
  };
  addEventListener("pagehide", () => tab?.setItem("left", "1"));
  addEventListener("pageshow", (event) => { if (event.persisted) tab?.removeItem("left"); });

  const checked = (name) => one(`#${name} input:checked`)?.value;
  const radios = (name) => all(`#${name} input[type=radio]`);
  const opened = () => all(".section").filter((s) => s.querySelector(":scope > button.open")).map((s) => s.id.slice(8));
  const player = () => all("#clip video, #sound audio").find((p) => p.currentSrc || p.src);

  // "a=b&c=d" -> {a: "b", c: "d"}; the words below and short values only.
  function parse(text) {
    const found = {};
    for (const part of text.replace(/^#/, "").slice(0, MAX).split("&")) {
      const [, name, value] = part.match(/^(view|clip|on|more|model|pair|head|t|open)=([\w.,~-]*)$/) || [];
      if (name) found[name] = value;
    }
    return found;
  }
  const written = (view) => Object.entries(view).map((pair) => pair.join("=")).join("&");

  // What differs from how a clip is first shown.
  function read() {
    const view = example() ? { clip: example() } : {};
    const switches = MODALITIES.filter((m) => one(`#switch-${m} input:not(:disabled)`));
    const on = switches.filter((m) => one(`#switch-${m} input`).checked);
    if (on.length < switches.length) view.on = on.join(",") || "none";
    if (one("#more-models input")?.checked) view.more = "1";
    if (checked("model") && checked("model") !== radios("model")[0].value) view.model = checked("model");
    // Which map a section opens on is the most telling one of these models: a view says which it was.
    if (opened().includes("attention")) for (const name of ["pair", "head"]) if (checked(name)) view[name] = checked(name);
    const media = player();
    if (media && media.paused && media.currentTime > 0.05 && !media.ended) view.t = media.currentTime.toFixed(1);
    const open = opened().join(",") || "none";
    if (open !== OPEN) view.open = open;
    return view;
  }

  let applying = 0;
  async function apply(view) {
    const mine = ++applying;
    const goesOn = () => mine === applying;
    try {
      const button = view.clip && one(`#example-${view.clip}`);
      if (button && view.clip !== example()) {
        button.click();
        if (!(await until(() => example() === view.clip || !goesOn(), 30000))) return; // many may be asking for one
        await pause(150);
      }
      const on = view.on === undefined ? MODALITIES : view.on.split(",");
      for (const m of MODALITIES) {
        const box = one(`#switch-${m} input:not(:disabled)`);
        if (!box || box.checked === on.includes(m) || !goesOn()) continue;
        const answer = () => one("[data-server-ms]")?.dataset.serverMs, before = answer();
        box.click();
        await until(() => answer() !== before, 2500); // what can be chosen below changes with it
        await pause(100);
      }
      const more = one("#more-models input"), asked = view.more === "1";
      if (more && more.checked !== asked && goesOn()) {
        more.click();
        await until(() => Boolean(one("#more-panels .verdict")?.offsetParent) === asked); // one may be chosen below
        await pause(100);
      }
      const wanted = view.open === undefined ? [OPEN] : view.open.split(",");
      const looks = RADIOS.filter((name) => view[name] !== undefined);
      if (looks.length && !radios("model").length) wanted.push("attention");
      for (const section of all(".section")) {
        const bar = section.querySelector(":scope > button");
        if (bar && bar.classList.contains("open") !== wanted.includes(section.id.slice(8)) && goesOn()) bar.click();
      }
      if (looks.length) await until(() => radios("pair").length);
      const choose = async () => {
        for (const name of RADIOS) {
          const choices = radios(name);
          if (!choices.length || !goesOn()) continue;
          const usual = name === "model" ? choices[0].value : checked(name);
          if (name !== "head" && view[name]) await until(() => radios(name).some((r) => r.value === view[name]), 2500);
          const choice = radios(name).find((r) => r.value === (view[name] ?? usual));
          if (choice && !choice.checked) { choice.click(); await pause(250); }
        }
      };
      const drawn = () => RADIOS.map(checked).join(" ") === one("#sharpness")?.dataset.map;
      const chosen = () => looks.every((name) => checked(name) === view[name] || !radios(name).some((r) => r.value === view[name]));
      await choose();
      // A section that opens late has the server choose the most telling map, in the place of the one that was asked for.
      for (let tries = 0; looks.length && tries < 3 && goesOn(); tries++) {
        await until(drawn, 3000);
        if (chosen()) break;
        await choose();
      }
      if (view.t !== undefined && Number.isFinite(parseFloat(view.t))) {
        await until(() => player()?.readyState >= 1);
        const media = player();
        if (media && goesOn()) { media.pause(); media.currentTime = Math.min(Math.max(0, parseFloat(view.t)), media.duration || 0); }
      }
      if (goesOn()) { dispatchEvent(new Event("resize")); await pause(400); }
    } finally {
      if (goesOn()) applying = 0;
    }
  }
  window.pageView = { read, apply, parse, written, example };

  // The address follows what is seen, and the page follows the address.
  let shown = null, first = null;
  function follow() {
    if (applying || !one("#moments [data-file]") || one("#stop")?.offsetParent) return;
    const view = read(), text = written(view);
    if (first === null) first = parse(location.hash).clip ? "" : written({ clip: view.clip }); // a bare address stays bare
    if (text === shown) return;
    shown = text;
    const address = example() && text !== first ? text : "";
    if (example()) tab?.removeItem("ticket"); // an example is found by its name
    tab?.setItem("view", example() ? "" : text);
    const kept = written({ ...(parse(location.hash).view ? { view: parse(location.hash).view } : {}) });
    const hash = [kept, address].filter(Boolean).join("&");
    if (`#${hash}` !== (location.hash || "#")) history.replaceState(history.state, "", hash ? `#${hash}` : location.pathname + location.search);
    for (const link of all(".copy-link")) link.disabled = !example();
  }
  async function begin() {
    const asked = parse(location.hash), before = tab?.getItem("view");
    const own = tab?.getItem("left") && tab?.getItem("ticket") && !asked.clip;
    applying = 1; // until the clip is there
    classView();
    if (!(await until(() => ready && one("#moments [data-file]"), 60000))) { applying = 0; return; }
    if (asked.clip) await apply(asked);
    else if (own && (await until(() => !example(), 6000)) && before) await apply(parse(before));
    applying = 0;
    setInterval(follow, 400);
  }
  addEventListener("hashchange", () => { classView(); if (parse(location.hash).clip) apply(parse(location.hash)); });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".copy-link");
    if (!button) return;
    const text = `${location.origin}${location.pathname}#${written(read())}`;
    const before = button.textContent;
    try { await navigator.clipboard.writeText(text); button.textContent = button.dataset.done; } catch { prompt(before, text); }
    setTimeout(() => { button.textContent = before; }, 2000);
  });

  // For a projector: as wide as the screen, letters of 20 pixels, and views that were saved one after the other.
  const WIDTH = 1200, LEAST = 1.45; // pixels that the page is laid out for; how much larger everything is at least
  const STEPS = "class-steps", MOST = 50;
  let step = -1;
  const inClass = () => document.documentElement.classList.contains("class-view");
  function steps() {
    let saved = [];
    try { saved = JSON.parse(lasting?.getItem(STEPS) || "[]"); } catch { /* somebody else's */ }
    saved = Array.isArray(saved) ? saved.filter((text) => typeof text === "string" && parse(text).clip) : [];
    return saved.length ? saved.slice(0, MOST) : (one("#class-bar")?.dataset.steps || "").split(" ").filter(Boolean);
  }
  function classView() {
    const on = parse(location.hash).view === "class";
    document.documentElement.classList.toggle("class-view", on);
    if (document.body) document.body.style.zoom = on ? Math.max(LEAST, innerWidth / WIDTH) : "";
    const bar = one("#class-bar");
    if (!bar) return;
    bar.hidden = !on;
    bar.querySelector(".class-place").textContent = step < 0 ? `${steps().length}` : `${step + 1} / ${steps().length}`;
  }
  function go(to) {
    const known = steps();
    step = Math.min(Math.max(0, to), known.length - 1);
    classView();
    document.activeElement?.blur();
    if (known[step]) apply(parse(known[step]));
  }
  addEventListener("resize", () => { if (inClass()) classView(); });
  document.addEventListener("click", (event) => {
    const act = event.target.closest("#class-bar button")?.dataset.act;
    if (act === "back") go(step - 1);
    if (act === "next") go(step + 1);
    if (act === "save" && example()) {
      const own = lasting?.getItem(STEPS) ? steps() : [];
      lasting?.setItem(STEPS, JSON.stringify([...own, written(read())].slice(0, MOST)));
      step = steps().length - 1;
      classView();
    }
    if (act === "clear") { lasting?.removeItem(STEPS); step = -1; classView(); }
    if (act === "leave") { location.hash = written(example() ? read() : {}); }
  });
  document.addEventListener("keydown", (event) => {
    if (!inClass() || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest?.("input, select, textarea, [role=slider], [role=tab], video, audio")) return;
    const by = { ArrowRight: 1, ArrowLeft: -1, PageDown: 1, PageUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    go(step + by);
  });

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
  else begin();
})();
