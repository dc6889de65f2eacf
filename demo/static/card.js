// The verdicts as a picture to send on: drawn here, without the face unless it is asked for, and shown before it leaves.
(() => {
  const one = (selector) => document.querySelector(selector);
  const SIDE = 1080, MARGIN = 64, PICTURE = 300; // pixels
  let file = null, drawn = 0, of = ""; // of: what the picture that is shown was made of

  function colours() {
    const style = getComputedStyle(document.body), of = (name) => style.getPropertyValue(`--${name}`).trim();
    return Object.fromEntries(["paper", "wash", "ink", "muted", "line", "accent"].map((name) => [name, of(name)]));
  }
  function lines(brush, text, width, most) {
    const found = [""];
    for (const word of text.split(/\s+/)) {
      const longer = `${found.at(-1)} ${word}`.trim();
      if (brush.measureText(longer).width <= width || !found.at(-1)) found[found.length - 1] = longer;
      else found.push(word);
    }
    if (found.length > most) found[most - 1] += " …";
    return found.slice(0, most);
  }
  // The middle of what the clip shows, as a square.
  function face(brush, left, top) {
    const video = one("#clip video[src]:not([data-testid='webcam-video'])");
    if (!video?.videoWidth) return false;
    const side = Math.min(video.videoWidth, video.videoHeight);
    brush.drawImage(video, (video.videoWidth - side) / 2, (video.videoHeight - side) / 2, side, side, left, top, PICTURE, PICTURE);
    return true;
  }
  function verdict(brush, colour, font, take, none, left, middle, width) {
    brush.fillStyle = colour.wash;
    brush.fillRect(left, middle - 34, width, 68);
    if (take) {
      brush.fillStyle = take.colour;
      brush.fillRect(left, middle - 34, Math.max(4, width * take.share), 68);
      brush.fillRect(left, middle + 38, width, 4);
    }
    // Letters stand on the colour and beside it: an edge in the colour of the paper keeps them readable on both.
    brush.font = `600 32px ${font}`;
    brush.lineWidth = 6;
    brush.lineJoin = "round";
    brush.strokeStyle = colour.paper;
    brush.fillStyle = take ? colour.ink : colour.muted;
    const text = take ? `${take.label} ${take.said}` : none;
    brush.strokeText(text, left + 14, middle + 11, width - 28);
    brush.fillText(text, left + 14, middle + 11, width - 28);
  }

  function draw(card, withFace) {
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    const brush = canvas.getContext("2d"), colour = colours(), font = getComputedStyle(document.body).fontFamily;
    // Letters move together where a line is longer than its room.
    const text = (said, x, y, size, weight, fill, room = SIDE - 2 * MARGIN) => { brush.font = `${weight} ${size}px ${font}`; brush.fillStyle = fill; brush.fillText(said, x, y, room); };
    brush.fillStyle = colour.paper;
    brush.fillRect(0, 0, SIDE, SIDE);
    const pictured = withFace && face(brush, SIDE - MARGIN - PICTURE, MARGIN);
    text(card.title, MARGIN, MARGIN + 44, 52, 650, colour.ink);
    const width = SIDE - 2 * MARGIN - (pictured ? PICTURE + 40 : 0);
    brush.font = `400 38px ${font}`;
    const said = card.said ? lines(brush, fill(card.quoted, { text: card.said }), width, 4) : [];
    said.forEach((line, i) => text(line, MARGIN, MARGIN + 120 + 52 * i, 38, 400, colour.ink));
    const takes = Math.max(...card.lines.map((line) => line.takes.length)), first = 462, step = 98, names = 290;
    const room = (SIDE - 2 * MARGIN - names - 24 * (takes - 1)) / takes;
    if (takes > 1) card.names.forEach((name, i) => text(name, MARGIN + names + i * (room + 24), first - 52, 34, 650, colour.accent));
    card.lines.forEach((line, row) => {
      const middle = first + row * step;
      text(line.name, MARGIN, middle + 11, 32, row < 2 ? 650 : 400, colour.ink, names - 20);
      line.takes.forEach((take, i) => verdict(brush, colour, font, take, card.none, MARGIN + names + i * (room + 24), middle, room));
    });
    brush.fillStyle = colour.accent;
    brush.fillRect(MARGIN, SIDE - MARGIN - 62, 120, 5);
    text(card.limits, MARGIN, SIDE - MARGIN - 8, 32, 400, colour.muted);
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  }

  async function show() {
    const box = one("#card-box"), from = one("#takes [data-card]");
    if (!box || !from) return;
    const turn = ++drawn, made = from.dataset.card, card = JSON.parse(made);
    const picture = await draw(card, one("#card-face").checked);
    if (turn !== drawn || !picture) return;
    of = made;
    file = new File([picture], card.file, { type: "image/png" });
    const image = box.querySelector("img");
    if (image.src) URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(picture);
    box.querySelector(".card-share").hidden = !navigator.canShare?.({ files: [file] });
    const opens = box.hidden;
    box.hidden = false;
    if (opens) box.querySelector(".card-save").focus();
  }
  function close(focus) {
    const box = one("#card-box"), image = box?.querySelector("img");
    if (!box || box.hidden) return;
    box.hidden = true;
    drawn++;
    file = null;
    URL.revokeObjectURL(image.src);
    image.removeAttribute("src");
    one("#card-face").checked = false;
    if (focus) one("#make-card")?.focus({ preventScroll: true });
  }
  function save() {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: file.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 30000);
  }

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    if (at("#make-card")) show();
    else if (at(".card-close")) close(true);
    else if (at(".card-save") && file) save();
    else if (at(".card-share") && file) navigator.share({ files: [file] }).catch(() => {}); // whoever calls it off says nothing
  });
  document.addEventListener("change", (event) => { if (event.target.id === "card-face") show(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(true); });
  // What is shown is of the clip that is there: with another one it goes.
  setInterval(() => { if (one("#takes [data-card]")?.dataset.card !== of) close(false); }, 300);
})();
