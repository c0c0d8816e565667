// What happened, newest first. What was missed while the connection was gone is asked for.
import { fetchOr401 } from "./access.js";
import { correctionOf, keptAs } from "./correction.js";
import { eventLine, idBeside, when } from "./words.js";

const PAGE = 30;
const MOST = 1000;  // as many as the service keeps
const DAY_ASKED = 10000;  // ms between two looks at the calendar

export class History {
  #list;
  #none;
  #more;
  #today = new Date().toDateString();

  constructor(list, none, more) {
    this.#list = list;
    this.#none = none;
    this.#more = more;
    more.addEventListener("click", () => this.#older());
    setInterval(() => this.#tellDays(), DAY_ASKED);
  }

  async begin() {
    const page = await ask(`limit=${PAGE}`);
    if (!page) return;
    for (const event of page.events.toReversed()) this.add(event);
    this.#more.hidden = page.next === null;
  }

  restart() {
    this.#list.replaceChildren();
    this.#none.hidden = false;
    this.#more.hidden = true;
    return this.begin();
  }

  // From the oldest row on, not from the newest: what is shown may have been corrected by somebody else meanwhile.
  async catchUp() {
    if (!this.#list.lastElementChild) return this.begin();
    const page = await ask(`after=${this.#list.lastElementChild.value - 1}&limit=${MOST}`);
    for (const event of page?.events ?? []) this.add(event);
  }

  // What happens now may come before the answer that tells what was missed: each event finds its place by its number.
  add(event) {
    const below = [...this.#list.children].find((each) => each.value <= event.number);
    if (below?.value === event.number) return this.correct(event);
    this.#list.insertBefore(row(event), below ?? null);
    this.#none.hidden = true;
    while (this.#list.children.length > MOST) this.#list.lastElementChild.remove();
  }

  // Somebody, here or at another page, said which card it was. By the id: numbers begin anew with the service.
  correct(event) {
    const button = event.corrected && this.#list.querySelector(`[data-event="${event.id}"]`);
    if (button) keptAs(button, event.corrected);
  }

  // A page may be open for days: what had no day beside it, for it was today, is of yesterday then.
  #tellDays() {
    const today = new Date().toDateString();
    if (today === this.#today) return;
    this.#today = today;
    for (const time of this.#list.querySelectorAll("time")) time.textContent = when(new Date(time.dateTime));
  }

  async #older() {
    const page = await ask(`before=${this.#list.lastElementChild.value}&limit=${PAGE}`);
    if (!page) return;
    for (const event of page.events) this.add(event);
    this.#more.hidden = page.next === null;
  }
}

async function ask(query) {
  const response = await fetchOr401(`api/v1/events?${query}`).catch(() => null);
  return response?.ok ? response.json() : null;
}

function row(event) {
  const item = document.createElement("li");
  item.value = event.number;
  const seen = document.createElement("img");
  // Numbers begin anew with the service: the id keeps the browser from showing what it saw under that number before.
  seen.src = `api/v1/events/${event.number}/picture?${event.id}`;
  seen.alt = "";
  seen.loading = "lazy";
  const what = document.createElement("span");
  what.className = "what";
  what.textContent = eventLine(event);
  what.title = event.cards.map(idBeside).filter(Boolean).join(", ");
  if (event.event === "confirmed" || event.event === "changed") what.dataset.status = event.status;
  const time = document.createElement("time");
  time.dateTime = event.at;
  time.textContent = when(new Date(event.at));
  item.append(seen, what, time);
  const names = event.cards.length && (event.event === "confirmed" || event.event === "changed");
  const unnamed = event.event === "left" && !event.cards.length;
  if (names || unnamed) time.before(correctionOf(event, new Date(event.at).toLocaleString()));
  return item;
}
