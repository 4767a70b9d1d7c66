/* More images as one scrolls: those of the next page are added to the grid. */
import { justify } from "./rows.js";
import { announce, pageOf } from "./swap.js";

let observer = null;

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

function nextLink(page) {
  return page.querySelector("#results .more a[rel=next]");
}

async function add(link, focus = false) {
  observer.disconnect();
  let page = null;
  try {
    const response = await fetch(link.href);
    page = response.ok ? await pageOf(response) : null;
  } catch {
    // The link stays, to be tried again.
  }
  if (!page || !link.isConnected) return;
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
