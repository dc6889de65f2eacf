// What the page does in the browser itself: watches camera and microphone, hands out files.
(() => {
  const byId = (id) => document.getElementById(id);

  // What scripts say, in the language of the page; {names} are filled. Nothing before the page is there.
  let place = null, sentences = {}, names = {};
  function read() {
    const now = byId("page-said");
    if (now && now !== place) { place = now; sentences = JSON.parse(now.dataset.said); names = JSON.parse(now.dataset.labels); }
  }
  window.fill = (sentence, values = {}) => (sentence || "").replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  window.said = (name, values) => { read(); return window.fill(sentences[name], values); };
  window.labelled = (label) => { read(); return names[label] || label; };

  function say(text) {
    for (const id of ["capture-note", "live-note"]) {
      const note = byId(id);
      if (note) { note.textContent = text; note.hidden = !text; }
    }
  }

  // Gradio's player loads a program of 32 MB for its trim button, which this page does not show: its wait has no end.
  const get = window.fetch;
  window.fetch = (what, ...rest) => (String(what?.url ?? what).includes("/static/ffmpeg/") ? new Promise(() => {}) : get(what, ...rest));

  // A recording says no duration, so that the player shows "Infinity" until it has played: it is sent to its end once.
  document.addEventListener("loadedmetadata", ({ target }) => {
    if (target.duration !== Infinity || target.srcObject || !target.paused || !target.closest("#clip, #sound")) return;
    const back = () => {
      if (!Number.isFinite(target.duration)) return;
      target.removeEventListener("durationchange", back);
      target.currentTime = 0;
    };
    target.addEventListener("durationchange", back);
    target.currentTime = 1e9;
  }, true);

  // Camera and microphone: every stream the page opens passes here, whoever opens it.
  let meter = null;
  if (navigator.mediaDevices) {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      try {
        const stream = await open(constraints);
        say("");
        if (constraints.audio && constraints.video && stream.getAudioTracks().length) showLevel(stream);
        return stream;
      } catch (error) {
        say(said(error.name) || said("camera", { error: error.name }));
        throw error;
      }
    };
  } else {
    addEventListener("load", () => setTimeout(() => say(said("SecurityError")), 1500));
  }

  // A level people can see, from before the recording starts until the stream ends.
  function showLevel(stream) {
    if (meter) meter.close();
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let heard = 0, quietSince = performance.now();
    const timer = setInterval(() => {
      const boxes = [...document.querySelectorAll(".level")];
      if (stream.getTracks().every((track) => track.readyState === "ended")) return meter && meter.close();
      analyser.getFloatTimeDomainData(samples);
      const loud = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
      // decibels from -60 to -10 fill the bar
      heard = Math.max(Math.min(1, Math.max(0, (20 * Math.log10(loud + 1e-6) + 60) / 50)), heard * 0.8);
      if (heard > 0.2) quietSince = performance.now();
      const silent = performance.now() - quietSince > 4000;
      for (const box of boxes) {
        box.hidden = false;
        box.querySelector("i").style.width = `${Math.round(heard * 100)}%`;
        box.querySelector("span").textContent = said(silent ? "silent" : "heard");
      }
      const clock = byId("clock");
      if (clock) clock.textContent = recordingSince ? said("recording", { seconds: ((performance.now() - recordingSince) / 1000).toFixed(0) }) : "";
    }, 80);
    meter = { close() { clearInterval(timer); context.close(); meter = null; document.querySelectorAll(".level").forEach((box) => { box.hidden = true; }); } };
  }

  let recordingSince = 0;
  if (window.MediaRecorder) {
    const start = MediaRecorder.prototype.start;
    MediaRecorder.prototype.start = function (...rest) {
      recordingSince = performance.now();
      dispatchEvent(new Event("recordingstarts"));
      this.addEventListener("stop", () => { dispatchEvent(new Event("recordingstops")); recordingSince = 0; window.stoppedAt = performance.now(); if (meter) meter.close(); });
      return start.apply(this, rest);
    };
  }

  // Files are made on the server's memory and become files only here.
  window.handOut = (file) => {
    if (!file || !file.name) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([file.text], { type: file.type }));
    link.download = file.name;
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 30000);
  };
})();
