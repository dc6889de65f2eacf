// While a section below is open and the clip out of sight, the clip stays in a corner, small.
(() => {
  const byId = (id) => document.getElementById(id);
  let put = false; // away by the visitor, until the clip is in sight again

  function look() {
    const place = byId("clip"), video = place?.querySelector("video[src]:not([data-testid='webcam-video'])");
    const open = document.querySelector("#details .section > button.open");
    const out = place && place.offsetParent && place.getBoundingClientRect().bottom < 40;
    if (!out) put = false;
    const docked = Boolean(video && open && out && !put);
    if (place?.classList.contains("docked") === docked) return;
    place?.classList.toggle("docked", docked);
    let close = place?.querySelector(".undock");
    if (docked && !close) {
      close = place.appendChild(Object.assign(document.createElement("button"), { type: "button", className: "undock", textContent: "×" }));
      close.setAttribute("aria-label", "Put the small clip away");
      close.addEventListener("click", () => { put = true; look(); });
    }
  }
  addEventListener("scroll", look, { passive: true });
  setInterval(look, 250);
})();
