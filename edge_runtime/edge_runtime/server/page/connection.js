// The WebSocket, opened again whenever it is gone: soon at first, then each ten seconds, at once when the page is looked at.

const FIRST = 500;
const LONGEST = 10000;
// A network that goes away says nothing, and neither does a video that has ended: after so long a silence we ask.
const SILENCE = 8000;
const PATIENCE = 5000;

export class Connection {
  #say;
  #socket = null;
  #head = null;
  #pause = FIRST;
  #timer = 0;
  #heard = 0;

  constructor(say) {
    this.#say = say;
    addEventListener("online", () => this.now());
    addEventListener("offline", () => this.#askWhetherThere());
    setInterval(() => performance.now() - this.#heard > SILENCE && this.#askWhetherThere(), SILENCE / 2);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      if (this.#socket?.readyState === WebSocket.OPEN) this.#next();
      else this.now();
    });
  }

  now() {
    clearTimeout(this.#timer);
    if (this.#socket && this.#socket.readyState < WebSocket.CLOSING) return;
    const address = new URL("api/v1/stream", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.hash = "";
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.binaryType = "blob";
    socket.onopen = () => {
      this.#heard = performance.now();
      this.#say.onOpen();
      this.#next();
    };
    socket.onmessage = (message) => {
      this.#pause = FIRST;  // not as it opens: where too many watch already, it is closed again before anything is said
      this.#heard = performance.now();
      this.#take(message.data);
    };
    socket.onclose = () => this.#gone(socket);
  }

  #gone(socket) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#say.onClosed();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.now(), this.#pause);
    this.#pause = Math.min(LONGEST, 2 * this.#pause);
  }

  async #askWhetherThere() {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN || document.visibilityState !== "visible") return;
    const there = await fetch("healthz", { signal: AbortSignal.timeout(PATIENCE) }).then(() => true, () => false);
    if (there) {
      this.#heard = performance.now();
    } else if (socket === this.#socket) {
      this.#gone(socket);
      socket.close();
    }
  }

  // Ask for a picture. A page that nobody sees asks for none, and goes on when it is seen.
  #next() {
    if (document.visibilityState === "visible" && this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send('{"type": "next"}');
    }
  }

  async #take(data) {
    if (typeof data !== "string") {
      const head = this.#head;
      if (head) await this.#say.onPicture(head, data).catch(() => null);
      this.#next();
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "picture") this.#head = message;
    else if (message.type === "event") this.#say.onEvent(message);
    else if (message.type === "correction") this.#say.onCorrection(message);
    else if (message.type === "state") this.#say.onState(message);
  }
}
