"""Stand-ins for terraform, az, curl and sleep.

They note in `calls` how they were called, and do what the test has written into `scene.json`.
`open` holds the addresses that get through to the package account, and `applied` has a line for
each plan that was applied: `part` or `whole`. Few imports, since they start by the hundred."""

import json
import os
import sys
import time


def read(path):
    with open(path) as file:
        return file.read()


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def terraform(arguments, scene, here):
    command = arguments[1]  # after -chdir
    if command == "show":
        files = [argument for argument in arguments[2:] if not argument.startswith("-")]
        print(read(files[0]) if files else json.dumps(scene["state"]))
    elif command == "init":
        if "init_error" in scene:
            print(scene["init_error"], file=sys.stderr)
            return 1
        os.makedirs(os.environ["TF_DATA_DIR"], exist_ok=True)
    elif command == "output":
        outputs = scene["outputs"]
        if arguments[2:] == ["-json"]:
            print(json.dumps({name: {"value": value} for name, value in outputs.items()}))
        else:
            print(outputs[arguments[3]] if arguments[2] == "-raw" else json.dumps(outputs[arguments[3]]))
    elif command == "plan":
        return make_plan(arguments, scene)
    elif command == "apply":
        return apply_plan(json.loads(read(arguments[-1])), scene, here)
    return 0


def make_plan(arguments, scene):
    options = dict(argument.split("=", 1) for argument in arguments if argument.startswith("-") and "=" in argument)
    variables = dict(arguments[i + 1].split("=", 1) for i, argument in enumerate(arguments) if argument == "-var")
    part = "-target" in options
    changes = scene.get("part" if part else "whole", {})
    plan = {
        "format_version": scene.get("plan_format", "1.2"),
        "part": part,
        "open": json.loads(variables.get("package_upload_addresses", "[]")),
        "variables": {
            "environment": {"value": variables["environment"]},
            "packages_private": {"value": scene.get("packages_private", False)},
        },
        "resource_drift": [{"address": address, "change": {"actions": ["update"]}} for address in scene.get("drift", [])],
        "resource_changes": [{"address": address, "change": {"actions": actions}} for address, actions in changes.items()],
        "output_changes": {name: {"actions": ["update"]} for name in scene.get("changed_outputs", [])},
    }
    write(options["-out"], json.dumps(plan))
    print("the plan, with a value of a resource")
    if scene.get("failing") == ("plan part" if part else "plan whole"):
        return 1
    return scene.get("plan_status", 0) if "-detailed-exitcode" in arguments else 0


def apply_plan(plan, scene, here):
    step = "part" if plan["part"] else "whole"
    if plan["part"] and plan["open"]:
        step = "opening"
    elif plan["part"] and os.path.exists(f"{here}/open"):
        step = "shutting"
    # What broke off may have done its work.
    if step != "shutting" or scene.get("failing") != f"apply {step}":
        write(f"{here}/open", "\n".join(plan["open"]))
    if scene.get("failing") == f"apply {step}":
        return 1
    with open(f"{here}/applied", "a") as applied:
        print("part" if plan["part"] else "whole", file=applied)
    return 0


def az(arguments, scene, here):
    if arguments[:3] == ["storage", "blob", "upload"]:
        if scene.get("hanging"):
            write(f"{here}/hangs", "")
            time.sleep(60)
        return scene.get("upload_status", 0)
    if arguments[:2] == ["account", "get-access-token"]:
        print(f"token for {arguments[3]}")
    elif arguments[0] == "rest":
        said = scene["arm"].get(arguments[arguments.index("--url") + 1])
        if said is None:
            return 3
        print(json.dumps(said))
    return 0


def curl(arguments, scene, here):
    credentials = "anonymous"
    if "--header" in arguments:
        header = read(arguments[arguments.index("--header") + 1][1:])
        credentials = header.splitlines()[0].split(": ")[1]
    status, body = scene["answers"].get(f"{credentials} {arguments[-1]}", [0, ""])
    write(arguments[arguments.index("--output") + 1], body)
    print(f"{status:03}", end="")
    return 0 if status else 6


def sleep(arguments, scene, here):
    return 0


if __name__ == "__main__":
    here = os.environ["STAND_INS"]
    with open(f"{here}/calls", "a") as calls:
        print(*sys.argv[1:], file=calls)
    command = {"terraform": terraform, "az": az, "curl": curl, "sleep": sleep}[sys.argv[1]]
    sys.exit(command(sys.argv[2:], json.loads(read(f"{here}/scene.json")), here))
