data "strata_values" "web" {
  name      = "web"
  namespace = "shop"
  cluster   = "prod-eu"

  chart {
    path = "charts/web"
  }
  layer {
    name = "global"
    file = "values/web/global.yaml"
  }
  layer {
    name     = "environment"
    file     = "values/web/prod.yaml"
    optional = true
  }
}

# "environment values/web/prod.yaml:1 (shadows chart charts/web/values.yaml:1)"
output "who_decides_replicas" {
  value = data.strata_values.web.provenance["replicaCount"]
}
