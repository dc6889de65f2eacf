// A guess first: the opening example asks what the models will say before it tells. Answered or skipped, it is
// remembered in this browser; whoever follows a link to a view, or takes the tour, is not asked.
(() => {
  const KEY = "guessed";
  const one = (selector) => document.querySelector(selector);
  const root = document.documentElement;
  function known() { try { return Boolean(localStorage.getItem(KEY)); } catch { return false; } }
  function remember() { try { localStorage.setItem(KEY, "1"); } catch { /* it is asked again next time */ } }
  function end() { root.classList.add("guessed"); dispatchEvent(new Event("resize")); }

  if (known() || /[#&](clip|view)=/.test(location.hash)) end();
  document.addEventListener("click", (event) => {
    if (event.target.closest(".tour-start")) return end();
    const button = event.target.closest("#first-guess button");
    if (!button) return;
    remember();
    const box = one("#first-guess"), answer = button.dataset.answer;
    box.classList.remove("asking");
    if (!answer) return end();
    const right = box.dataset.labels.split(" ").includes(answer);
    box.querySelector(".right").hidden = !right;
    box.querySelector(".wrong").hidden = right;
    box.querySelectorAll(".answers button").forEach((each) => { each.disabled = true; });
    button.classList.add("chosen");
    const revealed = box.querySelector(".revealed");
    revealed.hidden = false;
    dispatchEvent(new Event("resize"));
    revealed.focus({ preventScroll: true });
  });
})();
