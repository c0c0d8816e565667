// Saying which card it was that an event or a photo's answer names otherwise, or not at all. Kept by a service that was started to
// keep feedback.
import { fetchOr401 } from "./access.js";
import { scanAt } from "./scans.js";
import { eventLine, idBeside, whichCard } from "./words.js";

const UNHURRIED = 150;  // ms without another letter before cards are looked for
const MOST_SHOWN = 20;
const CARD_ID = /^[A-Za-z0-9][A-Za-z0-9.!?+_-]{0,79}$/;

export class Correction {
  #on;  // the elements of the dialogue, by what they do
  #button = null;
  #asked = "";
  #looked;  // until the cards that were asked for are shown
  #waiting = 0;

  constructor(elements) {
    this.#on = elements;
    const { places, dialog, form, search, cancel } = elements;
    // Buttons come and go: what they lie in is listened to.
    for (const place of places) {
      place.addEventListener("click", (event) => {
        const button = event.target.closest(".correct");
        if (button) this.#open(button);
      });
    }
    search.addEventListener("input", () => {
      clearTimeout(this.#waiting);
      this.#waiting = setTimeout(() => this.#look(), UNHURRIED);
    });
    search.addEventListener("keydown", (event) => {
      if (event.isComposing || !["Enter", "ArrowDown", "ArrowUp"].includes(event.key)) return;
      event.preventDefault();
      this.#byKey(event.key);
    });
    cancel.addEventListener("click", () => dialog.close());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#keep(new FormData(form).get("card"));
    });
  }

  #open(button) {
    const { said, search, wrong, dialog } = this.#on;
    this.#button = button;
    said.textContent = button.dataset.said;
    search.value = wrong.textContent = this.#asked = "";
    this.#looked = this.#show(this.#told());
    dialog.showModal();
  }

  // Most often it is another of those that it may be: they need no typing.
  #told() {
    return JSON.parse(this.#button.dataset.cards);
  }

  #look() {
    clearTimeout(this.#waiting);
    const asked = this.#on.search.value.trim();
    if (asked !== this.#asked) {
      this.#asked = asked;
      this.#looked = this.#find(asked);
    }
    return this.#looked;
  }

  async #find(asked) {
    if (!asked) return this.#show(this.#told());
    const query = `q=${encodeURIComponent(asked)}&limit=${MOST_SHOWN + 1}`;
    const response = await fetchOr401(`api/v1/cards?${query}`).catch(() => null);
    const found = response?.ok ? (await response.json()).cards : null;
    if (asked !== this.#asked) return;  // more was typed meanwhile
    this.#on.wrong.textContent = found ? "" : "The recogniser can't be reached.";
    if (!found) this.#asked = null;  // so that it can be asked for again
    this.#show(found ?? [], found ? asked : "");
  }

  // From the search field: Enter takes the first card that was found, and keeps it once one is taken; arrows go from one to the
  // next. What was typed last is looked for first.
  async #byKey(key) {
    await this.#look();
    const { search, cards, form } = this.#on;
    if (search.value.trim() !== this.#asked) return;  // more was typed meanwhile, or nobody answers
    const choices = [...cards.querySelectorAll("input")];
    const taken = choices.findIndex((choice) => choice.checked);
    if (key === "Enter" && (taken >= 0 || !this.#asked || !choices.length)) return form.requestSubmit();
    const next = key === "ArrowUp" ? choices.at(Math.max(taken, 0) - 1) : choices[(taken + 1) % choices.length];
    if (next) next.checked = true;
    next?.focus();
  }

  #show(cards, asked = "") {
    const choices = cards.slice(0, MOST_SHOWN).map((card) => choice(card.card_id, card.name, whichCard(card), idBeside(card)));
    if (!cards.length && CARD_ID.test(asked)) choices.push(choice(asked, asked, "no card of this release: kept under this id"));
    this.#on.cards.replaceChildren(...choices);
    this.#on.found.textContent = asked ? howMany(cards.length) : "";
  }

  async #keep(cardId) {
    const { wrong, dialog } = this.#on;
    const button = this.#button;
    if (!cardId) {
      wrong.textContent = "Choose a card first.";
      return;
    }
    const response = await fetchOr401(button.dataset.address, {
      method: "POST",
      body: JSON.stringify({ card_id: cardId, id: button.dataset.event }),
      headers: { "content-type": "application/json" },
    }).catch(() => null);
    if (response?.ok) {
      keptAs(button, cardId);
      dialog.close();
      return;
    }
    const problem = await response?.json().catch(() => null);
    wrong.textContent = problem?.detail ?? "The recogniser can't be reached.";
  }
}

function howMany(found) {
  if (found > MOST_SHOWN) return "There are more: say its set or number as well.";
  if (found) return found === 1 ? "1 card" : `${found} cards`;
  return "No card of this release is called so.";
}

// A card to choose, with its scan where the release has it.
function choice(cardId, name, ...details) {
  const label = document.createElement("label");
  const radio = document.createElement("input");
  radio.type = "radio";
  radio.name = "card";
  radio.value = cardId;
  const scan = document.createElement("img");
  scan.src = scanAt(cardId);
  scan.alt = "";
  scan.loading = "lazy";
  scan.addEventListener("error", () => scan.removeAttribute("src"));
  const what = document.createElement("span");
  what.append(name, note(details.filter(Boolean).join(" · ")));
  label.append(radio, scan, what);
  return label;
}

function note(text) {
  const line = document.createElement("span");
  line.className = "quiet";
  line.textContent = text;
  return line;
}

// The button says so once somebody has said which card it was. It stays one: whoever chose the wrong card chooses again.
export function keptAs(button, cardId) {
  button.textContent = `kept as ${cardId}`;
  button.setAttribute("aria-label", `Kept as ${cardId}: choose another card. ${button.dataset.where}: ${button.dataset.said}`);
}

// The button of an event that says which card it is; of a card on a photo with its own address. `where`, in words, tells it from
// the others for who only hears it.
export function correctionOf(event, where, address = `api/v1/events/${event.number}/correction`) {
  const named = event.cards.length > 0;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "correct";
  button.textContent = named ? "Wrong?" : "Which?";
  button.dataset.event = event.id;  // the service may have started anew meanwhile, and numbers with it
  button.dataset.address = address;
  button.dataset.said = named ? `It was told as: ${eventLine(event)}` : "It was told as no card of this release.";
  button.dataset.where = where;
  button.dataset.cards = JSON.stringify(event.cards);
  button.setAttribute("aria-label", `${button.textContent} ${where}: ${button.dataset.said}`);
  if (event.corrected) keptAs(button, event.corrected);
  return button;
}
