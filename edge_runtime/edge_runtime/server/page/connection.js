// The WebSocket, opened again whenever it is gone: soon at first, then each ten seconds, at once when the page is looked at.

const FIRST = 500;
const LONGEST = 10000;

export class Connection {
  #say;
  #socket = null;
  #head = null;
  #pause = FIRST;
  #timer = 0;

  constructor(say) {
    this.#say = say;
    addEventListener("online", () => this.now());
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
      this.#pause = FIRST;
      this.#say.onOpen();
      this.#next();
    };
    socket.onmessage = (message) => this.#take(message.data);
    socket.onclose = () => {
      this.#say.onClosed();
      this.#timer = setTimeout(() => this.now(), this.#pause);
      this.#pause = Math.min(LONGEST, 2 * this.#pause);
    };
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
    else if (message.type === "state") this.#say.onState(message);
  }
}
