// Puts the page together: what the connection says goes to the parts that show it.
import { Connection } from "./connection.js";
import { fetchOr401, signIn } from "./access.js";
import { Correction } from "./correction.js";
import { Live } from "./live.js";
import { History } from "./history.js";
import { watchPhotos } from "./photo.js";
import { answersNow } from "./scans.js";
import { noticeOf, releaseLine } from "./words.js";

const byId = (id) => document.getElementById(id);
const live = new Live(byId("view"), byId("picture"), byId("blank"), byId("answer-title"), byId("now"));
const history = new History(byId("events"), byId("no-events"), byId("more"));
let state = null;
let connected = false;
let signedOut = false;

function showNotice() {
  const text = noticeOf(connected, state, signedOut);
  const notice = byId("notice");
  if (notice.textContent !== text) notice.textContent = text;
}

const connection = new Connection({
  onState(now) {
    const another = state && state.run !== now.run;
    state = now;
    byId("past").classList.toggle("corrects", now.corrects);
    answersNow(now.release.release_id);
    byId("release").textContent = releaseLine(now.release);
    live.showState(now);
    showNotice();
    if (another) history.restart();
  },
  onEvent: (event) => history.add(event),
  onCorrection: (event) => history.correct(event),
  onPicture: (head, jpeg) => live.showPicture(head, jpeg),
  onOpen() {
    connected = true;
    signedOut = false;
    showNotice();
    history.catchUp();
  },
  async onClosed() {
    connected = false;
    live.disconnected();
    showNotice();
    // A WebSocket does not say why it was refused; the same cookie tells.
    const response = await fetchOr401("api/v1/release").catch(() => null);
    if (connected) return;
    signedOut = response?.status === 401;
    showNotice();
  },
});

watchPhotos(byId("drop"), byId("file"), byId("photo-answer"));
new Correction({
  places: [byId("events"), byId("photo-answer")], dialog: byId("correction"), form: byId("correction-form"), said: byId("correction-said"),
  search: byId("correct-search"), found: byId("correction-found"), cards: byId("correct-cards"), wrong: byId("correction-wrong"),
  cancel: byId("correction-cancel"),
});
signIn(byId("sign-in"), byId("token-form"), byId("token"), byId("token-wrong"), () => connection.now());
history.begin().finally(() => connection.now());
