// Corners and names on a picture, and what is said of a card.
import { scanAt } from "./scans.js";
import { idBeside, statusLine, whichCard } from "./words.js";

const COLOURS = { confirmed: "#2fe08a", uncertain: "#ffbf5c", unknown: "#d3a8ff" };
const MOST_SCANS = 8;
const DASHES = { confirmed: [], uncertain: [12, 6], unknown: [3, 6] };

// Draw cards onto a canvas that shows a picture of `width` pixels, in which the corners are.
export function drawCards(canvas, width, cards, label) {
  const pen = canvas.getContext("2d");
  const scale = canvas.width / width;
  // A canvas on a phone is shown smaller than it is drawn: what must be read grows by as much.
  const shown = canvas.clientWidth ? canvas.width / canvas.clientWidth : 1;
  const thick = Math.max(2.5 * shown, canvas.width / 260);
  const size = Math.max(14 * shown, canvas.width / 40);
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.textBaseline = "bottom";
  const places = cards.map((card) => placeOf(card.corners.map(([x, y]) => [x * scale, y * scale])));
  for (const [row, card] of cards.entries()) {
    const { points, left: edge, right, top } = places[row];
    pen.setLineDash(DASHES[card.status].map((length) => length * thick / 3));
    pen.beginPath();
    points.forEach(([x, y], corner) => (corner ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
    pen.lineWidth = 2 * thick;
    pen.strokeStyle = "rgb(0 0 0 / .6)";
    pen.stroke();
    pen.lineWidth = thick;
    pen.strokeStyle = COLOURS[card.status];
    pen.stroke();
    // A name may be longer than its card is wide, but ends where that of the next card in the row begins.
    const beside = places.filter((other, place) => place !== row && Math.abs(other.top - top) < 1.5 * size);
    const ends = beside.length ? [...beside.map((other) => other.left), canvas.width] : [];
    const room = Math.min(Math.max(right - edge, 9 * size), ...ends.map((end) => end - edge).filter((wide) => wide > 3 * size));
    const text = shortened(label(card), Math.min(room, canvas.width) - 8, (given) => pen.measureText(given).width);
    const wide = pen.measureText(text).width + 8;
    const left = Math.max(0, Math.min(canvas.width - wide, edge));
    const bottom = Math.max(size + 8, top - thick);
    pen.fillStyle = "rgb(0 0 0 / .75)";
    pen.fillRect(left, bottom - size - 6, wide, size + 6);
    pen.fillStyle = COLOURS[card.status];
    pen.fillText(text, left + 4, bottom - 2);
  }
}

function placeOf(points) {
  const [across, down] = [0, 1].map((axis) => points.map((point) => point[axis]));
  return { points, left: Math.min(...across), right: Math.max(...across), top: Math.min(...down) };
}

// As much of a text as has room. Names of neighbours would else lie upon each other.
function shortened(text, room, width) {
  if (width(text) <= room) return text;
  const letters = [...text];
  while (letters.length > 1 && width(`${letters.join("")}…`) > room) letters.pop();
  return `${letters.join("").trimEnd()}…`;
}

// What is said of one card, and beside or below it the scans of what it is or may be.
export function answerOf(status, cards, sure) {
  const block = document.createElement("div");
  block.className = "found";
  const said = document.createElement("div");
  const head = statusOf(status, statusLine(status, cards));
  if (status === "confirmed") said.append(paragraph("name", cards[0].name), setOf(cards[0]));
  said.append(head);
  block.append(said);
  if (status === "unknown" || !cards.length) return block;
  said.append(sure);
  const scans = document.createElement("div");
  scans.className = "scans";
  scans.append(...(status === "confirmed" ? [scanOf(cards[0])] : cards.slice(0, MOST_SCANS).map((card) =>
    scanOf(card, `${card.name}, ${whichCard(card)}`))));
  block.append(scans);
  if (cards.length > MOST_SCANS) block.append(paragraph("quiet", `and ${cards.length - MOST_SCANS} more`));
  return block;
}

// Its set and number, and after them the id that a correction asks for.
function setOf(card) {
  const line = paragraph("", whichCard(card));
  if (!idBeside(card)) return line;
  const id = document.createElement("span");
  id.className = "quiet";
  id.textContent = idBeside(card);
  line.append(" ", id);
  return line;
}

// The scan of a card, with its name below where that is not said beside it.
function scanOf(card, caption = "") {
  const figure = document.createElement("figure");
  const image = document.createElement("img");
  image.src = scanAt(card.card_id);
  image.alt = caption ? "" : `Scan of ${card.name}`;
  image.onerror = () => image.removeAttribute("src");
  figure.append(image);
  if (caption) {
    const line = document.createElement("figcaption");
    line.textContent = caption;
    figure.append(line);
  }
  return figure;
}

export function paragraph(className, text) {
  const line = document.createElement("p");
  line.className = className;
  line.textContent = text;
  return line;
}

export function statusOf(status, text) {
  const line = paragraph("status", text);
  line.dataset.status = status;
  return line;
}
