// Where a word looks: arcs to the moments of voice and face (cross-attention, above) and to other words (self, below).
(() => {
  const byId = (id) => document.getElementById(id);
  const BEFORE = 0.4, AFTER = 0.4, SLOW = 0.5; // seconds around a moment that is played, and how fast
  const player = () => [...document.querySelectorAll("#clip video, #sound audio")].find((p) => p.currentSrc || p.src);
  const plot = () => document.querySelector("#timeline-chart .js-plotly-plot");
  const on = (modality) => document.querySelector(`#switch-${modality} input`)?.checked;
  const shown = (element) => Boolean(element && element.offsetParent);

  let read = "", clip = null, active = -1;
  function current() {
    const text = document.querySelector("#moments [data-clip]")?.dataset.clip || "";
    if (text !== read) { read = text; clip = text ? JSON.parse(text) : null; active = -1; }
    return shown(byId("stop")) ? null : clip;
  }

  // A moment at half speed; whatever else moves the player ends it.
  let until = null;
  function playMoment(time) {
    const media = player();
    if (!media) return;
    media.playbackRate = SLOW;
    media.currentTime = Math.max(0, time - BEFORE);
    until = time + AFTER;
    media.play()?.catch(() => {});
  }
  setInterval(() => {
    const media = player();
    if (until === null || !media) return;
    const away = media.currentTime > until + 0.5 || media.currentTime < until - BEFORE - AFTER - 0.5;
    if (media.currentTime < until && !away && !media.ended) return;
    if (!away) media.pause();
    media.playbackRate = 1;
    until = null;
  }, 40);

  // What the active word attends to, of the modalities that are switched on.
  function looks() {
    const found = active >= 0 && current()?.looks[active];
    if (!found || !on("text")) return [];
    return Object.entries(found).filter(([modality]) => on(modality))
      .flatMap(([modality, each]) => each.map(([time, share]) => ({ modality, time, share })));
  }

  const SVG = "http://www.w3.org/2000/svg";
  function element(parent, name, attributes) {
    const made = parent.appendChild(document.createElementNS(SVG, name));
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }
  // Where the lanes of the chart are, in its own pixels; a clip without a face, say, has no lane for it.
  function lanes(layout) {
    const lane = (axis) => layout[axis] && [layout[axis]._offset, layout[axis]._offset + layout[axis]._length];
    return { audio: lane("yaxis"), text: lane("yaxis5"), video: lane("yaxis3"), x: (time) => layout.xaxis._offset + layout.xaxis.l2p(time) };
  }
  function clickable(made, time) {
    made.addEventListener("click", (event) => { event.stopPropagation(); playMoment(time); });
  }

  function drawArcs(holder, layout) {
    const at = lanes(layout), [start, end] = clip.words[active], from = at.x((start + end) / 2);
    const svg = element(holder, "svg", { class: "arcs", width: layout.width, height: layout.height, "aria-hidden": "true" });
    for (const { modality, time, share } of looks()) {
      const to = at.x(time), self = modality === "text";
      const edge = at.text[self ? 1 : 0], rise = Math.min(70, 16 + Math.abs(to - from) / 4) * (self ? 1 : -1);
      const thickness = Math.max(0.75, Math.min(12, 1.5 * share)); // even shares
      element(svg, "path", {
        class: `arc ${modality}`, d: `M${from} ${edge}C${from} ${edge + rise} ${to} ${edge + rise} ${to} ${edge}`,
        "stroke-width": thickness, "data-share": share, "data-seconds-at": time,
      });
      if (!self && at[modality]) {
        const [top, bottom] = at[modality];
        clickable(element(svg, "rect", { class: "lit", x: to - 12, y: top, width: 24, height: bottom - top, rx: 4 }), time);
      }
      clickable(element(svg, "circle", { class: `arc-end ${modality}`, cx: to, cy: edge, r: 6 }), time);
    }
  }

  function drawWords(holder, layout) {
    const at = lanes(layout);
    clip.words.forEach(([start, end, text], i) => {
      const word = holder.appendChild(document.createElement("button"));
      Object.assign(word, { type: "button", className: "lane-word", title: said("word", { word: text }) });
      word.setAttribute("aria-label", said("word_looks", { word: text, seconds: start.toFixed(1) }));
      Object.assign(word.dataset, { word: i, seconds: start });
      Object.assign(word.style, {
        left: `${at.x(start)}px`, width: `${Math.max(6, at.x(end) - at.x(start))}px`, top: `${at.text[0]}px`, height: `${at.text[1] - at.text[0]}px`,
      });
    });
  }

  function say() {
    const place = byId("looks");
    if (!place) return;
    const found = looks(), parts = [];
    const moment = ({ time, share }, text) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "word look", textContent: `${text} (${share.toFixed(1)}×)` });
      button.setAttribute("aria-label", said("look_play", { what: text, share: share.toFixed(1) }));
      button.addEventListener("click", () => playMoment(time));
      return button;
    };
    for (const modality of ["audio", "video", "text"]) {
      const of = found.filter((look) => look.modality === modality);
      if (!of.length) continue;
      parts.push(said(`look_${modality}`));
      of.forEach((look, k) => {
        const word = modality === "text" && clip.words.find(([start, end]) => start - 0.02 <= look.time && look.time <= end + 0.02);
        parts.push(moment(look, word ? said("word", { word: word[2] }) : said("look_at", { seconds: look.time.toFixed(1) })), k < of.length - 1 ? ", " : ". ");
      });
    }
    place.replaceChildren(...(parts.length ? [Object.assign(document.createElement("b"), { textContent: said("looks_most", { word: clip.words[active][2] }) }), ...parts] : []));
  }

  function light() {
    const faces = [...document.querySelectorAll("#faces .face")], lit = new Set();
    for (const { modality, time } of looks()) {
      if (modality !== "video" || !faces.length) continue;
      const away = faces.map((face) => Math.abs(parseFloat(face.dataset.seconds) - time));
      lit.add(away.indexOf(Math.min(...away)));
    }
    faces.forEach((face, i) => face.classList.toggle("lit", lit.has(i)));
    document.querySelectorAll("#transcript .word").forEach((word, i) => word.classList.toggle("asking", i === active));
  }

  // Words stay as they are while another becomes active: a tap must end on the element on which it began.
  let words = "", arcs = "", focused = -1;
  function draw() {
    const place = plot(), layout = place?._fullLayout;
    const ready = current() && layout?.yaxis5?._length && layout.xaxis?.l2p && shown(place);
    let holder = place?.querySelector(":scope > .looks");
    const key = ready ? [read.length, read.slice(-40), layout.width, layout.height].join() : "";
    if (key !== words || Boolean(holder) !== Boolean(key)) {
      holder?.remove();
      words = key;
      arcs = "";
      if (!ready) return;
      holder = place.appendChild(Object.assign(document.createElement("div"), { className: "looks" }));
      drawWords(holder, layout);
      // What was drawn anew takes the focus with it: give it back.
      if (focused >= 0 && document.activeElement === document.body) wordAt(focused)?.focus({ preventScroll: true });
    }
    const now = [active, ["text", "video", "audio"].map(on)].join();
    if (!ready || now === arcs) return;
    arcs = now;
    holder.querySelector("svg")?.remove();
    if (active >= 0) drawArcs(holder, layout);
    holder.querySelectorAll(".lane-word").forEach((word, i) => { word.tabIndex = i === Math.max(active, 0) ? 0 : -1; });
    say();
    light();
  }

  const wordAt = (index) => plot()?.querySelector(`.lane-word[data-word="${index}"]`);
  function wordOf(target) {
    const lane = target.closest?.(".lane-word");
    if (lane) return Number(lane.dataset.word);
    const word = target.closest?.("#transcript .word");
    return word ? [...document.querySelectorAll("#transcript .word")].indexOf(word) : -1;
  }
  function ask(word) {
    if (word < 0 || word === active || !current()) return;
    active = word;
    draw();
  }
  for (const event of ["pointerover", "focusin", "click"]) document.addEventListener(event, ({ target }) => ask(wordOf(target)));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { active = -1; draw(); }
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const lane = step && event.target.closest?.(".lane-word");
    if (!lane) return;
    event.preventDefault();
    wordAt(Number(lane.dataset.word) + step)?.focus({ preventScroll: true });
  });
  for (const event of ["focusin", "pointerdown"]) {
    document.addEventListener(event, ({ target }) => { focused = Number(target.closest?.(".lane-word")?.dataset.word ?? -1); });
  }
  setInterval(draw, 200);
})();
