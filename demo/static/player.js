// The clip plays and everything follows: face, word, verdict of the moment, a line through the charts; a click seeks.
(() => {
  const byId = (id) => document.getElementById(id);
  const calm = matchMedia("(prefers-reduced-motion: reduce)"); // steps twice a second, nothing glides
  const NEAR = 0.3; // seconds from a face to a moment that it may stand for
  const PAUSE = 0.8, LINE = 38; // seconds and letters after which a caption begins anew

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

  // What the server said of the clip: faces, words and segments with their times; null while another is being read.
  let read = "", clip = null;
  function said() {
    const text = document.querySelector("#moments [data-clip]")?.dataset.clip || "";
    if (text !== read) {
      read = text;
      clip = text ? JSON.parse(text) : null;
      if (clip) clip.lines = lines(clip.words);
    }
    return shown(byId("stop")) ? null : clip;
  }
  const shown = (element) => Boolean(element && element.offsetParent);

  function lines(words) {
    const found = [];
    let letters = 0;
    words.forEach(([start, , text], index) => {
      const late = index && start - words[index - 1][1] > PAUSE;
      if (!index || late || letters + text.length > LINE) { found.push([]); letters = 0; }
      found.at(-1).push(index);
      letters += text.length + 1;
    });
    return found;
  }

  // The index of the last of sorted things that begins no later than a time, or -1.
  const last = (things, time, start) => things.reduce((found, thing, i) => (start(thing) <= time ? i : found), -1);

  function overlay(parent, name) {
    let element = parent.querySelector(`:scope > .${name.replace(" ", ".")}`);
    if (!element) { element = document.createElement("div"); element.className = name; parent.appendChild(element); }
    return element;
  }

  function drawFace(media, at) {
    if (media.tagName !== "VIDEO") return;
    let play = media.parentElement.querySelector(".play");
    if (!play) {
      play = Object.assign(document.createElement("button"), { className: "play", type: "button", textContent: "▶" });
      play.setAttribute("aria-label", window.said("play"));
      play.addEventListener("click", () => {
        player()?.play().catch(() => {});
        // The button goes while the clip plays: the keyboard goes on at the player's own.
        play.closest("#clip")?.querySelector('[aria-label="play-pause-replay-button"]')?.focus({ preventScroll: true });
      });
      media.parentElement.appendChild(play);
    }
    play.hidden = !media.paused || (at > 0 && !media.ended);
    const box = overlay(media.parentElement, "face-box");
    const faces = clip?.faces || [];
    const i = last(faces, at, (face) => face[0]);
    const before = faces[i], after = faces[i + 1];
    const between = before && after && after[0] - before[0] < 2 * NEAR;
    const share = between ? (at - before[0]) / (after[0] - before[0]) : 0;
    const near = between ? before : [before, after].find((face) => face && Math.abs(face[0] - at) < NEAR);
    box.hidden = !near || !said();
    if (box.hidden) return;
    const [x, y, width, height] = near.slice(1).map((v, k) => (between ? v + share * (after[k + 1] - v) : v));
    const scale = Math.min(media.clientWidth / media.videoWidth, media.clientHeight / media.videoHeight);
    const [w, h] = [media.videoWidth * scale, media.videoHeight * scale];
    const [left, top] = [media.offsetLeft + (media.clientWidth - w) / 2, media.offsetTop + (media.clientHeight - h) / 2];
    Object.assign(box.style, {
      left: `${left + x * w}px`, top: `${top + y * h}px`, width: `${width * w}px`, height: `${height * h}px`,
    });
  }

  function drawWords(at) {
    const words = said() ? clip.words : [];
    const i = last(words, at, (word) => word[0]);
    const now = i >= 0 && at < words[i][1] + 0.15 ? i : -1;
    document.querySelectorAll("#transcript .word").forEach((word, k) => word.classList.toggle("now", k === now));
    const caption = byId("caption");
    if (!caption) return;
    const next = words.length && (i < 0 || (now < 0 && words[i + 1] && words[i + 1][0] - at < PAUSE)) ? i + 1 : i;
    const line = words.length ? clip.lines.find((each) => each.includes(next)) : [];
    const key = `${line} ${now}`;
    if (caption.dataset.key === key && caption.dataset.of === read.length.toString()) return;
    Object.assign(caption.dataset, { key, of: read.length });
    caption.replaceChildren(...line.flatMap((k) => {
      const word = document.createElement(k === now ? "b" : "span");
      word.textContent = words[k][2];
      return [word, " "];
    }));
    if (!line.length) caption.textContent = "\u00a0";
  }

  function drawStrip(at) {
    const faces = [...document.querySelectorAll("#faces .face")];
    const distances = faces.map((face) => Math.abs(parseFloat(face.dataset.seconds) - at));
    const nearest = at > 0 && said() ? distances.indexOf(Math.min(...distances)) : -1;
    faces.forEach((face, k) => face.classList.toggle("now", k === nearest));
  }

  // The phrase that is being said, or the nearest; of windows, which overlap, the one whose middle is nearest.
  function drawVerdicts(at) {
    const segments = at > 0 && said() ? clip.segments : [];
    const away = (one) => 1000 * Math.max(one.start - at, at - one.end, 0) + Math.abs((one.start + one.end) / 2 - at);
    const now = segments.reduce((best, one) => (!best || away(one) < away(best) ? one : best), null);
    for (const panel of document.querySelectorAll("#verdicts .verdict")) {
      const whole = !("part" in panel.dataset);
      const shares = whole && now ? now[panel.dataset.model] : null;
      const remark = panel.querySelector(".remark");
      panel.querySelectorAll(".bar").forEach((bar, k) => {
        const track = bar.querySelector("div");
        const tick = overlay(track, "moment");
        tick.hidden = !shares;
        if (shares) tick.style.left = `${(shares[k] * 100).toFixed(2)}%`;
      });
      if (!remark) continue;
      const label = shares && panel.querySelectorAll(".bar")[shares.indexOf(Math.max(...shares))].dataset.label;
      const text = shares ? window.said("moment", { name: now.name, label: labelled(label), share: (Math.max(...shares) * 100).toFixed(0) }) : "";
      if ((remark.dataset.now || "") !== text) { if (text) remark.dataset.now = text; else delete remark.dataset.now; }
    }
  }

  // Charts: each says in words what it shows, a click seeks, and a line follows the player.
  const CHARTS = ["attention-chart", "timeline-chart", "course-chart", "worth-chart", "difference-chart"];
  const chart = (id) => document.querySelector(`#${id} .js-plotly-plot`);
  // The second that a click in a chart means: anywhere on a time axis, the column of a heatmap, a window's start.
  function secondsAt(plot, id, event) {
    const axis = plot._fullLayout && plot._fullLayout.xaxis;
    if (!axis) return NaN;
    const place = plot.getBoundingClientRect(), scale = place.width / plot.offsetWidth || 1; // of the class view
    const x = axis.p2l((event.clientX - place.left) / scale - axis._offset);
    const trace = plot.calcdata[0][0].trace;
    if (id === "attention-chart") return trace.meta.key_times[Math.round(x)];
    if (x < axis.range[0] || x > axis.range[1]) return NaN;
    if (id !== "course-chart") return x;
    const distances = trace.x.map((middle) => Math.abs(middle - x));
    return parseFloat(trace.customdata[distances.indexOf(Math.min(...distances))]);
  }
  function wire() {
    for (const id of ["status", "agreement"]) { const region = byId(id); if (region) region.setAttribute("aria-live", "polite"); }
    for (const id of CHARTS) {
      const plot = chart(id);
      if (!plot || plot.wired || !plot.on) continue;
      plot.wired = true;
      plot.setAttribute("role", "img");
      plot.setAttribute("aria-label", window.said(id));
      plot.addEventListener("click", (event) => seek(secondsAt(plot, id, event)));
    }
  }
  // Where a time lies among steps at other times: 1.5 is half-way between the second and the third.
  function stepAt(times, at) {
    if (Number.isNaN(at)) return NaN;
    if (!times.length) return NaN; // one line stands for all that ask
    const i = last(times, at, (time) => time);
    if (i < 0 || i === times.length - 1) return Math.max(i, 0);
    return i + (at - times[i]) / (times[i + 1] - times[i]);
  }
  function drawLine(plot, name, along, across, place) {
    const line = overlay(plot, name);
    line.hidden = !(place >= 0 && place <= along._length);
    if (line.hidden) return;
    const [side, from, size] = along._id[0] === "x" ? ["left", "top", "height"] : ["top", "left", "width"];
    Object.assign(line.style, {
      [side]: `${along._offset + place}px`, [from]: `${across._offset}px`, [size]: `${across._length}px`,
    });
  }
  function drawLines(at) {
    for (const id of CHARTS) {
      const plot = chart(id), layout = plot && plot._fullLayout;
      if (!layout || !layout.xaxis || !shown(plot)) continue;
      const here = at > 0 && said() ? at : NaN;
      if (id === "attention-chart") {
        const times = plot.calcdata?.[0][0].trace.meta;
        if (!times) continue;
        drawLine(plot, "playhead", layout.xaxis, layout.yaxis, layout.xaxis.l2p(stepAt(times.key_times, here)));
        drawLine(plot, "playhead asking", layout.yaxis, layout.xaxis, layout.yaxis.l2p(stepAt(times.query_times, here)));
      } else {
        const height = { _offset: layout._size.t, _length: layout._size.h }; // several strips below each other
        drawLine(plot, "playhead", layout.xaxis, height, layout.xaxis.l2p(here));
      }
    }
  }

  // On a phone the examples lie below the clip: go back up when another clip was read.
  let file = "";
  function bringClip() {
    const now = document.querySelector("#moments [data-file]")?.dataset.file || "";
    if (file && now && now !== file && innerWidth < 700) {
      byId("watch").scrollIntoView({ behavior: calm.matches ? "auto" : "smooth", block: "start" });
    }
    file = now;
  }

  function draw() {
    said();
    const media = player(), at = media ? media.currentTime : 0;
    if (media) drawFace(media, at);
    drawWords(at);
    drawStrip(at);
    drawVerdicts(at);
    drawLines(at);
  }
  let drawn = -1, since = 0;
  function frame(time) {
    const media = player();
    const moved = media ? media.currentTime !== drawn : false;
    if (time - since > (moved && !calm.matches ? 0 : 500) || (moved && media.paused)) {
      since = time;
      drawn = media ? media.currentTime : -1;
      draw();
    }
    requestAnimationFrame(frame);
  }
  requestAnimationFrame(frame);
  setInterval(() => { wire(); bringClip(); }, 200);
  // A section that opens may hold a chart that was drawn while it had no width.
  document.addEventListener("click", (event) => {
    if (event.target.closest(".section > button")) setTimeout(() => dispatchEvent(new Event("resize")), 60);
  });
})();
