// A link printed by Hermes carries the token behind "#", which no server and no log ever sees.
const form = document.querySelector("form");
const TOKEN = "hermes_login_";

// Whoever came for the approvals is led there; what stands behind "#" then names one of them.
const wanted = new URLSearchParams(location.search).get("to") === "approvals" ? "/approvals" : "/";
form.action = location.search ? `/login${location.search}` : "/login";

function enter() {
  const token = location.hash.slice(1);
  if (!token.startsWith(TOKEN)) {
    form.action += location.hash;
    return false;
  }
  history.replaceState(null, "", `/login${location.search}`);
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
if (!enter() && (await isIn())) location.replace(wanted + location.hash);
