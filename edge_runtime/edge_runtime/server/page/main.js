// Puts the page together: what the connection says goes to the parts that show it.
import { Connection } from "./connection.js";
import { fetchOr401, signIn } from "./access.js";
import { correcting } from "./correction.js";
import { Live } from "./live.js";
import { History } from "./history.js";
import { watchPhotos } from "./photo.js";
import { noticeOf, releaseLine } from "./words.js";

const byId = (id) => document.getElementById(id);
const live = new Live(byId("view"), byId("picture"), byId("blank"), byId("answer-title"), byId("now"));
const history = new History(byId("events"), byId("no-events"), byId("more"));
let state = null;

function showNotice(connected) {
  const text = noticeOf(connected, state);
  const notice = byId("notice");
  if (notice.textContent !== text) notice.textContent = text;
}

const connection = new Connection({
  onState(now) {
    const another = state && state.run !== now.run;
    state = now;
    byId("past").classList.toggle("corrects", now.corrects);
    byId("release").textContent = releaseLine(now.release);
    live.showState(now);
    showNotice(true);
    if (another) history.restart();
  },
  onEvent: (event) => history.add(event),
  onPicture: (head, jpeg) => live.showPicture(head, jpeg),
  onOpen() {
    showNotice(true);
    history.catchUp();
  },
  async onClosed() {
    live.disconnected();
    showNotice(false);
    // A WebSocket does not say why it was refused; the same cookie tells.
    await fetchOr401("api/v1/release").catch(() => null);
  },
});

watchPhotos(byId("drop"), byId("file"), byId("photo-answer"));
correcting(
  byId("events"), byId("correction"), byId("correction-form"), byId("correction-said"), byId("correct-id"), byId("correction-wrong"),
  byId("correction-cancel"),
);
signIn(byId("sign-in"), byId("token-form"), byId("token"), byId("token-wrong"), () => connection.now());
history.begin().finally(() => connection.now());
