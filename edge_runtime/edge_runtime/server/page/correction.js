// Saying which card it was that an event names otherwise. Kept by a service that was started to keep feedback.
import { fetchOr401 } from "./access.js";
import { eventLine } from "./words.js";

export function correcting(list, dialog, form, said, field, choices, wrong, cancel) {
  let button = null;
  // The rows come and go: their list is listened to.
  list.addEventListener("click", (event) => {
    button = event.target.closest("button");
    if (!button) return;
    said.textContent = `It was told as: ${button.dataset.said}`;
    field.value = wrong.textContent = "";
    // Most often it is another of those that it may be: they need no typing.
    choices.replaceChildren(...JSON.parse(button.dataset.cards).map((card) => new Option(card.name, card.card_id)));
    dialog.showModal();
  });
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const mine = button;
    const response = await fetchOr401(mine.dataset.address, {
      method: "POST",
      body: JSON.stringify({ card_id: field.value }),
      headers: { "content-type": "application/json" },
    }).catch(() => null);
    if (response?.ok) {
      mine.replaceWith(`kept as ${field.value}`);
      dialog.close();
      return;
    }
    const problem = await response?.json().catch(() => null);
    wrong.textContent = problem?.detail ?? "The recogniser can't be reached.";
  });
}

// The button of an event that says which card it is.
export function correctionOf(event) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "correct";
  button.textContent = "Wrong?";
  button.dataset.address = `api/v1/events/${event.number}/correction`;
  button.dataset.said = eventLine(event);
  button.dataset.cards = JSON.stringify(event.cards);
  button.setAttribute("aria-label", `Wrong? ${eventLine(event)}`);
  return button;
}
