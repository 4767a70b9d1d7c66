// What is kept of a group cannot go: the checkboxes follow the choice.

const form = document.getElementById("choices");

function follow(radio) {
  const number = radio.name.slice("keep-".length);
  for (const box of form.querySelectorAll(`input[name="act"][value^="${number}-"]`)) {
    const kept = box.value === `${number}-${radio.value}`;
    box.disabled = kept;
    box.checked = kept ? false : box.checked || box.dataset.wasKept === "true";
    box.dataset.wasKept = String(kept);
  }
}

if (form) {
  for (const radio of form.querySelectorAll('input[type="radio"][name^="keep-"]:checked')) {
    follow(radio);
  }
  form.addEventListener("change", (event) => {
    if (event.target.matches('input[type="radio"][name^="keep-"]')) {
      follow(event.target);
    }
  });
}
