// Shared by the pages; each adds its own script.
"use strict";

const KEY = "subscription-key";
const GUID = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";
// The characters of a key.
const VISIBLE_ASCII = /^[\x21-\x7e]*$/;
// Characters that are invisible or reorder the text around them.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

const byId = (id) => document.getElementById(id);

function element(name, className, ...content) {
  const created = document.createElement(name);
  if (className) created.className = className;
  created.append(...content.filter((part) => part !== undefined && part !== null));
  return created;
}

function escaped(text) {
  return text.replace(INVISIBLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// Keeps the subscription key for this tab.
function keepKey() {
  byId("key").value = sessionStorage.getItem(KEY) ?? "";
  byId("key").addEventListener("input", () => sessionStorage.setItem(KEY, byId("key").value));
}

function keyHeader() {
  return { "Ocp-Apim-Subscription-Key": byId("key").value.trim() };
}

// The error message for a key that a header cannot contain; otherwise empty.
function keyError(key) {
  const index = [...key].findIndex((character) => !VISIBLE_ASCII.test(character));
  if (index < 0) return "";
  const code = [...key][index].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return `The key is invalid: character ${index + 1} is U+${code}, but keys consist of printable ASCII characters. Copy it again.`;
}

// Checks the key that was entered; returns the error message, if any, and goes to the field.
function checkKey() {
  const error = keyError(byId("key").value.trim());
  byId("key").setAttribute("aria-invalid", String(Boolean(error)));
  if (error) byId("key").focus();
  return error;
}
