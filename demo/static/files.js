// What is dropped on the clip or chosen there: films go their way, sound goes to its own part, and of anything else it
// is said in the page's words what is wrong with it.
(() => {
  const SOUND = /\.(wav|mp3|m4a|m4b|aac|ogg|oga|opus|flac|wma|amr|aiff?|caf|weba|wv|ape|tta|au|ac3)$/i;
  const FILM = /\.(mp4|m4v|mov|webm|mkv|avi|3gp|3g2|flv|wmv|asf|ts|mts|m2ts|mpe?g|ogv|mxf|dv|gif)$/i;
  const note = () => document.getElementById("file-note");
  const kind = (file) => {
    if (file.type.startsWith("audio/")) return "audio";
    if (file.type.startsWith("video/") || file.type === "image/gif") return "video";
    return SOUND.test(file.name) ? "audio" : FILM.test(file.name) ? "video" : "";
  };

  function say(why, file) {
    const place = note();
    place.textContent = why ? fill(JSON.parse(place.dataset.said)[why], { name: file.name }) : "";
    place.hidden = !why;
    if (why) place.scrollIntoView({ block: "nearest" });
  }
  function wrong(file) {
    if (!kind(file)) return "other";
    if (!file.size) return "empty";
    return file.size > Number(note().dataset.largest) ? "large" : "";
  }
  // A part of gradio's takes a file by its type, which browsers do not know of every name.
  function hand(input, file, type) {
    const handed = new DataTransfer();
    handed.items.add(file.type.startsWith(type) ? file : new File([file], file.name, { type: `${type}/mp4` }));
    input.files = handed.files;
    input.handed = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function take(event, files, own) {
    const file = files?.[0];
    if (!file) return;
    const why = wrong(file), which = kind(file);
    say(why, file);
    if (!why && which === "video" && file.type.startsWith("video/")) return; // as gradio has it
    event.preventDefault();
    event.stopImmediatePropagation();
    if (own) own.value = "";
    if (why) return;
    const input = which === "audio" ? document.querySelector('input[type=file][accept="audio/*"]') : own || document.querySelector("#clip input[type=file]");
    if (input) hand(input, file, which);
  }

  document.addEventListener("change", (event) => {
    const input = event.target;
    if (input.handed) { input.handed = false; return; }
    if (input.matches?.("#clip input[type=file]")) take(event, input.files, input);
  }, true);
  document.addEventListener("drop", (event) => {
    if (event.target.closest?.("#clip")) take(event, event.dataTransfer?.files, null);
  }, true);
  // The box offers both kinds where it asks the system for a file.
  setInterval(() => {
    const input = document.querySelector("#clip input[type=file]");
    if (input && !input.accept.includes("audio")) input.accept = "video/*,audio/*";
  }, 300);
})();
