// A photo that is dropped, pasted, chosen or taken: sent, and its answer drawn on it.
import { fetchOr401 } from "./access.js";
import { drawCards, paragraph, scanOf, statusOf } from "./drawing.js";
import { percent, statusLine, whichCard } from "./words.js";

// A card on a photo of this size has all the pixels that are looked at; a phone's photo is sent in a second instead of ten.
const LONGEST_SIDE = 2400;
const SHOWN_SIDE = 1200;

export function watchPhotos(drop, field, answer) {
  const send = (file) => file && recognise(file, answer);
  field.addEventListener("change", () => {
    send(field.files[0]);
    field.value = "";
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    send(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => send(event.clipboardData.files[0]));
}

async function recognise(file, answer) {
  answer.replaceChildren(paragraph("quiet", "Reading the photo …"));
  const picture = await createImageBitmap(file).catch(() => null);
  const body = picture && Math.max(picture.width, picture.height) > LONGEST_SIDE ? await scaled(picture, LONGEST_SIDE) : file;
  const response = await fetchOr401("api/v1/recognize", {
    method: "POST",
    body,
    headers: { "content-type": "application/octet-stream" },
  }).catch(() => null);
  const found = await response?.json().catch(() => null);
  if (!response?.ok || !found) {
    answer.replaceChildren(paragraph("wrong", found?.detail ?? "The recogniser can't be reached."));
    return;
  }
  answer.replaceChildren(...said(found));
  if (picture) draw(picture, found, answer);
}

function scaled(picture, longest) {
  const canvas = sized(picture, longest);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
}

function sized(picture, longest) {
  const shrink = Math.min(1, longest / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * shrink);
  canvas.height = Math.round(picture.height * shrink);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function draw(picture, found, answer) {
  const canvas = sized(picture, SHOWN_SIDE);
  answer.prepend(canvas);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "The photo, with the cards that were found");
  drawCards(canvas, found.width, found.cards, (card) => (card.status === "confirmed" ? card.name : statusLine(card.status, candidatesOf(card))));
}

const candidatesOf = (card) => card.candidates.slice(0, 4);

function said(found) {
  if (!found.cards.length) return [statusOf("no card", "no card"), paragraph("quiet", `${found.ms} ms`)];
  return [
    ...found.cards.map((card) => {
      const part = document.createElement("div");
      part.className = "found";
      part.append(statusOf(card.status, statusLine(card.status, candidatesOf(card))));
      const scans = document.createElement("div");
      scans.className = "scans";
      if (card.status === "confirmed") {
        part.prepend(paragraph("name", card.name));
        part.append(paragraph("quiet", `${whichCard(card)}, ${percent(card.confidence)}`));
        scans.append(scanOf(card, card.card_id));
      } else if (card.status === "uncertain") {
        scans.append(...candidatesOf(card).map((each) => scanOf(each, `${each.name}, ${whichCard(each)}`)));
      }
      part.append(scans);
      return part;
    }),
    paragraph("quiet", `${found.ms} ms`),
  ];
}
