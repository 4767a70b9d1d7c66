/* A live view of the camera, where the browser and the user allow it. */
import { searchFor } from "./upload.js";

const part = (name) => document.getElementById(`camera-${name}`);

export function offerCamera() {
  const dialog = document.getElementById("camera");
  if (!dialog || !navigator.mediaDevices?.getUserMedia) return;
  part("open").hidden = false;
  part("open").addEventListener("click", () => open(dialog));
  part("close").addEventListener("click", () => dialog.close());
  part("shutter").addEventListener("click", () => take(dialog));
  dialog.addEventListener("close", stop);
}

async function open(dialog) {
  dialog.showModal();
  part("problem").hidden = true;
  part("shutter").disabled = true;
  try {
    const wanted = { facingMode: "environment", width: { ideal: 1920 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
    part("view").srcObject = stream;
    if (!dialog.open) return stop();
    await part("view").play();
    part("shutter").disabled = false;
    part("shutter").focus();
  } catch (error) {
    const isRefused = error.name === "NotAllowedError";
    part("problem").textContent = isRefused
      ? "The camera may not be used here; the browser's settings for this page say so."
      : "No camera was found, or another program uses it.";
    part("problem").hidden = false;
  }
}

async function take(dialog) {
  const view = part("view");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [view.videoWidth, view.videoHeight];
  canvas.getContext("2d").drawImage(view, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  dialog.close();
  await searchFor([new File([blob], "camera.jpg", { type: "image/jpeg" })]);
}

function stop() {
  const view = part("view");
  view?.srcObject?.getTracks().forEach((track) => track.stop());
  if (view) view.srcObject = null;
}
