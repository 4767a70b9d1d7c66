// The progress of jobs, as it is told by the server; at their end the page is shown anew, or the one
// that a job was for.

function show(box, state) {
  const bar = box.querySelector("progress");
  const label = box.querySelector("label");
  if (state.total) {
    bar.max = state.total;
    bar.value = state.done;
  } else {
    bar.removeAttribute("value");
  }
  label.firstChild.textContent = state.task ? `${state.kind}: ${state.task}` : state.kind;
  const steps = state.total
    ? `, ${state.done.toLocaleString("en")} of ${state.total.toLocaleString("en")} ${state.unit}`
    : "";
  box.querySelector("[role=status]").textContent = state.state + steps;
}

for (const box of document.querySelectorAll("[data-job]")) {
  const events = new EventSource(`/api/jobs/${box.dataset.job}`);
  events.onmessage = (event) => {
    const state = JSON.parse(event.data);
    show(box, state);
    if (["done", "failed", "stopped"].includes(state.state)) {
      events.close();
      const isDone = state.state === "done" && !state.notes.length;
      if (isDone && box.dataset.next) location.replace(box.dataset.next);
      else location.reload();
    }
  };
  // A lost connection comes back by itself; a job that the server does not know any more does not.
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED) {
      location.reload();
    }
  };
}
