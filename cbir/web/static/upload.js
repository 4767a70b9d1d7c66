/* Images from outside: chosen, dropped, pasted, or from the camera. */
import { show } from "./swap.js";
import { buttonTo } from "./trouble.js";

const form = () => document.getElementById("query-form");

/** Searches for images; the first of several is searched for first. */
export async function searchFor(files) {
  const images = files.filter((file) => file.type === "" || file.type.startsWith("image/"));
  if (!images.length) return tell({ text: "This is no image file." });
  const most = Number(form().dataset.mostImages);
  if (images.length > most) return tell({ text: `Up to ${most} images at once, please.` });
  const bytes = images.reduce((sum, file) => sum + file.size, 0);
  const limit = Number(form().dataset.mostBytes);
  if (bytes > limit) {
    const [size, largest] = [bytes, limit].map((one) => (one / 1e6).toFixed(1).replace(".0", ""));
    return tell({ text: `Too large: ${size} MB; up to ${largest} MB can be sent.` });
  }
  const data = new FormData();
  data.append("state", form().elements.state.value);
  images.forEach((image) => data.append("image", image, image.name));
  return send(data);
}

async function send(data) {
  tell(null);
  form().setAttribute("aria-busy", "true");
  const problem = await show("/search", { request: { method: "POST", body: data } });
  form()?.removeAttribute("aria-busy");
  if (problem) tell(problem, () => send(data));
}

/** Says beside the form what is wrong, with a button to try again where that may help. */
function tell(problem, again) {
  const place = document.getElementById("query-problem");
  place.hidden = !problem;
  place.replaceChildren(problem?.text ?? "");
  if (!problem) return;
  if (problem.again && again) place.append(" ", buttonTo("Try again", again));
  place.scrollIntoView({ block: "nearest" });
}

/** Searches as soon as a file is chosen or an address is given. */
export function searchWhenChosen() {
  if (!form()) return;
  form().querySelectorAll("input[type=file]").forEach((input) => {
    input.addEventListener("change", () => {
      if (input.files.length) searchFor([...input.files]);
      input.value = "";
    });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // or it would send the form, as yet without a file
      input.click();
    });
  });
  form().addEventListener("submit", (event) => {
    event.preventDefault();
    const url = form().elements.url?.value.trim();
    if (!url) return tell({ text: "Choose an image first." });
    const data = new FormData();
    data.append("state", form().elements.state.value);
    data.append("url", url);
    return send(data);
  });
}

/** Takes what is dropped or pasted anywhere on the page. */
export function takeDropsAndPastes() {
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (isOver) => form()?.classList.toggle("over", isOver);
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    mark(true);
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(false);
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(false);
    searchFor([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    searchFor(files);
  });
}
