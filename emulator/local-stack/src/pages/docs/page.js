// Shows an API from its OpenAPI document, and sends requests to it.
// Whatever was received is inserted as text, never as markup.
"use strict";

const KEY = "subscription-key";
const GUID = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";
// What a browser sends in a header, and what any key is made of.
const VISIBLE = /^[\x21-\x7e]*$/;
// Whoever reads them sees nothing, or the text around them in another order.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
let api;

const byId = (id) => document.getElementById(id);

function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content.filter((part) => part !== undefined && part !== null));
  return made;
}

function resolved(schema) {
  return schema?.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;
}

// What a value must be, in a few words.
function described(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.allOf) return `${described(schema.allOf[0])}${schema.nullable ? " or null" : ""}`;
  if (schema.type === "array") return `list of ${described(schema.items)}`;
  const words = [schema.type ?? "any"];
  if (schema.format) words.push(schema.format);
  if (schema.enum) words.push(schema.enum.join(" | "));
  const least = schema.minLength ?? schema.minimum;
  const most = schema.maxLength ?? schema.maximum;
  if (least !== undefined || most !== undefined) words.push(`${least ?? ""}…${most ?? ""}`);
  if (schema.pattern) words.push(schema.pattern);
  if (schema.nullable) words.push("or null");
  return words.join(" ");
}

function table(headings, rows) {
  const head = element("tr", "", ...headings.map((heading) => element("th", "", heading)));
  const body = rows.map((cells) => element("tr", "", ...cells.map((cell) => element("td", "", cell))));
  return element("table", "", element("thead", "", head), element("tbody", "", ...body));
}

// Every field of a schema, with those of objects within.
function fields(schema, prefix = "") {
  const { properties = {}, required = [] } = schema;
  return Object.entries(properties).flatMap(([name, field]) => {
    const about = element("span", "quiet", field.description ?? "");
    const row = [
      element("code", "", prefix + name),
      element("code", "", described(field)),
      required.includes(name) ? "required" : "",
      about,
    ];
    const inner = field.type === "array" ? field.items : field;
    return [row, ...(inner.properties ? fields(inner, `${prefix}${name}.`) : [])];
  });
}

function schemaDetails(name, schema) {
  const details = element("details", "schema", element("summary", "", element("code", "", name)));
  details.id = `schema-${name}`;
  if (schema.properties) details.append(table(["Field", "Value", "", "Rule"], fields(schema)));
  else details.append(element("p", "", element("code", "", described(schema))));
  if (schema.example) {
    details.append(element("h4", "", "Example"), element("pre", "", JSON.stringify(schema.example, null, 2)));
  }
  return details;
}

function bodySchema(operation) {
  return operation.requestBody?.content?.["application/json"]?.schema;
}

function responseRows(operation) {
  return Object.entries(operation.responses).map(([status, response]) => {
    const [media] = Object.entries(response.content ?? {});
    const headers = Object.entries(response.headers ?? {});
    return [
      element("strong", "", status),
      response.description,
      media ? element("code", "", `${described(media[1].schema)} (${media[0]})`) : "",
      headers.map(([name, header]) => `${name}: ${header.description}`).join("\n"),
    ];
  });
}

function parameterField(operation, parameter) {
  const input = element("input");
  input.id = `${operation.operationId}-${parameter.name}`;
  input.name = parameter.name;
  input.autocomplete = "off";
  input.placeholder = parameter.schema.example ?? parameter.schema.default ?? "";
  input.required = parameter.required === true;
  // An address with anything else in it can be that of another operation.
  if (parameter.in === "path" && parameter.schema.format === "uuid") {
    input.pattern = `\\s*${GUID}\\s*`;
    input.title = "A GUID, for instance 0190a6b2-1111-7abc-8def-0123456789ab.";
  } else if (parameter.in === "header") {
    input.pattern = "[\\x20-\\x7e]*";
    input.title = "Letters, digits and signs of ASCII; nothing else can be in a header.";
  }
  const label = element("label", "", parameter.name, parameter.required ? " (required)" : "");
  label.htmlFor = input.id;
  const about = `${parameter.in}, ${described(parameter.schema)}. ${parameter.description ?? ""}`;
  return element("div", "parameter", label, input, " ", element("span", "quiet", about));
}

// A replacement names the record that it replaces, which is the last in the path.
function followPath(operation, form) {
  const last = operation.parameters?.findLast((parameter) => parameter.in === "path");
  const schema = resolved(bodySchema(operation));
  if (!last || !schema?.required?.includes("id")) return;
  const { [last.name]: path, body } = form.elements;
  path.addEventListener("input", () => {
    try {
      const record = { ...JSON.parse(body.value), id: path.value.trim() };
      body.value = JSON.stringify(record, null, 2);
    } catch {
      // What is being written is no JSON yet; whoever writes it fills in the id.
    }
  });
}

function bodyField(operation) {
  const schema = bodySchema(operation);
  const input = element("textarea");
  input.id = `${operation.operationId}-body`;
  input.name = "body";
  input.spellcheck = false;
  input.value = JSON.stringify(resolved(schema).example ?? {}, null, 2);
  const label = element("label", "", "Body");
  label.htmlFor = input.id;
  const about = element("span", "quiet", described(schema));
  return element("div", "parameter", label, about, input);
}

