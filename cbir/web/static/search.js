/* What the pages of the search and of the gallery can do beside what they do without this. */
import { offerCamera } from "./camera.js";
import { offerCrop } from "./crop.js";
import { moreOnScrolling } from "./more.js";
import { applyAtOnce, closeOptionsWhereNarrow, followLinksHere } from "./panel.js";
import { keepPlace } from "./place.js";
import { justifyRows } from "./rows.js";
import { enhance, followHistory } from "./swap.js";
import { searchWhenChosen, takeDropsAndPastes } from "./upload.js";

document.documentElement.classList.add("scripted");
const status = document.createElement("p");
status.id = "status";
status.className = "visually-hidden";
status.setAttribute("role", "status");
document.body.append(status);

takeDropsAndPastes();
followLinksHere();
followHistory();
enhance(
  closeOptionsWhereNarrow,
  searchWhenChosen,
  offerCamera,
  applyAtOnce,
  offerCrop,
  justifyRows,
  moreOnScrolling,
);
keepPlace();
