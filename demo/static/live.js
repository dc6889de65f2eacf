// The Live tab in the browser. One step at a time: the next picture is taken only after the last answer.
const root = element.querySelector(".live");
const find = (selector) => root.querySelector(selector);
const labels = root.dataset.labels.split(",");
const video = find("video"), start = find(".live-start"), doing = find(".live-doing");
const canvas = document.createElement("canvas");
const FASTEST = 140; // milliseconds from picture to picture: about seven a second, to leave something for the rest
const NEUTRAL = 3000; // milliseconds of a baseline
const MINUTE = 60000;
const colours = root.dataset.colours.split(",");
const neutral = find(".live-neutral"), note = find(".live-neutral-note"), failing = find(".live-failing");
// Not two strings: gradio takes every name in quotes for an event of this part, and one of these two names breaks it.
const MODELS = "cross self".split(" ");
const view = find(".live-view"), others = [...root.querySelectorAll(".live-other")];
const LINGER = 700; // milliseconds for which the frame of another person stays where a face was: a tap takes a while
const said = JSON.parse(root.dataset.said); // sentences for what this page finds out by itself
const names = JSON.parse(root.dataset.names), titles = JSON.parse(root.dataset.models);
let run = null;

const WORKLET = `registerProcessor("tap", class extends AudioWorkletProcessor {
  process(inputs) { if (inputs[0][0]) this.port.postMessage(inputs[0][0].slice()); return true; } });`;

function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

// Gradio's caller gives nothing back where a call did not reach the server or was refused.
async function ask(call, data) {
  const answer = await call(data).catch(() => undefined);
  return answer ?? { error: await whyNot() };
}

async function whyNot() {
  if (!navigator.onLine) return said.offline;
  const there = await fetch(new URL("gradio_api/queue/status", document.baseURI), { cache: "no-store" }).catch(() => null);
  return there && there.ok ? said.refused : said.lost;
}

async function begin() {
  const mine = { chunks: [], samples: 0, dropped: 0, times: [], moments: [], baseline: "" };
  run = mine;
  start.textContent = said.stop;
  doing.textContent = said.opening;
  let failed = said.camera;
  try {
    mine.stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 480 }, height: { ideal: 360 }, frameRate: { ideal: 15 }, facingMode: "user" },
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    if (run !== mine) return release(mine);
    for (const track of mine.stream.getTracks()) {
      track.addEventListener("ended", () => run === mine && end(said.ended));
    }
    video.srcObject = mine.stream;
    await video.play();
    shape();
    failed = said.sound;
    mine.context = new AudioContext();
    await mine.context.audioWorklet.addModule(URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" })));
    const tap = new AudioWorkletNode(mine.context, "tap");
    tap.port.onmessage = ({ data }) => {
      mine.chunks.push(data);
      mine.samples += data.length;
      while (mine.samples > 3.5 * mine.context.sampleRate) { // a stalled server: old sound is let go, not saved up
        const old = mine.chunks.shift().length;
        mine.samples -= old;
        mine.dropped += old;
      }
    };
    mine.context.createMediaStreamSource(mine.stream).connect(tap);
  } catch (error) {
    return run === mine ? end(failed) : release(mine);
  }
  const begun = await ask(server.live_begin, {});
  mine.ticket = begun.ticket;
  if (run !== mine) return release(mine);
  if (begun.error) return end(begun.error);
  neutral.hidden = note.hidden = find(".live-course").hidden = false;
  while (run === mine) {
    const began = performance.now();
    const answer = await ask(server.live_step, next(mine));
    if (run !== mine) break;
    if (answer.error) return end(answer.error);
    show(mine, answer);
    await new Promise((done) => setTimeout(done, Math.max(5, FASTEST - (performance.now() - began))));
  }
}

// The picture keeps its shape, whichever way a telephone is held: frames lie where faces are.
function shape() {
  if (video.videoWidth) view.style.setProperty("--ratio", video.videoWidth / video.videoHeight);
}
video.addEventListener("resize", shape);

