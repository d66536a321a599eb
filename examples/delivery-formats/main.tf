terraform {
  required_providers {
    strata = {
      source = "stratahq/strata"
    }
  }
}

variable "repository" {
  description = "Address of the git repository that the clusters read, and that holds the chart."
  type        = string
}

variable "chart_version" {
  description = "Tag of the chart."
  type        = string
  default     = "web-1.4.0"
}

provider "strata" {
  repository {
    name = "clusters"
    url  = var.repository
  }
  cluster {
    name         = "prod-eu"
    kube_version = "1.34.0"
  }
}

locals {
  formats = ["manifests", "helm_release", "argocd_application"]
}

# The same release in each form: what will be on the cluster is the same, what is committed differs.
resource "strata_release" "web" {
  for_each = toset(local.formats)

  name      = "web"
  namespace = "shop"
  cluster   = "prod-eu"

  chart {
    git {
      repository = "clusters"
      path       = "charts/web"
      ref        = "refs/tags/${var.chart_version}"
    }
  }
  layer {
    name   = "inline"
    values = { replicaCount = 3 }
  }

  delivery {
    git {
      repository = "clusters"
      path       = "${each.key}/web"
      format     = each.key
    }
  }
}
