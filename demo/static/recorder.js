// One press records: the camera opens, three seconds are counted over the clip, and the recording begins. Another press
// ends it; Escape calls it off before it has begun. Whoever wants it has the last second counted recorded too, as the
// neutral face with which the face of the clip is then compared.
(() => {
  const byId = (id) => document.getElementById(id);
  const clip = (selector) => document.querySelector(`#clip ${selector}`);
  const CAPTURE = '[aria-label="Capture from camera"]', GRANT = '[title="grant webcam access"]';
  const RECORD = '[aria-label="start recording"]', CAMERA = '[data-testid="webcam-video"]';
  const OTHER = '[id^="example-"], #clip [aria-label="Upload file"], #clip [aria-label="Clear"]'; // who asks for another clip does not record
  const SECONDS = 3, PATIENCE = 60; // to count, and until the camera must be open: people read what a browser asks them
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  let turn = 0, phase = "", since = 0; // "", "opening", "counting", "recording"
  let neutral = false; // whether the clip that is recorded begins with a neutral face

  function show(next, count = "") {
    const box = byId("recorder");
    if (!box) return;
    const said = JSON.parse(box.dataset.said), before = phase;
    phase = next;
    box.hidden = !phase;
    box.dataset.phase = phase;
    const now = neutral && performance.now() - since < 1000 ? said.neutral : said.recording;
    const doing = { opening: said.wait, counting: said.count, recording: now }[phase] || "";
    const place = box.querySelector(".recorder-doing"), stop = box.querySelector(".recorder-stop");
    if (place.textContent !== doing) place.textContent = doing;
    box.querySelector(".recorder-count").textContent = count;
    stop.textContent = phase === "recording" ? said.stop : said.cancel;
    if (["counting", "recording"].includes(phase) && before !== phase) stop.focus({ preventScroll: true });
    if (!phase && before && document.activeElement === document.body) clip(CAPTURE)?.focus({ preventScroll: true });
  }
  const say = (text) => { const place = byId("recorder")?.querySelector(".recorder-say"); if (place) place.textContent = text ? window.said("word", { word: text }) : ""; };
  const refused = () => byId("capture-note") && !byId("capture-note").hidden;
  const open = () => { const camera = clip(CAMERA); return camera?.offsetParent && camera.videoWidth > 0; };

  // Whether the camera shows a picture, in the end. A press is lost where gradio has drawn the button but does not listen
  // yet, and the camera's place where an example that was asked for before comes only now: both are repeated.
  async function opens(goesOn) {
    const until = performance.now() + 1000 * PATIENCE;
    let granted = -Infinity, placed = performance.now(), times = 0;
    while (goesOn() && !open()) {
      const now = performance.now(), grant = clip(GRANT);
      if (grant || clip(CAMERA)) placed = now;
      else if (now - placed > 1500) { placed = now; clip(CAPTURE)?.click(); }
      if (grant && times < 3 && now - granted > 8000) { granted = now; times++; (grant.querySelector("button") || grant).click(); }
      if (refused() || now > until) return false;
      await pause(100);
    }
    return goesOn();
  }
  // Whether the camera was there to the end of the countdown.
  async function counted(goesOn) {
    for (let left = SECONDS; left > 0 && goesOn(); left--) {
      neutral = byId("recorder-neutral")?.checked || false;
      if (neutral && left === 1) break;
      show("counting", String(left));
      const next = performance.now() + 1000;
      while (goesOn() && performance.now() < next) {
        if (!open()) return false;
        await pause(50);
      }
    }
    return true;
  }
  async function run() {
    if (!navigator.mediaDevices) return; // page.js says why
    const mine = ++turn, goesOn = () => mine === turn, note = byId("capture-note");
    if (note) note.hidden = true; // of an earlier try
    neutral = false;
    for (let again = 2; again > 0; again--) {
      show("opening");
      if (!(await opens(goesOn))) break;
      if (await counted(goesOn)) { if (goesOn()) clip(RECORD)?.click(); return; }
    }
    if (goesOn()) end();
  }
  function end() { turn++; show(""); say(""); }
  // As soon as the clip is read, its face is compared with the neutral one.
  async function compare() {
    const read = () => document.querySelector("#moments [data-file]"), before = read(), until = performance.now() + 1000 * PATIENCE;
    while (performance.now() < until && (!read() || read() === before)) await pause(200);
    const wanted = document.querySelector("#neutral input");
    if (read() !== before && wanted?.offsetParent && !wanted.checked) wanted.click();
  }

  addEventListener("recordingstarts", () => { since = performance.now(); turn++; show("recording", "0"); });
  addEventListener("recordingstops", () => { if (neutral) compare(); neutral = false; end(); });
  setInterval(() => { if (phase === "recording") show(phase, ((performance.now() - since) / 1000).toFixed(0)); }, 250);

  document.addEventListener("click", (event) => {
    if (event.target.closest?.(`#clip ${CAPTURE}`) && !phase) return run();
    if (event.target.closest?.(OTHER) && ["opening", "counting"].includes(phase)) return end();
    if (!event.target.closest?.("#recorder .recorder-stop")) return;
    if (phase === "recording") clip(RECORD)?.click();
    else end();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && phase && phase !== "recording") end(); });

  // After a verdict: what is to be said is in what the server answered; nothing is recorded without it.
  window.recorder = {
    begin(answer) {
      const read = Object.assign(document.createElement("template"), { innerHTML: answer || "" });
      const asked = read.content.querySelector("[data-say]");
      if (!asked || phase) return;
      byId("watch")?.scrollIntoView({ block: "nearest" });
      clip(CAPTURE)?.click();
      say(asked.dataset.say);
    },
  };
})();
