terraform {
  required_providers {
    strata = {
      source = "stratahq/strata"
    }
  }
}

variable "repository" {
  description = "URL of the git repository that the clusters read their manifests from."
  type        = string
}

locals {
  clusters = {
    dev-1   = { environment = "dev" }
    prod-eu = { environment = "prod" }
    prod-us = { environment = "prod" }
  }
  services = ["web", "worker"]

  releases = {
    for pair in setproduct(keys(local.clusters), local.services) :
    "${pair[0]}/${pair[1]}" => {
      cluster     = pair[0]
      environment = local.clusters[pair[0]].environment
      service     = pair[1]
    }
  }
}

provider "strata" {
  root = path.root

  repository {
    name   = "clusters"
    url    = var.repository
    branch = "main"
  }

  dynamic "cluster" {
    for_each = local.clusters
    content {
      name         = cluster.key
      kube_version = "1.34.0"
      labels       = { environment = cluster.value.environment }
    }
  }
}

resource "strata_release" "this" {
  for_each = local.releases

  name      = each.value.service
  namespace = "shop"
  cluster   = each.value.cluster

  chart {
    path = "charts/${each.value.service}"
  }

  layer {
    name = "global"
    file = "values/${each.value.service}/global.yaml"
  }
  layer {
    name     = "environment"
    file     = "values/${each.value.service}/${each.value.environment}.yaml"
    optional = true
  }
  layer {
    name     = "cluster"
    file     = "values/${each.value.service}/${each.value.cluster}.yaml"
    optional = true
  }

  delivery {
    git {
      repository = "clusters"
      path       = "clusters/${each.value.cluster}/${each.value.service}"
    }
  }
}
