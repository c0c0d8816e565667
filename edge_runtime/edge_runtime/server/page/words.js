// What is said, in one place.

export const percent = (confidence) => `${Math.floor(1000 * confidence) / 10} % sure`;

export const whichCard = (card) => `${card.set} · ${card.number}`;

export function statusLine(status, cards) {
  if (status === "confirmed") return "confirmed";
  if (status === "uncertain") return cards.length > 1 ? "one of these" : "perhaps this one";
  return status === "unknown" ? "unknown card" : "no card";
}

const sourceNotice = {
  lost: "Camera lost. It is waited for.",
  waiting: "Waiting for the camera.",
  ended: "The video has ended.",
};

export function noticeOf(connected, state) {
  if (!connected) return "The recogniser can't be reached. Trying again …";
  if (!state) return "";
  const expired = state.release.expired ? "This release has expired: new cards may be missing. Pull a newer one." : "";
  return [sourceNotice[state.source], expired].filter(Boolean).join(" ");
}

export function releaseLine(release) {
  const on = release.chip ? ` on ${release.chip}` : "";
  const model = release.variant ? `, model ${release.variant}${on}` : "";
  return `release ${release.release_id}, ${release.cards.toLocaleString("en")} cards${model}${release.expired ? ", expired" : ""}`;
}

export function eventLine(event) {
  const [card] = event.cards;
  if (event.event === "left") return card ? `${card.name} left` : "a card left";
  if (event.event === "appeared") return "a card appeared";
  if (event.status === "confirmed") return `${card.name}, ${whichCard(card)}`;
  if (event.status === "uncertain") return `one of ${event.cards.map((each) => `${each.name} (${each.card_id})`).join(", ")}`;
  return "unknown card";
}
