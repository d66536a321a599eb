data "strata_render" "web" {
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
}

output "images" {
  value = data.strata_render.web.images
}
