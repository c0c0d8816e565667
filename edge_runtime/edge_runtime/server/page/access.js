// Signing in, where a token is asked for.

let ask = () => {};

// A request of ours. Shows the dialog where the token is asked for; gives the response in any case.
export async function fetchOr401(address, options) {
  const response = await fetch(address, options);
  if (response.status === 401) ask();
  return response;
}

export function signIn(dialog, form, field, wrong, done) {
  ask = () => {
    if (!dialog.open) dialog.showModal();
  };
  async function show(token) {
    const response = await fetch("login", { method: "POST", body: token }).catch(() => null);
    if (response?.ok) {
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
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(field.value);
  });
  // A link that holds the token after #token= signs a phone in; servers and logs never see that part of an address.
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    history.replaceState(null, "", location.pathname + location.search);
    show(given);
  }
}