// A tap on a face has that person followed; the picture is shown as a mirror.
view.addEventListener("click", (event) => {
  if (!run) return;
  const other = event.target.closest(".live-other"), box = view.getBoundingClientRect();
  run.person = other ? other.dataset.middle.split(",").map(Number)
    : [1 - (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((x) => Math.min(1, Math.max(0, x)));
});

function frame(part, box) {
  const [x, y, w, h] = box.map((share) => `${share * 100}%`);
  Object.assign(part.style, { left: x, top: y, width: w, height: h });
}

function showOthers(boxes, now) {
  others.forEach((part, i) => {
    if (boxes[i]) {
      const [x, y, w, h] = boxes[i];
      frame(part, boxes[i]);
      part.dataset.middle = [x + w / 2, y + h / 2];
      part.dataset.seen = now;
    }
    part.hidden = !(now - Number(part.dataset.seen) < LINGER);
  });
  find(".live-several").hidden = others.every((part) => part.hidden);
}

function next(mine) {
  canvas.width = 400;
  canvas.height = Math.round((400 * video.videoHeight) / (video.videoWidth || 1)) || 300;
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  const sound = new Int16Array(mine.samples);
  let at = 0;
  for (const chunk of mine.chunks) for (const x of chunk) sound[at++] = Math.max(-1, Math.min(1, x)) * 32767;
  mine.chunks = [];
  mine.samples = 0;
  return {
    ticket: mine.ticket,
    picture: canvas.toDataURL("image/jpeg", 0.8).split(",")[1],
    sound: base64(new Uint8Array(sound.buffer)),
    rate: mine.context.sampleRate,
    baseline: baseline(mine),
    person: tapped(mine),
    modalities: [...root.querySelectorAll(".live-switches input:checked")].map((box) => box.value),
  };
}

function tapped(mine) {
  const point = mine.person || [];
  mine.person = null;
  return point;
}

// A baseline is measured for three seconds and then taken off, until the button is pressed again.
function baseline(mine) {
  if (mine.baseline === "measure" && performance.now() - mine.since >= NEUTRAL) {
    mine.baseline = "use";
    neutral.textContent = said.without;
    neutral.disabled = false;
  }
  return mine.baseline;
}

start.dataset.text = start.textContent;
neutral.dataset.text = neutral.textContent;
note.dataset.text = note.textContent;
neutral.addEventListener("click", () => {
  if (!run) return;
  run.baseline = run.baseline === "use" ? "" : "measure";
  run.since = performance.now();
  neutral.disabled = run.baseline === "measure";
  neutral.textContent = neutral.disabled ? said.measuring : neutral.dataset.text;
  note.textContent = note.dataset.text;
});

// The last minute: a column a moment, in the colour of the most probable class.
function course(mine, answer, now) {
  mine.moments.push({ at: now, ...Object.fromEntries(MODELS.map((model) => [model, answer[model]])) });
  while (mine.moments[0].at < now - MINUTE) mine.moments.shift();
  if (mine.drawn && now - mine.drawn < 500) return;
  mine.drawn = now;
  const seen = new Set();
  for (const model of MODELS) {
    const drawing = find(`#live-${model}-course`), brush = drawing.getContext("2d"), counts = {};
    const { width, height } = drawing;
    brush.clearRect(0, 0, width, height);
    mine.moments.forEach((moment, i) => {
      if (!moment[model]) return;
      const next = i + 1 < mine.moments.length ? mine.moments[i + 1].at : now;
      const best = moment[model].indexOf(Math.max(...moment[model])), tall = moment[model][best] * height;
      const left = width * (1 - (now - moment.at) / MINUTE);
      brush.fillStyle = colours[best];
      brush.fillRect(left, height - tall, Math.max(1, (width * (next - moment.at)) / MINUTE + 0.5), tall);
      counts[best] = (counts[best] || 0) + 1;
      seen.add(best);
    });
    const sum = Object.values(counts).reduce((a, b) => a + b, 0);
    const shares = Object.entries(counts).sort((a, b) => b[1] - a[1]);
    const most = shares.map(([i, n]) => `${names[labels[i]]} ${Math.round((100 * n) / sum)} %`).join(", ") || said.none;
    drawing.setAttribute("aria-label", fill(said.course, { model: titles[model], said: most }));
    drawing.dataset.seconds = ((now - mine.moments[0].at) / 1000).toFixed(1);
    drawing.dataset.moments = sum;
  }
  find(".live-legend").innerHTML = [...seen]
    .map((i) => `<span><i class="swatch" style="background:${colours[i]}"></i>${names[labels[i]]}</span>`).join(" ");
}

function show(mine, answer) {
  const now = performance.now();
  mine.times.push(now);
  while (mine.times[0] < now - 3000) mine.times.shift();
  const rate = mine.times.length > 1 ? ((mine.times.length - 1) * 1000) / (now - mine.times[0]) : 0;
  root.dataset.rate = rate.toFixed(2);
  root.dataset.steps = Number(root.dataset.steps || 0) + 1;
  root.dataset.used = answer.used.join("+");
  const face = answer.box ? said.face : said.no_face;
  // once a second is enough for the ear of a screen reader and for the eye
  if (!mine.spoke || now - mine.spoke > 1000) {
    mine.spoke = now;
    const dropped = mine.dropped ? fill(said.dropped, { seconds: (mine.dropped / mine.context.sampleRate).toFixed(0) }) : "";
    doing.textContent = fill(said.doing, { rate: rate.toFixed(1), face, doing: answer.doing, milliseconds: answer.milliseconds.toFixed(0) }) + dropped;
  }
  failing.hidden = !answer.failing;
  if (answer.failing && failing.textContent !== answer.doing) failing.textContent = answer.doing;
  root.dataset.neutral = answer.neutral;
  if (mine.baseline === "use") {
    note.textContent = answer.neutral ? said.compared : said.apart;
  }
  course(mine, answer, now);
  const box = find(".live-box");
  box.hidden = !answer.box;
  if (answer.box) frame(box, answer.box);
  showOthers(answer.others, now);
  find(".live-words").textContent = answer.words ? `“${answer.words}”` : "";
  for (const model of MODELS) {
    const panel = find(`#live-${model}`), values = answer[model];
    panel.classList.toggle("undefined", !values);
    heading(panel, values, answer, answer.said[model], now);
    panel.querySelectorAll(".live-bar").forEach((row, i) => {
      row.querySelector("i").style.width = `${(values ? values[i] : 0) * 100}%`;
      row.querySelector("b").textContent = values ? `${Math.round(values[i] * 100)} %` : "";
    });
  }
}

// What is read in words changes with the label, and otherwise once a second; the bars show every moment.
function heading(panel, values, answer, shown, now) {
  const label = shown ? shown.label : "";
  const state = `${Boolean(values)} ${answer.neutral} ${label} ${answer.used.length}`;
  if (panel.dataset.state === state && now - Number(panel.dataset.written) < 1000) return;
  Object.assign(panel.dataset, { state, label, written: now });
  panel.querySelector(".label").textContent = !values
    ? answer.used.length ? said.needs_two : said.nothing
    : label ? `${names[label]} ${Math.round(values[labels.indexOf(label)] * 100)} %` : said.as_then;
  panel.querySelector(".remark").textContent = shown ? shown.doubts.join("; ") : "";
}

function release(mine) {
  if (mine.stream) mine.stream.getTracks().forEach((track) => track.stop());
  if (mine.context && mine.context.state !== "closed") mine.context.close();
  if (mine.ticket) server.live_end(mine.ticket).catch(() => {});
}

function end(message) {
  const mine = run;
  run = null;
  if (mine) release(mine);
  video.srcObject = null;
  find(".live-box").hidden = find(".live-several").hidden = true;
  for (const part of others) part.hidden = true;
  start.textContent = start.dataset.text;
  neutral.hidden = note.hidden = failing.hidden = true;
  neutral.disabled = false;
  neutral.textContent = neutral.dataset.text;
  note.textContent = note.dataset.text;
  doing.textContent = message;
}

start.addEventListener("click", () => (run ? end(said.stopped) : begin()));
addEventListener("pagehide", () => run && end(said.left));
// A tab in the background stops: nobody should be watched without seeing it.
new IntersectionObserver(([entry]) => { if (run && !entry.isIntersecting && !root.offsetParent) end(said.hidden); }).observe(root);
