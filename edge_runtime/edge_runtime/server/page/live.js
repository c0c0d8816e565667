// The live picture, and beside it what is known of the cards on it.
import { drawCards, paragraph, scanOf, statusOf } from "./drawing.js";
import { percent, statusLine, whichCard } from "./words.js";

const MOST_SCANS = 8;

export class Live {
  #view;
  #canvas;
  #blank;
  #now;
  #scans;
  #told = "";

  constructor(view, canvas, blank, now, scans) {
    this.#view = view;
    this.#canvas = canvas;
    this.#blank = blank;
    this.#now = now;
    this.#scans = scans;
  }

  async showPicture(head, jpeg) {
    const picture = await createImageBitmap(jpeg);
    if (this.#canvas.width !== picture.width) this.#canvas.width = picture.width;
    if (this.#canvas.height !== picture.height) this.#canvas.height = picture.height;
    this.#canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    drawCards(this.#canvas, head.width, head.cards, (card) =>
      card.status === "confirmed" ? card.cards[0].name : statusLine(card.status, card.cards));
    this.#view.classList.remove("stale");
    this.#blank.hidden = true;
  }

  showState(state) {
    if (state.source === "live") this.#blank.hidden = !this.#blank.textContent || !this.#view.classList.contains("stale");
    else this.stale(state.source === "ended" ? "The video has ended" : state.source === "lost" ? "Camera lost" : "No picture yet");
    this.#showCards(state.status, state.cards);
  }

  stale(why = "Not connected") {
    this.#view.classList.add("stale");
    this.#blank.textContent = why;
    this.#blank.hidden = false;
  }

  // Confidence alone is no news: it would be read out at each frame.
  #showCards(status, cards) {
    const known = cards.filter((card) => card.cards.length);
    const told = JSON.stringify([status, cards.map((card) => [card.status, card.cards.map((each) => each.card_id)])]);
    if (told !== this.#told) {
      this.#told = told;
      this.#now.replaceChildren(...(cards.length ? cards.flatMap((card) => lines(card)) : [statusOf(status, statusLine(status, []))]));
      this.#scans.replaceChildren(...known.flatMap((card) => card.cards).slice(0, MOST_SCANS).map((card) =>
        scanOf(card, `${card.name}, ${whichCard(card)}`)));
    }
    this.#canvas.setAttribute("aria-label", `Live picture: ${cards.length ? cards.map((card) =>
      card.status === "confirmed" ? card.cards[0].name : statusLine(card.status, card.cards)).join(", ") : statusLine(status, [])}`);
    for (const card of known) {
      const place = this.#now.querySelector(`[data-stay="${card.stay}"]`);
      if (place) place.textContent = percent(card.confidence);
    }
  }
}

function lines(card) {
  const head = statusOf(card.status, statusLine(card.status, card.cards));
  if (card.status === "unknown" || !card.cards.length) return [head];
  const sure = paragraph("quiet", percent(card.confidence));
  sure.dataset.stay = card.stay;
  sure.setAttribute("aria-hidden", "true");
  if (card.status !== "confirmed") return [head, sure];
  const [best] = card.cards;
  return [paragraph("name", best.name), paragraph("", whichCard(best)), head, sure];
}
