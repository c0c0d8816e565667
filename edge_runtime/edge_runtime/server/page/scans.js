// Where the scan of a card is. A browser keeps one for a day, and a page as long as it is open; another release may have another
// scan of the card: so the release that answers stands in the address.
let release = "";

export const answersNow = (releaseId) => { release = releaseId; };
export const scanAt = (cardId) => `api/v1/cards/${encodeURIComponent(cardId)}/picture?${release}`;
