// A link printed by Hermes carries the token behind "#", which no server and no log ever sees.
const form = document.querySelector("form");

function enter() {
  const token = location.hash.slice(1);
  if (!token) return false;
  history.replaceState(null, "", "/login");
  form.token.value = token;
  form.submit();
  return true;
}

// After a link from another site the browser holds its cookie back from the first request only.
async function isIn() {
  const answer = await fetch("/login", { redirect: "manual" }).catch(() => null);
  return answer?.type === "opaqueredirect";
}

addEventListener("hashchange", enter);
if (!enter() && (await isIn())) location.replace("/");
