/* How far somebody has come in a list, kept with the entry of the browser's history, so that Back leads
   to the same images at the same place. */
import { loadUntil } from "./more.js";
import { isShown, whenReturned } from "./swap.js";

const PAUSE = 100; // milliseconds without scrolling, after which the place is kept

let timer = 0;
let isReturning = false;

export function keepPlace() {
  history.scrollRestoration = "manual";
  addEventListener("scroll", () => {
    clearTimeout(timer);
    timer = setTimeout(remember, PAUSE);
  });
  // Before whatever a click or a choice leads to.
  for (const kind of ["click", "change", "submit"]) addEventListener(kind, remember, true);
  addEventListener("pageshow", (event) => event.persisted && scrollTo(0, history.state?.top ?? 0));
  whenReturned(comeBack);
  comeBack();
}

function remember() {
  clearTimeout(timer);
  if (isReturning || !isShown()) return;
  const cards = document.querySelectorAll("#results .grid > li").length;
  history.replaceState({ cards, top: scrollY }, "");
}

/** Loads what was loaded before, and scrolls to where one was. */
async function comeBack() {
  const place = history.state;
  if (!place) return;
  isReturning = true;
  try {
    await loadUntil(place.cards);
    if (isShown()) scrollTo(0, place.top);
  } finally {
    isReturning = false;
  }
}
