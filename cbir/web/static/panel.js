/* The panel beside the results: what is chosen counts at once. */
import { showOrLoad } from "./swap.js";

const panel = () => document.getElementById("panel");
const isNarrow = matchMedia("(max-width: 760px)");

export function applyAtOnce() {
  if (!panel()) return;
  panel().addEventListener("change", (event) => {
    const { name } = event.target;
    // What a preset compares is its own affair, until somebody has another idea.
    if (/^(descriptor$|weight\.)/.test(name) && panel().elements.preset) {
      panel().elements.preset.value = "";
    }
    panel().requestSubmit();
  });
  panel().addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
}

/** Options would push the results out of a small screen. */
export function closeOptionsWhereNarrow(isSamePage) {
  const options = document.getElementById("options") ?? document.getElementById("filters");
  if (options && isNarrow.matches && !isSamePage) options.open = false;
}

/** Links that only change what is shown do so without leaving the page. */
export function followLinksHere() {
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-show]");
    const isPlain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button);
    if (!link || !isPlain || event.defaultPrevented) return;
    event.preventDefault();
    showOrLoad(link.href);
  });
}

function submit() {
  const fields = new URLSearchParams(new FormData(panel()));
  const address = `${new URL(panel().action).pathname}?${fields}`;
  showOrLoad(address, { keep: true });
}
