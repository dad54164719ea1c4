"""Renders the policies as Terraform does, and checks what Terraform cannot: that they are XML, that
their expressions are whole, and that their steps come in the right order."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

POLICIES = pathlib.Path(__file__).parent.parent / "policies"
LOCAL_STACK = POLICIES.parent.parent / "target/debug/local-stack"

ENTRA_ID = {"tenant_id": "tenant", "client_application_ids": ["one", "two"], "audience": "api://x"}

VALUES = {
    "patient_api": {"cache_key": "key"},
    "product": {"calls_per_minute": 600, "calls_per_day": 100000, "health_only": False, "scopes": "a.b a.c"},
    "health_only": {"operations": ["Health", "HealthHead"]},
    "caller": {"body_bytes_max": 1048576, "entra_id": None, "health_only_products": ["monitoring"]},
    "host_key": {"cache_key": "key", "secret_uri": "https://vault/secrets/key", "cache_seconds_max": 3600},
    "host_refusal": {},
    "problem": {},
}

# Every element that API Management is asked to know. A new one is looked up, then added here.
ELEMENTS = set(
    """policies fragment inbound backend outbound on-error base include-fragment choose when
    otherwise retry forward-request send-request set-url set-method set-header set-body set-status
    set-variable set-query-parameter value return-response cache-lookup-value cache-store-value
    cache-remove-value authentication-managed-identity rate-limit quota validate-azure-ad-token
    client-application-ids application-id audiences audience""".split()
)


def render_all(files):
    """What Terraform makes of files, each given as its name and its values."""
    calls = [
        f'templatefile("{(POLICIES / file).resolve()}", jsondecode({json.dumps(json.dumps(values))}))'
        for file, values in files
    ]
    with tempfile.TemporaryDirectory() as folder:
        answer = subprocess.run(
            ["terraform", f"-chdir={folder}", "console"],
            input=f"jsonencode([{', '.join(calls)}])\n",
            capture_output=True, text=True, check=True, timeout=60,
        )
    return json.loads(json.loads(answer.stdout.strip().splitlines()[-1]))


def render(name, **changes):
    return render_all([(f"{name}.xml.tftpl", VALUES[name] | changes)])[0]


RENDERED = {name: render(name) for name in VALUES} | {
    "caller with Entra ID": render("caller", entra_id=ENTRA_ID),
    "product of the monitoring": render("product", health_only=True),
    "health_only without operations": render("health_only", operations=[]),
}
PARSED = {name: ElementTree.fromstring(text) for name, text in RENDERED.items()}


def expressions(root):
    for element in root.iter():
        for text in [element.text or "", *element.attrib.values()]:
            if text.strip().startswith("@"):
                yield text.strip()


def forbids_caching(element):
    """Whether a step sets `Cache-Control: no-store`, whatever was there."""
    what = (element.tag, element.get("name"), element.get("exists-action"), element.findtext("value"))
    return what == ("set-header", "Cache-Control", "override", "no-store")


def steps(root):
    """Element names in order, each with what it is about."""
    about = ("name", "key", "fragment-id", "resource", "response-variable-name")
    return [(e.tag, next((e.get(a) for a in about if e.get(a)), "")) for e in root.iter()]


class Policies(unittest.TestCase):
    def test_every_template_is_covered(self):
        self.assertEqual({path.name.split(".")[0] for path in POLICIES.iterdir()}, set(VALUES))

    def test_the_local_gateway_renders_them_as_terraform_does(self):
        self.assertTrue(LOCAL_STACK.is_file(), "cargo build --workspace has not built local-stack")
        printed = subprocess.run([LOCAL_STACK, "policies"], capture_output=True, text=True, check=True, timeout=60)
        renderings = json.loads(printed.stdout)
        self.assertEqual({r["file"] for r in renderings}, {path.name for path in POLICIES.iterdir()})
        for rendering, text in zip(renderings, render_all([(r["file"], r["values"]) for r in renderings])):
            self.assertEqual(rendering["text"], text, rendering["file"])

    def test_only_known_elements_are_used(self):
        for name, root in PARSED.items():
            self.assertLessEqual({element.tag for element in root.iter()}, ELEMENTS, name)

    def test_nothing_is_left_of_the_template(self):
        for name, text in RENDERED.items():
            self.assertNotRegex(text, r"\$\{|%\{", name)

    def test_expressions_are_whole(self):
        found = [(name, e) for name, root in PARSED.items() for e in expressions(root)]
        self.assertGreaterEqual(len(found), 12)
        for name, expression in found:
            self.assertTrue(
                re.fullmatch(r"@\(.*\)|@\{.*\}", expression, re.DOTALL), f"{name}: {expression}"
            )
            outside = re.sub(r'"[^"]*"', '""', expression)
            self.assertNotIn('"', outside.replace('""', ""), f"{name}: a string is open in {expression}")
            for left, right in ("()", "{}", "[]"):
                self.assertEqual(outside.count(left), outside.count(right), f"{name}: {expression}")

    def test_an_expression_in_an_attribute_needs_no_double_quotes_around_it(self):
        # In the file itself: an attribute in double quotes would end at the first quote inside.
        for path in POLICIES.iterdir():
            for attribute in re.findall(r'="@[^"]*"', path.read_text()):
                self.assertNotIn("[", attribute, f"{path.name}: {attribute}")

    def test_every_answer_of_the_gateway_names_its_request(self):
        bodies = [e.text for root in PARSED.values() for e in root.iter("set-body")]
        self.assertGreaterEqual(len(bodies), 5)
        for body in bodies:
            members = re.findall(r'new JProperty\("(\w+)"', body)
            self.assertEqual(members, ["type", "title", "status", "detail", "traceId"], body)
            self.assertIn('new JProperty("traceId", context.RequestId.ToString("N"))', body)
            self.assertIn('"urn:problem:patient-records:', body)

    def test_every_answer_of_the_gateway_is_a_problem(self):
        for name, root in PARSED.items():
            for answer in root.iter("return-response"):
                types = [h.find("value").text for h in answer.iter("set-header") if h.get("name") == "Content-Type"]
                self.assertEqual(types, ["application/problem+json"], name)

    def test_no_cache_may_keep_an_answer(self):
        answers = [(name, a) for name, root in PARSED.items() for a in root.iter("return-response")]
        self.assertGreaterEqual(len(answers), 4)
        for name, answer in answers:
            self.assertEqual([forbids_caching(step) for step in answer].count(True), 1, name)
        outbound = [child for child in PARSED["patient_api"].find("outbound") if child.tag != "base"]
        self.assertTrue(forbids_caching(outbound[0]), "before anything that returns")
        self.assertIn(True, map(forbids_caching, PARSED["problem"]), "on every error, whichever it is")
        headers = [h for root in PARSED.values() for h in root.iter("set-header") if h.get("name") == "Cache-Control"]
        self.assertTrue(all(map(forbids_caching, headers)))

    def test_callers_are_stripped_before_they_are_named(self):
        for name in ("caller", "caller with Entra ID"):
            headers = [(h.get("name"), h.get("exists-action")) for h in PARSED[name].findall("set-header")]
            for header in ("X-Caller-Subscription", "X-Caller-Organisation", "X-Caller-Address", "X-Caller-Scopes"):
                self.assertLess(headers.index((header, "delete")), headers.index((header, "override")))
            self.assertIn(("x-functions-key", "delete"), headers)

    def test_a_token_is_checked_before_anything_else(self):
        first = PARSED["caller with Entra ID"][0]
        self.assertEqual([child.tag for child in first], ["when"], "no other way in")
        self.assertEqual([child.tag for child in first.find("when")], ["validate-azure-ad-token"])

    def test_only_who_may_ask_for_nothing_but_health_needs_no_token(self):
        condition = PARSED["caller with Entra ID"][0].find("when").get("condition")
        self.assertEqual(condition, '@(true && context.Product?.Id != "monitoring")')
        everybody = ElementTree.fromstring(render("caller", entra_id=ENTRA_ID, health_only_products=[]))
        self.assertEqual(everybody[0].find("when").get("condition"), "@(true)")

    def test_a_user_is_named_from_a_checked_token_only(self):
        caller = PARSED["caller with Entra ID"]
        for name in ("X-Caller-User", "X-Caller-Client", "X-Caller-Roles"):
            named = [when for when in caller.iter("when") if when.find(f"set-header[@name='{name}']") is not None]
            self.assertEqual([when.get("condition") for when in named], ['@(context.Variables.ContainsKey("token"))'])
            deleted = [h.get("exists-action") for h in caller.findall("set-header") if h.get("name") == name]
            self.assertEqual(deleted, ["delete"])

    def test_the_scopes_come_from_the_product_and_are_never_empty(self):
        variable = PARSED["product"].find("inbound/set-variable")
        self.assertEqual((variable.get("name"), variable.get("value")), ("scopes", "a.b a.c"))
        for name in ("caller", "caller with Entra ID"):
            [scopes] = [h.findtext("value") for h in PARSED[name].iter("set-header")
                        if (h.get("name"), h.get("exists-action")) == ("X-Caller-Scopes", "override")]
            self.assertEqual(scopes, '@(context.Variables.GetValueOrDefault<string>("scopes", "none"))')

    def test_each_subscription_is_counted_before_anything_else(self):
        for name, last in ("product", []), ("product of the monitoring", ["include-fragment"]):
            inbound = PARSED[name].find("inbound")
            self.assertEqual([step.tag for step in inbound], ["base", "rate-limit", "quota", "set-variable", *last], name)
        self.assertEqual(inbound[-1].get("fragment-id"), "health-only")

    def test_the_key_of_the_monitoring_asks_for_health_and_nothing_else(self):
        [choose] = PARSED["health_only"]
        [when] = choose
        self.assertEqual(when.get("condition"), "@(true" + "".join(
            f' && !string.Equals(context.Operation.Id, "{id}", StringComparison.OrdinalIgnoreCase)'
            for id in ("Health", "HealthHead")) + ")")
        [answer] = when
        self.assertEqual(answer.tag, "return-response")
        self.assertEqual(answer.find("set-status").get("code"), "403")
        self.assertIn('"urn:problem:patient-records:forbidden"', answer.findtext("set-body"))

    def test_without_a_health_operation_the_monitoring_may_do_nothing(self):
        self.assertEqual(PARSED["health_only without operations"].find("choose/when").get("condition"), "@(true)")

    def test_the_key_comes_from_the_cache_else_from_the_vault(self):
        wanted = [
            ("set-variable", "hostKey"),
            ("cache-lookup-value", "key"),
            ("send-request", "vaultResponse"),
            ("authentication-managed-identity", "https://vault.azure.net"),
            ("set-variable", "hostKey"),
            ("cache-store-value", "key"),
            ("set-header", "x-functions-key"),
        ]
        self.assertEqual([step for step in steps(PARSED["host_key"]) if step in wanted], wanted)

    def test_a_cache_miss_leaves_no_key_behind(self):
        # Inside the retry the variable still holds the refused key.
        empty, lookup, choose = list(PARSED["host_key"])[:3]
        self.assertEqual((empty.tag, empty.get("name"), empty.get("value")), ("set-variable", "hostKey", "@(string.Empty)"))
        self.assertEqual((lookup.tag, lookup.get("variable-name")), ("cache-lookup-value", "hostKey"))
        self.assertNotIn("default-value", lookup.attrib, "the reference contradicts itself on what it does")
        self.assertEqual(choose.find("when").get("condition"),
                         '@(string.IsNullOrEmpty(context.Variables.GetValueOrDefault<string>("hostKey", "")))')

    def test_without_a_key_nothing_is_forwarded(self):
        self.assertEqual(PARSED["host_key"].find(".//otherwise/return-response/set-status").get("code"), "503")

    def test_the_caller_is_stripped_before_the_key_is_put_on(self):
        fragments = [e.get("fragment-id") for e in PARSED["patient_api"].find("inbound").iter("include-fragment")]
        self.assertEqual(fragments, ["caller", "host-key"])

    def test_a_refused_key_is_dropped_fetched_again_and_tried_once_more(self):
        backend = PARSED["patient_api"].find("backend")
        self.assertEqual([child.tag for child in backend], ["retry"], "a backend section holds one policy")
        retry = backend[0]
        self.assertEqual((retry.get("count"), retry.get("first-fast-retry")), ("1", "true"))
        self.assertEqual(retry.get("condition"), "@(context.Response.StatusCode == 401)")
        self.assertEqual([child.tag for child in retry], ["choose", "forward-request"])
        self.assertEqual(retry.find("choose/when").get("condition"), "@(context.Response?.StatusCode == 401)")
        again = [child.tag for child in retry.find("choose/when")]
        self.assertEqual(again, ["cache-remove-value", "include-fragment"])

    def test_a_caller_is_not_blamed_for_the_gateways_key(self):
        [refused] = [when for when in PARSED["host_refusal"].iter("when") if "StatusCode == 401" in when.get("condition")]
        self.assertEqual(refused.find("return-response/set-status").get("code"), "503")
        outbound = PARSED["patient_api"].find("outbound")
        self.assertEqual(outbound[-1].get("fragment-id"), "host-refusal", "after what may never be missing")

    def test_bodies_are_buffered_and_redirects_are_the_callers_business(self):
        forward = PARSED["patient_api"].find(".//forward-request")
        self.assertEqual((forward.get("buffer-request-body"), forward.get("follow-redirects")), ("true", "false"))

    def test_errors_end_in_the_problem_fragment(self):
        self.assertEqual([(e.tag, e.get("fragment-id")) for e in PARSED["patient_api"].find("on-error")],
                         [("base", None), ("include-fragment", "problem")])


if __name__ == "__main__":
    unittest.main()