// Where the request goes, and with which headers.
function target(path, operation, form) {
  const headers = { "Ocp-Apim-Subscription-Key": byId("key").value.trim() };
  const query = new URLSearchParams();
  let address = path;
  for (const { name, in: place } of operation.parameters ?? []) {
    const value = form.elements[name].value.trim();
    if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(value));
    else if (value && place === "query") query.append(name, value);
    else if (value) headers[name] = value;
  }
  return { address: query.size ? `${address}?${query}` : address, headers };
}

function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function escaped(text) {
  return text.replace(UNSEEN, (unseen) => `\\u${unseen.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// Received text, of which the texts in quotes have directions of their own: whatever they are
// made of, the quotes stay where they are.
function received(text) {
  const shown = element("pre", "body");
  const parts = escaped(text).split(/"([^"\\]*(?:\\.[^"\\]*)*)"/);
  // One by one, since a page of records has more parts than a call takes arguments.
  parts.forEach((part, index) => {
    if (index % 2) shown.append('"', element("bdi", "", part), '"');
    else shown.append(part);
  });
  return shown;
}

// What is wrong with the key, if it cannot be sent.
function keyMistake(key) {
  const index = [...key].findIndex((character) => !VISIBLE.test(character));
  if (index < 0) return "";
  const code = [...key][index].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return `The key cannot be right: its character ${index + 1} is U+${code}, and keys have letters, digits and signs of ASCII alone. Copy it anew.`;
}

async function send(path, method, operation, form, output) {
  const mistake = keyMistake(byId("key").value.trim());
  byId("key").setAttribute("aria-invalid", String(Boolean(mistake)));
  if (mistake) {
    output.replaceChildren(element("p", "bad", mistake));
    byId("key").focus();
    return;
  }
  const { address, headers } = target(path, operation, form);
  const options = { method: method.toUpperCase(), headers, cache: "no-store" };
  if (form.elements.body) {
    options.body = form.elements.body.value;
    headers["Content-Type"] = "application/json";
  }
  output.replaceChildren("…");
  try {
    const begun = performance.now();
    const answer = await fetch(address, options);
    const text = await answer.text();
    const took = `${(performance.now() - begun).toFixed(1)} ms`;
    const lines = [...answer.headers].flatMap(([name, value]) => [`${name}: `, element("bdi", "", escaped(value)), "\n"]);
    output.replaceChildren(
      element("p", "", element("strong", answer.ok ? "good status" : "bad status", `${answer.status}`), ` after ${took}`),
      element("pre", "headers", ...lines),
      received(readable(text)),
    );
  } catch {
    output.replaceChildren(element("p", "bad", "The gateway does not answer."));
  }
}

function tryForm(path, method, operation) {
  const form = element("form");
  for (const parameter of operation.parameters ?? []) form.append(parameterField(operation, parameter));
  if (bodySchema(operation)) form.append(bodyField(operation));
  const output = element("div", "answer");
  output.setAttribute("aria-live", "polite");
  form.append(element("button", "", "Send"), output);
  followPath(operation, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(path, method, operation, form, output);
  });
  return form;
}

function operationDetails(path, method, operation) {
  const summary = element("summary", "", element("code", "method", method.toUpperCase()), element("code", "", path), ` ${operation.summary}`);
  const details = element("details", "operation", summary);
  details.id = operation.operationId;
  details.append(
    element("p", "", operation.description ?? ""),
    element("h4", "", "Try it"),
    tryForm(path, method, operation),
    element("h4", "", "Answers"),
    table(["Status", "Meaning", "Body", "Headers"], responseRows(operation)),
  );
  return details;
}

function show() {
  document.title = api.info.title;
  byId("title").textContent = api.info.title;
  byId("about").textContent = api.info.description;
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const groups = api.tags.flatMap(({ name, description }) => [
    element("h3", "", name),
    element("p", "quiet", description),
    ...operations
      .filter(({ operation }) => operation.tags.includes(name))
      .map(({ path, method, operation }) => operationDetails(path, method, operation)),
  ]);
  byId("operations").replaceChildren(...groups);
  const schemas = Object.entries(api.components.schemas);
  byId("schemas").replaceChildren(...schemas.map(([name, schema]) => schemaDetails(name, schema)));
  byId("state").textContent = `Version ${api.info.version}`;
}

async function load() {
  byId("key").value = sessionStorage.getItem(KEY) ?? "";
  byId("key").addEventListener("input", () => sessionStorage.setItem(KEY, byId("key").value));
  byId("access").addEventListener("submit", (event) => event.preventDefault());
  try {
    const answer = await fetch("/docs/openapi.json", { cache: "no-store" });
    api = await answer.json();
    show();
    if (location.hash) byId(location.hash.slice(1))?.setAttribute("open", "");
  } catch {
    byId("state").textContent = "The document cannot be loaded.";
  }
}

load();
