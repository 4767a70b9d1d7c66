/* The part of the image that is searched for: a box that is drawn, moved and resized by mouse, finger
   or keyboard. The fields of the panel hold it in pixels of the image. */
import { cancel } from "./swap.js";

const SIDES = ["x", "y", "width", "height"];
const PAUSE = 500; // milliseconds without a key, after which the search begins
const SMALLEST = 6; // pixels of the screen, below which a stroke was a click

let timer = 0;

export function offerCrop() {
  const place = document.getElementById("crop");
  const start = document.getElementById("crop-start");
  if (!place || !start) return;
  const crop = new Crop(place);
  start.hidden = false;
  start.addEventListener("click", () => crop.begin());
}

class Crop {
  constructor(place) {
    this.place = place;
    this.size = [Number(place.dataset.width), Number(place.dataset.height)];
    this.fields = SIDES.map((side) => document.getElementById(`region-${side}`));
    const given = this.fields.map((field) => field.value);
    if (given.every((value) => value !== "")) this.draw(given.map(Number));
    place.classList.add("ready");
    place.addEventListener("pointerdown", (event) => this.press(event));
    this.fields.forEach((field) => field.addEventListener("input", cancel));
  }

  /** Offers a box in the middle, from which to go on. */
  begin() {
    const [width, height] = this.size;
    if (!this.box) this.draw([width / 4, height / 4, width / 2, height / 2]);
    this.box.focus();
  }

  draw(region) {
    this.region = this.within(region);
    if (!this.box) this.addBox();
    const percent = this.region.map((length, i) => `${(100 * length) / this.size[i % 2]}%`);
    [this.box.style.left, this.box.style.top, this.box.style.width, this.box.style.height] = percent;
    const [x, y, width, height] = this.region;
    this.box.setAttribute("aria-label", `Part that is searched for: ${width} × ${height} pixels, from ${x}, ${y}`);
    this.place.classList.add("active");
  }

  /** Returns whole pixels within the image, at least one each way. */
  within([x, y, width, height]) {
    const [right, bottom] = this.size;
    const w = Math.min(Math.max(1, Math.round(width)), right);
    const h = Math.min(Math.max(1, Math.round(height)), bottom);
    return [Math.min(Math.max(0, Math.round(x)), right - w), Math.min(Math.max(0, Math.round(y)), bottom - h), w, h];
  }

  addBox() {
    this.box = document.createElement("div");
    this.box.id = "crop-box";
    this.box.className = "box";
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "application");
    this.box.setAttribute("aria-roledescription", "box; arrow keys move it, with Shift they resize it, Escape removes it");
    for (const corner of ["nw", "ne", "sw", "se"]) {
      const handle = document.createElement("span");
      handle.className = `handle ${corner}`;
      handle.dataset.corner = corner;
      this.box.append(handle);
    }
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.place.append(this.box);
  }

  press(event) {
    // A finger scrolls the page, unless there is a box already.
    if (event.button || (event.pointerType === "touch" && !this.box)) return;
    event.preventDefault();
    cancel();
    clearTimeout(timer);
    const before = this.region;
    const from = this.point(event);
    const change = this.changeFor(event.target, from);
    const move = (moved) => this.draw(change(this.point(moved)));
    const end = (ended) => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
      if (ended.type === "pointercancel" || this.isClick(event, ended)) return this.reset(before);
      this.box.focus({ preventScroll: true });
      return this.search();
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  }

  /** Returns what a stroke that begins at a point makes of the box, by where the pointer is. */
  changeFor(target, from) {
    const [x, y, width, height] = this.region ?? [];
    const { corner } = target.dataset ?? {};
    if (corner) {
      const fixed = [corner.includes("w") ? x + width : x, corner.includes("n") ? y + height : y];
      return (point) => between(fixed, point);
    }
    if (target === this.box) {
      return (point) => [x + point[0] - from[0], y + point[1] - from[1], width, height];
    }
    return (point) => between(from, point);
  }

  isClick(from, to) {
    return Math.hypot(to.clientX - from.clientX, to.clientY - from.clientY) < SMALLEST;
  }

  reset(region) {
    if (region) this.draw(region);
    else this.remove();
  }

  remove() {
    this.box?.remove();
    this.box = this.region = null;
    this.place.classList.remove("active");
  }

  /** Returns where a pointer is, in pixels of the image. */
  point(event) {
    const { left, top, width, height } = this.place.getBoundingClientRect();
    const share = [(event.clientX - left) / width, (event.clientY - top) / height];
    return share.map((one, i) => Math.min(1, Math.max(0, one)) * this.size[i]);
  }

  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (event.key === "Enter") {
      event.preventDefault();
      this.search();
    } else if (event.key === "Escape" || event.key === "Delete") {
      this.remove();
      document.getElementById("crop-start").focus();
      this.search();
    } else if (step) {
      event.preventDefault();
      cancel();
      const [dx, dy] = step.map((one, i) => one * Math.max(1, Math.round(this.size[i] / 50)));
      const [x, y, width, height] = this.region;
      this.draw(event.shiftKey ? this.grown(dx, dy) : [x + dx, y + dy, width, height]);
      clearTimeout(timer);
      timer = setTimeout(() => this.search(), PAUSE);
    }
  }

  /** Returns the box with its right and lower side moved. */
  grown(dx, dy) {
    const [x, y, width, height] = this.region;
    return [x, y, Math.min(width + dx, this.size[0] - x), Math.min(height + dy, this.size[1] - y)];
  }

  search() {
    clearTimeout(timer);
    this.fields.forEach((field, i) => (field.value = this.region ? this.region[i] : ""));
    document.getElementById("panel").requestSubmit();
  }
}

function between([x, y], [u, v]) {
  return [Math.min(x, u), Math.min(y, v), Math.abs(u - x), Math.abs(v - y)];
}
