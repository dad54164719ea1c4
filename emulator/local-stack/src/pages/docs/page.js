// Shows an API from its OpenAPI document, and sends requests to it.
// Responses are inserted as text, never as markup.
let api;

function resolved(schema) {
  return schema?.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;
}

// A short description of a schema.
function described(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.allOf) return `${described(schema.allOf[0])}${schema.nullable ? " or null" : ""}`;
  if (schema.type === "array") return `list of ${described(schema.items)}`;
  const words = [schema.type ?? "any"];
  if (schema.format) words.push(schema.format);
  if (schema.enum) words.push(schema.enum.join(" | "));
  const minimum = schema.minLength ?? schema.minimum;
  const maximum = schema.maxLength ?? schema.maximum;
  if (minimum !== undefined || maximum !== undefined) words.push(`${minimum ?? ""}…${maximum ?? ""}`);
  if (schema.pattern) words.push(schema.pattern);
  if (schema.nullable) words.push("or null");
  return words.join(" ");
}

function table(headings, rows) {
  const head = element("tr", "", ...headings.map((heading) => element("th", "", heading)));
  const body = rows.map((cells) => element("tr", "", ...cells.map((cell) => element("td", "", cell))));
  return element("table", "", element("thead", "", head), element("tbody", "", ...body));
}

// A row for each field of a schema, including those of nested objects.
function fieldRows(schema, prefix = "") {
  const { properties = {}, required = [] } = schema;
  return Object.entries(properties).flatMap(([name, field]) => {
    const about = element("span", "quiet", field.description ?? "");
    const row = [
      element("code", "", prefix + name),
      element("code", "", described(field)),
      required.includes(name) ? "required" : "",
      about,
    ];
    const nested = field.type === "array" ? field.items : field;
    return [row, ...(nested.properties ? fieldRows(nested, `${prefix}${name}.`) : [])];
  });
}

function schemaDetails(name, schema) {
  const details = element("details", "schema", element("summary", "", element("code", "", name)));
  details.id = `schema-${name}`;
  if (schema.properties) details.append(table(["Field", "Value", "", "Rule"], fieldRows(schema)));
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
    const media = Object.entries(response.content ?? {});
    const headers = Object.entries(response.headers ?? {});
    return [
      element("strong", "", status),
      response.description,
      element("code", "", media.map(([type, { schema }]) => `${described(schema)} (${type})`).join("\n")),
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
  // Any other text could turn the path into that of another operation.
  if (parameter.in === "path" && parameter.schema.format === "uuid") {
    input.pattern = `\\s*${GUID}\\s*`;
    input.title = "A GUID, for instance 0190a6b2-1111-7abc-8def-0123456789ab.";
  } else if (parameter.in === "header") {
    input.pattern = "[\\x20-\\x7e]*";
    input.title = "Printable ASCII characters.";
  }
  const label = element("label", "", parameter.name, parameter.required ? " (required)" : "");
  label.htmlFor = input.id;
  const about = `${parameter.in}, ${described(parameter.schema)}. ${parameter.description ?? ""}`;
  return element("div", "parameter", label, input, " ", element("span", "quiet", about));
}

// Copies the last id of the path into a body that requires an id, as that of an update does.
function copyIdToBody(operation, form) {
  const last = operation.parameters?.findLast((parameter) => parameter.in === "path");
  const schema = resolved(bodySchema(operation));
  if (!last || !schema?.required?.includes("id")) return;
  const { [last.name]: path, body } = form.elements;
  path.addEventListener("input", () => {
    try {
      const record = { ...JSON.parse(body.value), id: path.value.trim() };
      body.value = JSON.stringify(record, null, 2);
    } catch {
      // The body is not valid JSON at the moment, so its author fills in the id.
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

// The URL and the headers of the request.
function target(path, operation, form) {
  const headers = keyHeader();
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

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// Shows a body with each quoted string isolated, so that right-to-left text does not move the quotes.
function bodyElement(text) {
  const shown = element("pre", "body");
  const parts = escaped(text).split(/"([^"\\]*(?:\\.[^"\\]*)*)"/);
  // Appended one by one, since a page of records has more parts than a call can take arguments.
  parts.forEach((part, index) => {
    if (index % 2) shown.append('"', element("bdi", "", part), '"');
    else shown.append(part);
  });
  return shown;
}

async function send(path, method, operation, form, output) {
  const keyProblem = checkKey();
  if (keyProblem) {
    output.replaceChildren(element("p", "bad", keyProblem));
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
    const started = performance.now();
    const response = await fetch(address, options);
    const text = await response.text();
    const took = `${(performance.now() - started).toFixed(1)} ms`;
    const lines = [...response.headers].flatMap(([name, value]) => [`${name}: `, element("bdi", "", escaped(value)), "\n"]);
    output.replaceChildren(
      element("p", "", element("strong", response.ok ? "good status" : "bad status", `${response.status}`), ` after ${took}`),
      element("pre", "headers", ...lines),
      bodyElement(indented(text)),
    );
  } catch {
    output.replaceChildren(element("p", "bad", "The gateway does not respond."));
  }
}

function tryForm(path, method, operation) {
  const form = element("form");
  for (const parameter of operation.parameters ?? []) form.append(parameterField(operation, parameter));
  if (bodySchema(operation)) form.append(bodyField(operation));
  const output = element("div", "response");
  output.setAttribute("aria-live", "polite");
  form.append(element("button", "", "Send"), output);
  copyIdToBody(operation, form);
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
    element("h4", "", "Responses"),
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
  keepKey();
  byId("access").addEventListener("submit", (event) => event.preventDefault());
  try {
    const response = await fetch("/docs/openapi.json", { cache: "no-store" });
    api = await response.json();
    show();
    if (location.hash) byId(location.hash.slice(1))?.setAttribute("open", "");
  } catch {
    byId("state").textContent = "The OpenAPI document cannot be loaded.";
  }
}

load();
