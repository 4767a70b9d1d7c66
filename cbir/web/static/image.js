/* The arrow keys lead to the images before and after. */

addEventListener("keydown", (event) => {
  const relation = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  const isPlain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!relation || !isPlain || event.target.closest("input, select, textarea")) return;
  document.querySelector(`main a[rel=${relation}]`)?.click();
});
