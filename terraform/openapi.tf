# Which operations the API has. patient-tests-api/openapi.json is written from the code; where there
# is none, the functions themselves say it.

locals {
  app_folder   = "${path.root}/../patient-tests-api"
  openapi_path = "${local.app_folder}/openapi.json"
  openapi      = fileexists(local.openapi_path) ? file(local.openapi_path) : jsonencode(local.openapi_of_functions)

  triggers = {
    for path in fileset(local.app_folder, "functions/*/function.json") :
    basename(dirname(path)) => jsondecode(file("${local.app_folder}/${path}")).bindings[0]
  }

  # A route whose last segment is optional makes two operations: LoadTest, and LoadTests without it.
  operations = flatten([
    for name, trigger in local.triggers : concat(
      [{ id = name, method = lower(trigger.methods[0]), path = "/${replace(trigger.route, "?}", "}")}" }],
      endswith(trigger.route, "?}") ? [{ id = "${name}s", method = lower(trigger.methods[0]), path = "/${dirname(trigger.route)}" }] : [],
    )
  ])

  openapi_of_functions = {
    openapi = "3.0.3"
    info    = { title = "Patient records", version = "1" }
    paths = {
      for route in distinct(local.operations[*].path) : route => merge(
        {
          parameters = [
            for name in flatten(regexall("\\{(\\w+)\\}", route)) :
            { name = name, in = "path", required = true, schema = { type = "string" } }
          ]
        },
        {
          for operation in local.operations : operation.method => {
            operationId = operation.id
            responses   = { default = { description = "See docs/contract.md." } }
          } if operation.path == route
        },
      )
    }
  }
}
