// The live picture, and beside it what is known of the cards on it.
import { answerOf, drawCards, paragraph, statusOf } from "./drawing.js";
import { nothingSeen, percent, statusLine } from "./words.js";

const blankOf = { lost: "Camera lost", ended: "The video has ended", waiting: "No picture yet" };

export class Live {
  #view;
  #canvas;
  #blank;
  #title;
  #now;
  #source = "waiting";
  #told = new Map();

  constructor(view, canvas, blank, title, now) {
    this.#view = view;
    this.#canvas = canvas;
    this.#blank = blank;
    this.#title = title;
    this.#now = now;
  }

  async showPicture(head, jpeg) {
    const picture = await createImageBitmap(jpeg);
    if (this.#canvas.width !== picture.width) this.#canvas.width = picture.width;
    if (this.#canvas.height !== picture.height) this.#canvas.height = picture.height;
    this.#canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    drawCards(this.#canvas, head.width, head.cards, nameOf);
    // The last picture of a camera that was lost may come after the word that it was.
    if (this.#source === "live") this.#fresh();
  }

  showState(state) {
    this.#source = state.source;
    this.#title.textContent = "In front of the camera";
    if (state.source !== "live") this.#stale(blankOf[state.source]);
    else if (this.#view.classList.contains("stale")) this.#blank.textContent = blankOf.waiting;
    const nothing = nothingSeen[state.source] ?? statusLine(state.status, []);
    this.#showCards(state.cards, nothing);
    this.#canvas.setAttribute("aria-label", `Live picture: ${state.cards.map(nameOf).join(", ") || nothing}`);
  }

  // What is shown is how things were.
  disconnected() {
    this.#source = "waiting";
    this.#title.textContent = "Last in front of the camera";
    this.#stale("Not connected");
  }

  #stale(why) {
    this.#view.classList.add("stale");
    this.#blank.textContent = why;
    this.#blank.hidden = false;
  }

  #fresh() {
    this.#view.classList.remove("stale");
    this.#blank.hidden = true;
  }

  // A card keeps its place, and is told anew where something else is known of it: a reader of the screen says what changed.
  // Confidence alone is no news: it would be read out at each frame.
  #showCards(cards, nothing) {
    const before = this.#told;
    this.#told = new Map();
    for (const card of cards) {
      const key = JSON.stringify([card.stay, card.status, card.cards.map((each) => each.card_id)]);
      const block = before.get(key) ?? blockOf(card);
      const sure = block.querySelector(".sure");
      if (sure) sure.textContent = percent(card.confidence);
      this.#told.set(key, block);
    }
    const blocks = [...this.#told.values()];
    if (!blocks.length) {
      if (this.#now.textContent !== nothing) this.#now.replaceChildren(statusOf("no card", nothing));
      return;
    }
    for (const child of [...this.#now.children]) if (!blocks.includes(child)) child.remove();
    blocks.forEach((block, place) => {
      if (this.#now.children[place] !== block) this.#now.insertBefore(block, this.#now.children[place] ?? null);
    });
  }
}

const nameOf = (card) => (card.status === "confirmed" ? card.cards[0].name : statusLine(card.status, card.cards));

function blockOf(card) {
  const sure = paragraph("quiet sure", percent(card.confidence));
  sure.setAttribute("aria-hidden", "true");
  return answerOf(card.status, card.cards, sure);
}
