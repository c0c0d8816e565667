// Signing in, where a token is asked for.

let ask = () => {};
let signing = null;
let signedIn = 0;

// A request of ours. Shows the dialog where the token is asked for; gives the response in any case. One that was sent before
// a sign-in that succeeds meanwhile asks for nothing.
export async function fetchOr401(address, options) {
  const before = signedIn;
  const response = await fetch(address, options);
  if (response.status === 401) {
    await signing;
    if (signedIn === before) ask();
  }
  return response;
}

export function signIn(dialog, form, field, wrong, done) {
  ask = () => {
    if (!dialog.open) dialog.showModal();
  };
  async function tried(token) {
    const response = await fetch("login", { method: "POST", body: token }).catch(() => null);
    if (response?.ok) {
      signedIn += 1;
      dialog.close();
      wrong.textContent = "";
      field.value = "";
      done();
      return;
    }
    const problem = await response?.json().catch(() => null);
    wrong.textContent = problem?.detail ?? "The recogniser can't be reached.";
    ask();
  }
  const show = (token) => (signing = tried(token));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(field.value);
  });
  // A link that holds the token after #token= signs a phone in; servers and logs never see that part of an address. Where the
  // page is open already, following it loads nothing anew.
  function takeUp() {
    const given = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!given) return;
    history.replaceState(null, "", location.pathname + location.search);
    show(given);
  }
  addEventListener("hashchange", takeUp);
  takeUp();
}
