terraform {
  required_providers {
    strata = {
      source = "stratahq/strata"
    }
  }
}

variable "git_token" {
  description = "Token that may push to the clusters repository."
  type        = string
  sensitive   = true
}

provider "strata" {
  root = path.root

  repository {
    name     = "clusters"
    url      = "https://git.example.com/platform/clusters.git"
    branch   = "main"
    password = var.git_token
  }

  cluster {
    name         = "prod-eu"
    kube_version = "1.34.0"
    labels       = { environment = "prod" }
  }
}
