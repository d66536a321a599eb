terraform {
  required_version = ">= 1.8"

  required_providers {
    strata = {
      source = "stratahq/strata"
    }
  }
}

variable "repository" {
  description = "URL of the git repository that the clusters read their manifests from; without one, releases are only rendered."
  type        = string
  default     = null
}

locals {
  # Clusters and layers stand in one file that the `strata` command reads, too.
  fleet = yamldecode(file("${path.root}/strata.yaml"))

  # A service is a chart: there is no list to keep.
  services = toset([for chart in fileset("${path.root}/charts", "*/Chart.yaml") : dirname(chart)])
}

provider "strata" {
  root = path.root

  dynamic "repository" {
    for_each = var.repository[*]
    content {
      name   = "clusters"
      url    = repository.value
      branch = "main"
    }
  }

  dynamic "cluster" {
    for_each = local.fleet.clusters
    content {
      name         = cluster.key
      kube_version = cluster.value.kube_version
      labels       = cluster.value.labels
    }
  }

  layout {
    name = "fleet"

    dynamic "layer" {
      for_each = local.fleet.layers
      content {
        name     = layer.value.name
        file     = layer.value.file
        optional = try(layer.value.optional, false)
      }
    }
  }
}

module "cluster" {
  source   = "./modules/cluster"
  for_each = local.fleet.clusters

  name       = each.key
  namespace  = local.fleet.namespace
  services   = local.services
  repository = var.repository == null ? null : "clusters"
}
