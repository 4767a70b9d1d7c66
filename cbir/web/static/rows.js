/* Rows of images that end at the same place: each image gets a share of the row's room by its
   proportions, so that all of a row stay equally high. */

export function justifyRows() {
  const grid = document.querySelector("#results .grid");
  if (!grid) return;
  grid.classList.add("justified");
  justify(grid.children);
}

/** Gives cards their shares. */
export function justify(cards) {
  const style = getComputedStyle(document.querySelector("#results .grid"));
  const height = Number.parseFloat(style.getPropertyValue("--row"));
  for (const card of cards) {
    const image = card.querySelector("img");
    const [across, down] = ["width", "height"].map((side) => Number(image.getAttribute(side)));
    const proportion = Math.min(Math.max(across / down, 0.5), 3);
    card.style.flex = `${proportion} 1 ${proportion * height}rem`;
    image.style.aspectRatio = proportion;
    // Of an image that is very long, only the middle is to be seen.
    card.querySelector("svg.found")?.setAttribute("preserveAspectRatio", "xMidYMid slice");
  }
}
