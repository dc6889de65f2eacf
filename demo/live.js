// The Live tab in the browser. One step at a time: the next picture is taken only after the last answer.
const root = element.querySelector(".live");
const find = (selector) => root.querySelector(selector);
const labels = root.dataset.labels.split(",");
const video = find("video"), start = find(".live-start"), doing = find(".live-doing");
const canvas = document.createElement("canvas");
const FASTEST = 110; // milliseconds from picture to picture: about nine a second
// Not two strings: gradio takes every name in quotes for an event of this part, and one of these two names breaks it.
const MODELS = "cross self".split(" ");
let run = null;

const WORKLET = `registerProcessor("tap", class extends AudioWorkletProcessor {
  process(inputs) { if (inputs[0][0]) this.port.postMessage(inputs[0][0].slice()); return true; } });`;

function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

async function begin() {
  const mine = { chunks: [], samples: 0, dropped: 0, times: [] };
  run = mine;
  start.textContent = "Stop";
  doing.textContent = "Opening camera and microphone …";
  try {
    mine.stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 480 }, height: { ideal: 360 }, facingMode: "user" },
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    if (run !== mine) return release(mine);
    video.srcObject = mine.stream;
    await video.play();
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
    const begun = await server.live_begin({});
    if (begun.error) return end(begun.error);
    mine.ticket = begun.ticket;
    if (run !== mine) return release(mine);
  } catch (error) {
    return end("Not running.");
  }
  while (run === mine) {
    const began = performance.now();
    try {
      const answer = await server.live_step(next(mine));
      if (run !== mine) break;
      if (answer.error) return end(answer.error);
      show(mine, answer);
    } catch (error) {
      return end("The connection to the server was lost.");
    }
    await new Promise((done) => setTimeout(done, Math.max(5, FASTEST - (performance.now() - began))));
  }
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
    modalities: [...root.querySelectorAll(".live-switches input:checked")].map((box) => box.value),
  };
}

function show(mine, answer) {
  const now = performance.now();
  mine.times.push(now);
  while (mine.times[0] < now - 3000) mine.times.shift();
  const rate = mine.times.length > 1 ? ((mine.times.length - 1) * 1000) / (now - mine.times[0]) : 0;
  root.dataset.rate = rate.toFixed(2);
  root.dataset.steps = Number(root.dataset.steps || 0) + 1;
  root.dataset.used = answer.used.join("+");
  const face = answer.box ? "a face is in the picture" : "no face in the picture";
  // once a second is enough for the ear of a screen reader and for the eye
  if (!mine.spoke || now - mine.spoke > 1000) {
    mine.spoke = now;
    const dropped = mine.dropped ? ` · ${(mine.dropped / mine.context.sampleRate).toFixed(0)} s of sound let go` : "";
    doing.textContent = `${rate.toFixed(1)} pictures a second · ${face} · ${answer.doing} · ${answer.milliseconds.toFixed(0)} ms a step${dropped}`;
  }
  const box = find(".live-box");
  box.hidden = !answer.box;
  if (answer.box) {
    const [x, y, w, h] = answer.box.map((part) => `${part * 100}%`);
    Object.assign(box.style, { left: x, top: y, width: w, height: h });
  }
  find(".live-words").textContent = answer.words ? `“${answer.words}”` : "";
  for (const model of MODELS) {
    const panel = find(`#live-${model}`), values = answer[model];
    const best = values ? values.indexOf(Math.max(...values)) : -1;
    panel.classList.toggle("undefined", !values);
    panel.dataset.label = values ? labels[best] : "";
    panel.querySelector(".label").textContent = values
      ? `${labels[best]} ${Math.round(values[best] * 100)} %`
      : answer.used.length ? "undefined: needs two" : "nothing to go by";
    panel.querySelectorAll(".live-bar").forEach((row, i) => {
      row.querySelector("i").style.width = `${(values ? values[i] : 0) * 100}%`;
      row.querySelector("b").textContent = values ? `${Math.round(values[i] * 100)} %` : "";
    });
  }
}

function release(mine) {
  if (mine.stream) mine.stream.getTracks().forEach((track) => track.stop());
  if (mine.context) mine.context.close();
  if (mine.ticket) server.live_end(mine.ticket).catch(() => {});
}

function end(message) {
  const mine = run;
  run = null;
  if (mine) release(mine);
  video.srcObject = null;
  find(".live-box").hidden = true;
  start.textContent = "Start";
  doing.textContent = message;
}

start.addEventListener("click", () => (run ? end("Stopped. Nothing was kept.") : begin()));
addEventListener("pagehide", () => run && end("Stopped."));
// A tab in the background stops: nobody should be watched without seeing it.
new IntersectionObserver(([entry]) => { if (run && !entry.isIntersecting && !root.offsetParent) end("Stopped: the tab was left."); }).observe(root);
