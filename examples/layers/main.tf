terraform {
  required_providers {
    strata = {
      source = "stratahq/strata"
    }
  }
}

variable "repository" {
  description = "Address of the git repository that holds the folder `values`."
  type        = string
}

variable "work_tree" {
  description = "A clone of it, to plan what is not pushed yet."
  type        = string
  default     = null
}

provider "strata" {
  root = path.root

  repository {
    name      = "values"
    url       = var.repository
    ref       = "main"
    work_tree = var.work_tree
  }

  cluster {
    name         = "dev-eu"
    kube_version = "1.34.0"
    labels       = { environment = "dev" }
  }
  cluster {
    name         = "prod-eu"
    kube_version = "1.34.0"
    labels       = { environment = "prod" }
  }

  layout {
    name       = "service"
    repository = "values"
    layer {
      name = "global"
      file = "values/{service}/global.yaml"
    }
    layer {
      name = "environment"
      file = "values/{service}/environment.yaml.gotmpl"
    }
  }
}

resource "strata_release" "web" {
  for_each = toset(["dev-eu", "prod-eu"])
  name     = "web"
  cluster  = each.key
  layout   = "service"
  chart {
    path = "chart"
  }
}
