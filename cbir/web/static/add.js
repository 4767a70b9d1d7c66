// Images that are dropped anywhere on the page, or chosen, are sent in batches: each is one change.

const MOST = 50; // files of a batch
const ROOM = 4096; // bytes of a request beside each file

const form = document.getElementById("add");
const input = document.getElementById("images");
const list = document.querySelector(".uploads");
const drop = form.querySelector(".drop");
const limit = Number(form.dataset.mostBytes);
let last = Promise.resolve();

function line(kind, text) {
  const item = document.createElement("li");
  item.className = kind ? `message ${kind}` : "message";
  item.textContent = text;
  list.append(item);
  return item;
}

/** Returns a line with a bar for all the bytes that are sent. */
function overall(files) {
  const item = line("", "");
  const label = document.createElement("label");
  label.className = "progress";
  const bar = document.createElement("progress");
  bar.max = files.reduce((sum, file) => sum + file.size, 0) || 1;
  bar.value = 0;
  label.append(`Adding ${count(files.length)}`, bar);
  item.append(label);
  return { item, bar };
}

function count(number) {
  return `${number.toLocaleString("en")} file${number === 1 ? "" : "s"}`;
}

function refused(file, reason) {
  line("error", `${file.name}: not added, ${reason}`);
}

/** Splits files into batches that the server takes. */
function batches(files) {
  const found = [];
  let room = 0;
  for (const file of files) {
    const size = file.size + ROOM;
    if (!found.length || found.at(-1).length === MOST || size > room) {
      found.push([]);
      room = limit - ROOM;
    }
    found.at(-1).push(file);
    room -= size;
  }
  return found;
}

function send(batch, onProgress) {
  return new Promise((done) => {
    const data = new FormData();
    data.set("change_token", form.elements.change_token.value);
    data.set("folder", form.elements.folder.value);
    batch.forEach((file) => data.append("images", file));
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => done(new DOMParser().parseFromString(request.responseText, "text/html"));
    request.onerror = () => done(null);
    request.send(data);
  });
}

/** Says in one line what became of a batch, and in one each what was refused. */
function tell(batch, page) {
  const told = [...(page?.querySelectorAll(".uploads > li") ?? [])];
  if (!told.length) {
    const reason = page ? page.querySelector("main h1 + p, main .message.error")?.textContent : null;
    line("error", `${count(batch.length)} not added: ${reason ?? "the server does not answer"}`);
    return;
  }
  const done = told.filter((one) => one.classList.contains("done"));
  const wrong = told.filter((one) => one.classList.contains("error"));
  const is = (outcome) => done.filter((one) => one.dataset.outcome === outcome).length;
  const parts = [`${count(is("added"))} added`];
  if (is("present")) parts.push(`${is("present").toLocaleString("en")} there already`);
  if (wrong.length) parts.push(`${wrong.length.toLocaleString("en")} not added`);
  if (batch.length === 1) list.append(...done.map((one) => document.adoptNode(one)));
  else line(is("added") ? "done" : "", parts.join(", "));
  list.append(...wrong.map((one) => document.adoptNode(one)));
  const job = told.find((one) => !one.classList.contains("done") && !one.classList.contains("error"));
  if (job) {
    list.querySelector("[data-job-link]")?.remove();
    job.dataset.jobLink = "";
    list.append(document.adoptNode(job));
  }
}

async function sendAll(files) {
  const fitting = files.filter((file) => file.size + 2 * ROOM <= limit);
  for (const file of files) {
    if (!fitting.includes(file)) refused(file, `it is larger than ${form.dataset.most}`);
  }
  if (!fitting.length) return;
  const { item, bar } = overall(fitting);
  for (const batch of batches(fitting)) {
    const before = bar.value;
    const page = await send(batch, (bytes) => (bar.value = before + bytes));
    bar.value = before + batch.reduce((sum, file) => sum + file.size, 0);
    tell(batch, page);
  }
  item.remove();
}

/** Sends files after those that are being sent. */
function add(files) {
  last = last.then(() => sendAll(files));
}

form.querySelector(".script").hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const files = [...input.files];
  input.value = "";
  add(files);
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) {
    drop.classList.remove("over");
  }
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  add([...event.dataTransfer.files]);
});
