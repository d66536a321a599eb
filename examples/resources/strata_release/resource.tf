resource "strata_release" "web" {
  name      = "web"
  namespace = "shop"
  cluster   = "prod-eu"

  chart {
    path = "charts/web"
  }

  # Later layers win; all of them win over the chart's own values.
  layer {
    name = "global"
    file = "values/web/global.yaml"
  }
  layer {
    name     = "environment"
    file     = "values/web/prod.yaml"
    optional = true
  }
  layer {
    name   = "inline"
    values = yamlencode({ replicaCount = 3 })
  }

  delivery {
    git {
      repository = "clusters"
      path       = "clusters/prod-eu/web"
    }
  }
}
