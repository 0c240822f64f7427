// A link printed by Hermes carries the token behind "#", which no server and no log ever sees.
const token = location.hash.slice(1);
const form = document.querySelector("form");

async function alreadyIn() {
  // After a link from another site the browser holds its cookie back from the first request only.
  const answer = await fetch("/chats", { headers: { accept: "text/html" } }).catch(() => null);
  return answer?.ok;
}

if (token) {
  history.replaceState(null, "", "/login");
  form.token.value = token;
  form.submit();
} else if (await alreadyIn()) {
  location.replace("/");
}
