// What the page does in the browser itself: watches camera and microphone, moves the player, hands out files.
(() => {
  const byId = (id) => document.getElementById(id);
  const REASONS = {
    NotAllowedError: "The browser was not allowed to use the camera or microphone. Allow it in the address bar, or upload a video instead.",
    NotFoundError: "No camera or microphone was found. Plug one in, or upload a video instead.",
    NotReadableError: "The camera or microphone is in use by another program. Close it, or upload a video instead.",
    OverconstrainedError: "This camera cannot do what was asked of it. Upload a video instead.",
    SecurityError: "The browser only allows the camera on https pages or on this very machine. Upload a video instead.",
  };

  function say(text) {
    for (const id of ["capture-note", "live-note"]) {
      const note = byId(id);
      if (note) { note.textContent = text; note.hidden = !text; }
    }
  }

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
        say(REASONS[error.name] || `Camera and microphone could not be opened (${error.name}). Upload a video instead.`);
        throw error;
      }
    };
  } else {
    addEventListener("load", () => setTimeout(() => say(REASONS.SecurityError), 1500));
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
        box.querySelector("span").textContent = silent ? "The microphone hears nothing" : "The microphone hears you";
      }
      const clock = byId("clock");
      if (clock) clock.textContent = recordingSince ? ` · recording ${((performance.now() - recordingSince) / 1000).toFixed(0)} s` : "";
    }, 80);
    meter = { close() { clearInterval(timer); context.close(); meter = null; document.querySelectorAll(".level").forEach((box) => { box.hidden = true; }); } };
  }

  let recordingSince = 0;
  if (window.MediaRecorder) {
    const start = MediaRecorder.prototype.start;
    MediaRecorder.prototype.start = function (...rest) {
      recordingSince = performance.now();
      this.addEventListener("stop", () => { recordingSince = 0; window.stoppedAt = performance.now(); if (meter) meter.close(); });
      return start.apply(this, rest);
    };
  }

  // The player of the clip, picture or sound.
  const player = () => [...document.querySelectorAll("#clip video, #sound audio")].find((p) => p.currentSrc || p.src);
  function seek(seconds) {
    const media = player();
    if (!media || !Number.isFinite(seconds)) return;
    media.currentTime = Math.max(0, seconds);
    const playing = media.play();
    if (playing) playing.catch(() => {});
  }
  document.addEventListener("click", (event) => {
    const from = event.target.closest("[data-seconds]");
    if (from) seek(parseFloat(from.dataset.seconds));
  });

  // Charts: clicks seek, each says in words what it shows, and a line follows the player.
  const CHARTS = {
    "cross-chart": "Probabilities of the cross-attention model", "self-chart": "Probabilities of the self-attention model",
    "attention-chart": "Heatmap of attention weights", "timeline-chart": "The clip in time with attention received",
    "course-chart": "Course of each emotion over time",
    "worth-chart": "Attention that each part received, and what leaving it out changes",
    "difference-chart": "Attention received under cross-attention less under self-attention",
  };
  // The second that a click in a chart means: anywhere on a time axis, the column of a heatmap, a window's start.
  function secondsAt(plot, id, event) {
    const axis = plot._fullLayout && plot._fullLayout.xaxis;
    if (!axis) return NaN;
    const x = axis.p2l(event.clientX - plot.getBoundingClientRect().left - axis._offset);
    const trace = plot.calcdata[0][0].trace;
    if (id === "attention-chart") return trace.meta.key_times[Math.round(x)];
    if (x < axis.range[0] || x > axis.range[1]) return NaN;
    if (["timeline-chart", "worth-chart", "difference-chart"].includes(id)) return x;
    const distances = trace.x.map((middle) => Math.abs(middle - x));
    return parseFloat(trace.customdata[distances.indexOf(Math.min(...distances))]);
  }
  function wire() {
    for (const id of ["status", "agreement"]) { const region = byId(id); if (region) region.setAttribute("aria-live", "polite"); }
    for (const [id, label] of Object.entries(CHARTS)) {
      const plot = document.querySelector(`#${id} .js-plotly-plot`);
      if (!plot || plot.wired || !plot.on) continue;
      plot.wired = true;
      plot.setAttribute("role", "img");
      plot.setAttribute("aria-label", label);
      if (!["cross-chart", "self-chart"].includes(id)) {
        plot.addEventListener("click", (event) => seek(secondsAt(plot, id, event)));
      }
    }
  }
  function followPlayer() {
    const media = player();
    for (const id of ["timeline-chart", "course-chart", "worth-chart", "difference-chart"]) {
      const plot = document.querySelector(`#${id} .js-plotly-plot`);
      if (!plot || !plot._fullLayout || !plot._fullLayout.xaxis) continue;
      let line = plot.querySelector(".playhead");
      if (!line) { line = document.createElement("div"); line.className = "playhead"; plot.appendChild(line); }
      const axis = plot._fullLayout.xaxis;
      const at = media ? media.currentTime : 0;
      line.hidden = !media || !at || at > axis.range[1];
      if (!line.hidden) line.style.left = `${axis._offset + axis.l2p(at)}px`;
    }
  }
  // On a phone the verdicts lie below the fold: go there when they have come.
  let shown = false;
  function bringVerdicts() {
    const verdicts = byId("verdicts"), now = Boolean(verdicts && verdicts.offsetParent);
    if (now && !shown && innerWidth < 700) verdicts.scrollIntoView({ behavior: "smooth", block: "start" });
    shown = now;
  }
  setInterval(() => { wire(); followPlayer(); bringVerdicts(); }, 200);

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
