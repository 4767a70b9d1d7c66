// Images that are dropped anywhere on the page, or chosen, are sent one by one.

const form = document.getElementById("add");
const input = document.getElementById("images");
const list = document.querySelector(".uploads");
const drop = form.querySelector(".drop");

function row(file) {
  const item = document.createElement("li");
  item.className = "message";
  const label = document.createElement("label");
  label.className = "progress";
  label.append(file.name, document.createElement("progress"));
  item.append(label);
  list.append(item);
  return item;
}

function answered(item, name, request) {
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  const told = [...page.querySelectorAll(".uploads > li")];
  if (told.length) {
    item.replaceWith(...told.map((one) => document.adoptNode(one)));
  } else {
    failed(item, name, page.querySelector("main p")?.textContent ?? request.statusText);
  }
}

function failed(item, name, reason) {
  item.className = "message error";
  item.textContent = `${name}: not added, ${reason}`;
}

function send(file) {
  const item = row(file);
  return new Promise((done) => {
    const data = new FormData();
    data.set("change_token", form.elements.change_token.value);
    data.set("folder", form.elements.folder.value);
    data.append("images", file);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.onprogress = (event) => {
      const bar = item.querySelector("progress");
      if (bar && event.lengthComputable) {
        bar.max = event.total;
        bar.value = event.loaded;
      }
    };
    request.onload = () => answered(item, file.name, request);
    request.onerror = () => failed(item, file.name, "the server does not answer");
    request.onloadend = done;
    request.send(data);
  });
}

async function sendAll(files) {
  for (const file of files) {
    await send(file);
  }
}

form.querySelector(".script").hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const files = [...input.files];
  input.value = "";
  sendAll(files);
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
  sendAll([...event.dataTransfer.files]);
});
