/* Shows other pages of this server in the place of this one: the server renders them, and what is
   in <main> is taken over. */

import { endTrouble, tellTrouble } from "./trouble.js";

const whenShown = [];
let returned = () => null;
const here = () => location.pathname + location.search;

let running = null;
let shown = here();

/** Calls functions now, and after each page that is shown; they get whether it is the same page with
    other contents. */
export function enhance(...functions) {
  whenShown.push(...functions);
  functions.forEach((one) => one(false));
}

/** Shows the page that the browser went back or on to; a place on the same page is none. */
export function followHistory() {
  addEventListener("popstate", async () => {
    if (!isShown()) await showOrLoad(location.href, { push: false });
    if (isShown()) returned();
  });
}

/** Shows the page at an address, or lets the browser load what cannot be shown in the place of this
    one. If the server does not answer, the page stays, and says so. */
export async function showOrLoad(address, how) {
  endTrouble();
  const problem = await show(address, how);
  if (problem?.again) tellTrouble(problem.text, () => showOrLoad(address, how));
  else if (problem) location.assign(address);
}

/** Calls a function when the browser went back or on to a page, and it is shown. */
export function whenReturned(call) {
  returned = call;
}

/** Says whether the page at the address of the window is the one that is seen. */
export function isShown() {
  return here() === shown;
}

/** Gives up what is being fetched. */
export function cancel() {
  running?.abort();
}

/** Shows the page at an address; returns what is wrong, if something is, and the page stays.
    With `keep`, what has the focus and the places scrolled to stay as they are. */
export async function show(address, { push = true, keep = false, request = {} } = {}) {
  cancel();
  running = new AbortController();
  const { signal } = running;
  const main = document.querySelector("main");
  main.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, { ...request, signal });
    const page = await pageOf(response);
    if (signal.aborted) return null;
    const found = page?.querySelector("[data-page]");
    const isUpload = request.method === "POST";
    if (!found || (isUpload && !response.ok)) {
      if (response.ok) location.assign(response.url);
      return response.ok ? null : problemOf(response, page);
    }
    if (push) history.pushState(null, "", response.url);
    shown = here();
    replace(main, page, keep);
    return null;
  } catch (error) {
    return error.name === "AbortError" ? null : { text: "The server does not answer.", again: true };
  } finally {
    if (!signal.aborted) main.removeAttribute("aria-busy");
  }
}

/** Fetches a page; returns null if it is none. */
export async function pageOf(response) {
  const text = await response.text();
  if (!response.headers.get("Content-Type")?.startsWith("text/html")) {
    response.told = text.trim();
    return null;
  }
  return new DOMParser().parseFromString(text, "text/html");
}

/** Tells people who do not see the page what has changed. */
export function announce(text) {
  document.getElementById("status").textContent = text;
}

function problemOf(response, page) {
  const told = page?.querySelector("main .message.error:not([hidden]), main h1 + p");
  const text = told?.textContent.trim() || response.told || `The server answered ${response.status}.`;
  return { text, again: response.status === 429 || response.status === 503 };
}

function replace(main, page, keep) {
  const focused = keep ? document.activeElement?.id : "heading";
  const open = keep ? [...main.querySelectorAll("details[id]")].map((one) => [one.id, one.open]) : [];
  const scrolled = [...main.querySelectorAll("[id]")].filter((one) => one.scrollTop);
  const places = keep ? scrolled.map((one) => [one.id, one.scrollTop]) : [];
  main.replaceChildren(...document.adoptNode(page.querySelector("main")).childNodes);
  document.title = page.title;
  open.forEach(([id, isOpen]) => {
    const found = document.getElementById(id);
    if (found) found.open = isOpen;
  });
  whenShown.forEach((one) => one(keep));
  places.forEach(([id, place]) => {
    const found = document.getElementById(id);
    if (found) found.scrollTop = place;
  });
  const target = document.getElementById(focused) ?? document.getElementById("heading");
  if (focused) target?.focus({ preventScroll: keep });
  if (!keep) scrollTo(0, 0);
  announce(main.querySelector("[data-status]")?.textContent ?? "");
}
