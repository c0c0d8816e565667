// A photo that is dropped, pasted, chosen or taken: sent, and its answer drawn on it.
import { fetchOr401 } from "./access.js";
import { correctionOf } from "./correction.js";
import { answerOf, drawCards, paragraph, statusOf } from "./drawing.js";
import { percent, seconds, statusLine } from "./words.js";

// A card on a photo of this size has all the pixels that are looked at; a phone's photo is sent in a second instead of ten.
const LONGEST_SIDE = 2400;
const SHOWN_SIDE = 1200;
const CUT_OUT = 176;  // pixels, as high as what is kept of a card in front of the camera
// Chromium does not turn these as their EXIF says, and the service does: they are sent as they are shown, or the corners would lie
// elsewhere on them.
const TURNED_THERE_ALONE = ["image/webp"];

export function watchPhotos(drop, field, answer) {
  const send = (files) => files.length && recognise(files[0], answer, files.length);
  field.addEventListener("change", () => {
    send(field.files);
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
    send(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => send(event.clipboardData.files));
}

let newest = 0;

// A photo that comes while another is read takes its place: an answer that comes late is not shown. `given`: how many came with it.
async function recognise(file, answer, given) {
  const mine = ++newest;
  answer.replaceChildren(paragraph("quiet", "Reading the photo …"));
  const picture = await createImageBitmap(file).catch(() => null);
  // A phone's photo is 50 MB of pixels, which a browser gives back late unless it is told.
  await answerTo(file, picture, answer, given, () => mine === newest).finally(() => picture?.close());
}

async function answerTo(file, picture, answer, given, isAwaited) {
  if (!picture && !(await isReadable(file))) {  // the browser could not send it either
    if (isAwaited()) answer.replaceChildren(paragraph("wrong", "That can't be read. Is it a folder, or a file that is gone?"));
    return;
  }
  const body = picture && (Math.max(picture.width, picture.height) > LONGEST_SIDE || TURNED_THERE_ALONE.includes(file.type))
    ? await scaled(picture, LONGEST_SIDE) : file;
  const response = await fetchOr401("api/v1/recognize", {
    method: "POST",
    body,
    headers: { "content-type": "application/octet-stream" },
  }).catch(() => null);
  const found = await response?.json().catch(() => null);
  if (!isAwaited()) return;
  if (!response?.ok || !found) {
    answer.replaceChildren(paragraph("wrong", found?.detail ? sentence(found.detail) : "The recogniser can't be reached."));
    return;
  }
  const cards = inReadingOrder(found.cards);
  answer.replaceChildren(...said(cards, found, picture));
  if (picture) draw(picture, found.width, cards, answer);
  if (given > 1) answer.append(paragraph("quiet", `The first of ${given} photos. Bring the others one by one.`));
}

const isReadable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function scaled(picture, longest) {
  const canvas = sized(picture, longest);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
}

function sized(picture, longest) {
  const shrink = Math.min(1, longest / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * shrink);
  canvas.height = Math.round(picture.height * shrink);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";  // behind what is transparent, as the service has it: a JPEG would have it black
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function draw(picture, width, cards, answer) {
  const canvas = sized(picture, SHOWN_SIDE);
  answer.prepend(canvas);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "The photo, with the cards that were found");
  drawCards(canvas, width, cards, (card) => (card.status === "confirmed" ? card.name : statusLine(card.status, meantBy(card))));
}

// The card, or the candidates; of an unknown card the one whose other printing it is, or none.
function meantBy(card) {
  if (card.status === "uncertain") return card.candidates;
  return card.status === "confirmed" || card.other_printing ? [card] : [];
}

// Row by row, as the cards of a binder's page are read: a card whose middle is above another's lower edge is of its row.
function inReadingOrder(cards) {
  const placed = cards.map((card) => {
    const [xs, ys] = [0, 1].map((axis) => card.corners.map((corner) => corner[axis]));
    const top = Math.min(...ys);
    return { card, left: Math.min(...xs), top, middle: (top + Math.max(...ys)) / 2, bottom: Math.max(...ys) };
  });
  const rows = [];
  for (const each of placed.toSorted((one, other) => one.top - other.top)) {
    const row = rows.at(-1);
    if (row && each.middle < row[0].bottom) row.push(each);
    else rows.push([each]);
  }
  return rows.flatMap((row) => row.toSorted((one, other) => one.left - other.left)).map((each) => each.card);
}

function said(cards, { ms, width }, picture) {
  const took = paragraph("quiet", `read in ${seconds(ms)}`);
  if (!cards.length) return [statusOf("no card", "no card"), took];
  const list = document.createElement("div");
  list.className = "answers";
  list.append(...cards.map((card, row) => cardOf(card, `card ${row + 1} of ${cards.length} on the photo`, width, picture)));
  return [list, took];
}

function cardOf(card, where, width, picture) {
  const block = answerOf(card.status, meantBy(card), paragraph("quiet", percent(card.confidence)));
  if (!card.id) return block;  // nothing is kept
  const told = { id: card.id, event: "confirmed", status: card.status, cards: meantBy(card) };
  block.firstElementChild.append(correctionOf(told, where, `api/v1/photos/${card.id}/correction`));
  if (picture && !told.cards.length) block.append(cutOut(picture, width, card.corners));
  return block;
}

// Of a card without a name only its picture says which one of the photo's is meant.
function cutOut(picture, width, corners) {
  const scale = picture.width / width;
  const [left, top, right, bottom] = [[0, Math.min], [1, Math.min], [0, Math.max], [1, Math.max]].map(([axis, end]) =>
    scale * end(...corners.map((corner) => corner[axis])));
  const canvas = document.createElement("canvas");
  canvas.height = CUT_OUT;
  canvas.width = Math.round(CUT_OUT * (right - left) / (bottom - top));
  canvas.getContext("2d").drawImage(picture, left, top, right - left, bottom - top, 0, 0, canvas.width, canvas.height);
  canvas.className = "seen";
  return canvas;
}
