/* What is wrong and may pass, told above what is shown, which stays. */

/** Says what is wrong, with a button to try again. */
export function tellTrouble(text, again) {
  const place = document.getElementById("trouble") ?? added();
  place.replaceChildren(text, " ", buttonTo("Try again", () => (endTrouble(), again())));
  place.scrollIntoView({ block: "nearest" });
}

export function endTrouble() {
  document.getElementById("trouble")?.remove();
}

/** Returns a small button. */
export function buttonTo(text, action) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = text;
  button.addEventListener("click", action);
  return button;
}

function added() {
  const place = document.createElement("p");
  place.id = "trouble";
  place.className = "message error";
  place.setAttribute("role", "alert");
  document.querySelector("main").prepend(place);
  return place;
}
