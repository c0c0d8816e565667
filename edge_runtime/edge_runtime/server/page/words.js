// What is said, in one place.

// Never 100: nothing that is seen is certain.
export const percent = (confidence) => `${Math.min(99.9, Math.floor(1000 * confidence) / 10)} % sure`;

export const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

// The time of a day, and the day where that is not today.
export function when(at, today = new Date()) {
  const time = at.toLocaleTimeString([], { hour: "numeric", minute: "2-digit", second: "2-digit" });
  if (at.toDateString() === today.toDateString()) return time;
  return `${at.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

export const whichCard = (card) => `${card.set_name} · ${card.number}`;

// The card's id, where its set is not called by it anyway.
export const idBeside = (card) => (card.set_name === card.set ? "" : card.card_id);

const otherPrinting = (card) => `another printing of ${card.name}`;

export function statusLine(status, cards) {
  if (status === "confirmed") return "confirmed";
  if (status === "uncertain") return cards.length > 1 ? "one of these" : "perhaps this one";
  if (status !== "unknown") return "no card";
  return cards.length ? otherPrinting(cards[0]) : "unknown card";
}

const sourceNotice = {
  lost: "Camera lost. Is it plugged in, and does no other program use it? Waiting until it is back.",
  waiting: "Waiting for the camera.",
  ended: "The video has ended.",
};

// What is said in the place of the cards while there is nothing to see them on.
export const nothingSeen = { lost: "camera lost", waiting: "no picture yet", ended: "the video has ended" };

export function noticeOf(connected, state, signedOut) {
  if (!connected) return signedOut ? "Signed out: the recogniser asks for its token." : "The recogniser can't be reached. Trying again …";
  if (!state) return "";
  const expired = state.release.expired ? "This release has expired: new cards may be missing. Pull a newer one." : "";
  return [sourceNotice[state.source], expired].filter(Boolean).join(" ");
}

export function releaseLine(release) {
  const on = release.chip ? ` on ${release.chip}` : "";
  const model = release.variant ? `, model ${release.variant}${on}` : "";
  return `release ${release.release_id}, ${release.cards.toLocaleString("en")} cards${model}${release.expired ? ", expired" : ""}`;
}

function whoLeft(status, card) {
  if (!card) return "an unknown card";
  return status === "unknown" ? otherPrinting(card) : card.name;
}

export function eventLine(event) {
  const [card] = event.cards;
  if (event.event === "left") return `${whoLeft(event.status, card)} left`;
  if (event.event === "appeared") return "a card appeared";
  if (event.status === "confirmed") return `${card.name}, ${whichCard(card)}`;
  if (event.status === "uncertain") {
    const which = event.cards.map((each) => `${each.name} (${each.card_id})`).join(", ");
    return `${event.cards.length > 1 ? "one of" : "perhaps"} ${which}`;
  }
  return card ? `${otherPrinting(card)}, ${whichCard(card)}` : "unknown card";
}
