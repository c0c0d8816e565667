// Corners and names on a picture.

const COLOURS = { confirmed: "#2fe08a", uncertain: "#ffbf5c", unknown: "#d3a8ff" };
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
  for (const card of cards) {
    const points = card.corners.map(([x, y]) => [x * scale, y * scale]);
    pen.setLineDash(DASHES[card.status].map((length) => length * thick / 3));
    pen.beginPath();
    points.forEach(([x, y], row) => (row ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
    pen.lineWidth = 2 * thick;
    pen.strokeStyle = "rgb(0 0 0 / .6)";
    pen.stroke();
    pen.lineWidth = thick;
    pen.strokeStyle = COLOURS[card.status];
    pen.stroke();
    const text = label(card);
    const wide = pen.measureText(text).width + 8;
    const left = Math.max(0, Math.min(canvas.width - wide, Math.min(...points.map(([x]) => x))));
    const bottom = Math.max(size + 8, Math.min(...points.map(([, y]) => y)) - thick);
    pen.fillStyle = "rgb(0 0 0 / .75)";
    pen.fillRect(left, bottom - size - 6, wide, size + 6);
    pen.fillStyle = COLOURS[card.status];
    pen.fillText(text, left + 4, bottom - 2);
  }
}

// The scan of a card, with its name below.
export function scanOf(card, caption) {
  const figure = document.createElement("figure");
  const image = document.createElement("img");
  image.src = `api/v1/cards/${encodeURIComponent(card.card_id)}/picture`;
  image.alt = `Scan of ${card.name}`;
  image.onerror = () => image.removeAttribute("src");
  const line = document.createElement("figcaption");
  line.textContent = caption;
  figure.append(image, line);
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
