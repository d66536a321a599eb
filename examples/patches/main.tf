terraform {
  required_providers {
    strata = {
      source = "stratahq/strata"
    }
  }
}

provider "strata" {
  root = "${path.root}/../quickstart"

  cluster {
    name         = "prod-eu"
    kube_version = "1.34.0"
  }
}

# The chart has no values for a proxy, a priority or an annotation that only this cluster needs.
resource "strata_release" "web" {
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

  # A strategic merge patch names its object itself. Containers merge by name: this one comes in front of the chart's.
  patch {
    patch = yamlencode({
      apiVersion = "apps/v1"
      kind       = "Deployment"
      metadata   = { name = "web" }
      spec = {
        template = {
          spec = {
            priorityClassName = "shop"
            containers = [{
              name  = "proxy"
              image = "registry.example.com/proxy:2.1"
              ports = [{ name = "proxy", containerPort = 8443 }]
            }]
          }
        }
      }
    })
  }

  # With a target, one patch is for all that match it.
  patch {
    target {
      kind = "Deployment|Service"
    }
    patch = <<-EOT
      metadata:
        annotations:
          shop.example.com/owner: payments
    EOT
  }

  # A JSON patch needs a target; `~1` stands for a slash in a name.
  patch {
    target {
      kind = "Service"
      name = "web"
    }
    patch = <<-EOT
      - op: add
        path: /metadata/annotations/service.beta.kubernetes.io~1aws-load-balancer-type
        value: nlb
    EOT
  }
}
