// While a section below is open, or the clip plays, and it is out of sight, it stays in a corner, small.
(() => {
  const byId = (id) => document.getElementById(id);
  let put = false; // away by the visitor, until the clip is in sight again

  function look() {
    const place = byId("clip"), video = place?.querySelector("video[src]:not([data-testid='webcam-video'])");
    const open = document.querySelector("#details .section > button.open");
    const out = place && place.offsetParent && place.getBoundingClientRect().bottom < 40;
    if (!out) put = false;
    const docked = Boolean(video && (open || !video.paused) && out && !put);
    const holder = video?.parentElement;
    document.querySelectorAll(".small-clip").forEach((other) => { if (other !== holder) other.classList.remove("small-clip"); });
    place?.classList.toggle("docked", docked);
    if (!holder) return;
    holder.classList.toggle("small-clip", docked);
    if (!docked || holder.querySelector(".undock")) return;
    const close = holder.appendChild(Object.assign(document.createElement("button"), { type: "button", className: "undock", textContent: "×" }));
    close.setAttribute("aria-label", said("put_away"));
    close.addEventListener("click", (event) => { event.stopPropagation(); put = true; look(); });
  }
  addEventListener("scroll", look, { passive: true });
  setInterval(look, 250);
})();
