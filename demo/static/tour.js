// The tour: five steps over the page as it is, none of them in the way. Escape ends it, and it can begin again.
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let at = -1, from = null, timer = null, before = null, top = 0;

  const steps = () => all("#tour .tour-step");
  const shown = (element) => Boolean(element && element.offsetParent);

  const done = (act) => Boolean(act.dataset.undone && one(act.dataset.undone)); // and may be taken back

  function say(step) {
    for (const place of step.querySelectorAll("[data-say]")) {
      const [model, subset] = place.dataset.say.split(" ");
      const found = one(subset ? `#matrix tr[data-subset="${subset}"] td[data-model="${model}"]` : `#${model}-verdict .verdict`);
      const percent = Math.round(100 * parseFloat(found?.dataset.probability));
      const text = found?.dataset.label ? said("says", { label: labelled(found.dataset.label), share: percent }) : said("says_nothing");
      if (place.textContent !== text) place.textContent = text;
    }
    const act = step.querySelector("[data-press]");
    if (!act) return;
    const there = one(act.dataset.press);
    // A visitor's own clip could not be put back: no example takes its place.
    act.hidden = !there || there.disabled || (act.dataset.press.startsWith("#example") && !window.pageView.example());
    const text = done(act) ? act.dataset.back : act.dataset.text;
    if (act.textContent !== text) act.textContent = text;
  }

  function open(name) {
    const section = name && one(`#section-${name} > button`);
    if (section && !section.classList.contains("open")) section.click();
  }

  function go(step) {
    at = step;
    all(".tour-target").forEach((element) => element.classList.remove("tour-target"));
    const here = steps()[at];
    steps().forEach((each) => { each.hidden = each !== here; });
    one("#tour .tour-back").disabled = at === 0;
    const further = one("#tour .tour-next");
    further.textContent = at === steps().length - 1 ? further.dataset.done : further.dataset.next;
    open(here.dataset.opens);
    const block = innerWidth < 1000 || here.dataset.opens ? "start" : "nearest";
    const point = () => {
      const target = one(here.dataset.target);
      if (at !== step || !target) return;
      target.classList.add("tour-target");
      target.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth", block });
    };
    point();
    if (here.dataset.opens) for (const wait of [500, 1200, 2500]) setTimeout(point, wait); // what opens is drawn late
    say(here);
    here.querySelector("h3").focus({ preventScroll: true });
  }

  function begin(button) {
    from = button;
    const first = one('[role="tab"]');
    if (first && first.getAttribute("aria-selected") !== "true") first.click();
    if (!shown(one("#verdicts"))) one("#example-contradiction")?.click();
    before = one("#moments [data-file]") ? window.pageView.read() : null;
    top = scrollY;
    one("#tour").hidden = false;
    document.body.classList.add("touring");
    document.body.classList.toggle("beside", innerWidth >= 1000);
    dispatchEvent(new Event("resize")); // the page makes room for the panel beside it
    clearInterval(timer);
    timer = setInterval(() => { if (at >= 0) say(steps()[at]); }, 300);
    go(0);
  }

  function end() {
    if (at < 0) return;
    at = -1;
    clearInterval(timer);
    one("#tour").hidden = true;
    document.body.classList.remove("touring");
    dispatchEvent(new Event("resize"));
    if (before) window.pageView.apply(before).then(() => scrollTo({ top, behavior: "instant" }));
    all(".tour-target").forEach((element) => element.classList.remove("tour-target"));
    (shown(from) ? from : one(".tour-start"))?.focus({ preventScroll: true });
  }

  document.addEventListener("click", (event) => {
    const start = event.target.closest(".tour-start");
    if (start) return begin(start);
    const button = event.target.closest("#tour button");
    if (!button) return;
    if (button.matches(".tour-end")) end();
    else if (button.matches(".tour-back")) go(Math.max(0, at - 1));
    else if (button.matches(".tour-next")) at === steps().length - 1 ? end() : go(at + 1);
    else if (button.dataset.press) one(done(button) ? button.dataset.backwards : button.dataset.press)?.click();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") end(); });
})();
