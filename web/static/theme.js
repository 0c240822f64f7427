// Runs before the page is painted, so that a chosen colour scheme does not flash.
const chosen = localStorage.getItem("hermes-theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
