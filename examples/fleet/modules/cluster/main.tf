# Everything that runs on one cluster. What differs between clusters stands in the layers, not here.
terraform {
  required_providers {
    strata = {
      source = "stratahq/strata"
    }
  }
}

variable "name" {
  description = "Name of the cluster."
  type        = string
}

variable "services" {
  description = "Names of the services; the chart of each is charts/NAME."
  type        = set(string)
}

variable "namespace" {
  description = "Namespace of all services."
  type        = string
  default     = "default"
}

variable "repository" {
  description = "Name of the provider's repository that the manifests are committed to; none only renders them."
  type        = string
  default     = null
}

resource "strata_release" "this" {
  for_each = var.services

  name      = each.key
  namespace = var.namespace
  cluster   = var.name
  layout    = "fleet"
  hooks     = "include"

  chart {
    path = "charts/${each.key}"
  }

  dynamic "delivery" {
    for_each = var.repository[*]
    content {
      git {
        repository = delivery.value
        path       = "clusters/${var.name}/${each.key}"
      }
    }
  }
}

output "manifests" {
  description = "Service → key → display form of each object."
  value       = { for service, release in strata_release.this : service => release.manifests }
}

output "images" {
  description = "All images that the cluster runs."
  value       = toset(flatten([for release in strata_release.this : keys(release.images)]))
}
