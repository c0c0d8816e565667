// What happened, newest first. What was missed while the connection was gone is asked for.
import { fetchOr401 } from "./access.js";
import { eventLine } from "./words.js";

const PAGE = 30;
const MOST = 500;

export class History {
  #list;
  #none;
  #more;
  #newest = 0;
  #oldest = null;

  constructor(list, none, more) {
    this.#list = list;
    this.#none = none;
    this.#more = more;
    more.addEventListener("click", () => this.#older());
  }

  async begin() {
    const page = await ask(`limit=${PAGE}`);
    if (!page) return;
    for (const event of page.events.toReversed()) this.add(event);
    this.#showMore(page.next);
  }

  restart() {
    this.#list.replaceChildren();
    this.#newest = 0;
    return this.begin();
  }

  async catchUp() {
    if (!this.#newest) return this.begin();
    const page = await ask(`after=${this.#newest}&limit=${MOST}`);
    for (const event of page?.events ?? []) this.add(event);
  }

  add(event) {
    if (event.number <= this.#newest) return;
    this.#newest = event.number;
    this.#list.prepend(row(event));
    this.#none.hidden = true;
    while (this.#list.children.length > MOST) this.#list.lastElementChild.remove();
  }

  async #older() {
    const page = await ask(`before=${this.#oldest}&limit=${PAGE}`);
    if (!page) return;
    this.#list.append(...page.events.map(row));
    this.#showMore(page.next);
  }

  #showMore(next) {
    this.#oldest = next;
    this.#more.hidden = next === null;
  }
}

async function ask(query) {
  const response = await fetchOr401(`api/v1/events?${query}`).catch(() => null);
  return response?.ok ? response.json() : null;
}

function row(event) {
  const item = document.createElement("li");
  const seen = document.createElement("img");
  seen.src = `api/v1/events/${event.number}/picture`;
  seen.alt = "";
  seen.loading = "lazy";
  const what = document.createElement("span");
  what.className = "what";
  what.textContent = eventLine(event);
  if (event.event === "confirmed" || event.event === "changed") what.dataset.status = event.status;
  const time = document.createElement("time");
  time.dateTime = event.at;
  time.textContent = new Date(event.at).toLocaleTimeString();
  item.append(seen, what, time);
  return item;
}
