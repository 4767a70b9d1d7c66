/* More images as one scrolls: those of the next page are added to the grid. */
import { justify } from "./rows.js";
import { announce, pageOf } from "./swap.js";
import { endTrouble, tellTrouble } from "./trouble.js";

let observer = null;
let running = null;

export function moreOnScrolling() {
  observer?.disconnect();
  const link = nextLink(document);
  if (!link) return;
  observer = new IntersectionObserver(
    (entries) => entries.some((entry) => entry.isIntersecting) && add(link),
    { rootMargin: "800px" },
  );
  observer.observe(link);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    add(link, true);
  });
}

/** Adds images until there are so many, or no more. */
export async function loadUntil(count) {
  let link = nextLink(document);
  while (link && document.querySelectorAll("#results .grid > li").length < count) {
    await add(link);
    const next = nextLink(document);
    link = next === link ? null : next;
  }
}

function nextLink(page) {
  return page.querySelector("#results .more a[rel=next]");
}

/** Adds the images of a page; whoever asks for it meanwhile waits for the same. */
function add(link, focus = false) {
  if (running?.link !== link) running = { link, done: addPage(link, focus) };
  return running.done;
}

async function addPage(link, focus) {
  observer.disconnect();
  const page = await fetchPage(link.href);
  if (page) endTrouble();
  if (link.isConnected && page) {
    const items = [...page.querySelectorAll("#results .grid > li")];
    document.querySelector("#results .grid").append(...items.map((one) => document.adoptNode(one)));
    justify(items);
    const next = nextLink(page);
    if (next) link.replaceWith(document.adoptNode(next));
    else link.remove();
    moreOnScrolling();
    announce(`${items.length} more`);
    if (focus) items[0]?.querySelector("a:not([tabindex])")?.focus();
  }
  running = null;
  if (link.isConnected && !page) {
    tellTrouble("The server does not answer.", () => add(link, focus));
  }
}

async function fetchPage(address) {
  try {
    const response = await fetch(address);
    return response.ok ? await pageOf(response) : null;
  } catch {
    return null;
  }
}
