# Values that must not be seen: neither plan nor state holds them, and their changes show as revisions.
#
#   terraform plan -var database_password=…

terraform {
  required_version = ">= 1.11" # write-only arguments
  required_providers {
    strata = {
      source = "stratahq/strata"
    }
  }
}

provider "strata" {
  root = path.root
  cluster {
    name         = "prod-eu"
    kube_version = "1.34.0"
  }
}

variable "database_password" {
  type      = string
  ephemeral = true # never kept, by Terraform either
}

resource "strata_release" "web" {
  name      = "web"
  namespace = "shop"
  cluster   = "prod-eu"

  chart {
    path = "chart"
  }

  # A file whose values must not be seen; one that is encrypted with SOPS counts as such by itself.
  layer {
    name      = "tokens"
    file      = "tokens.yaml"
    sensitive = true
  }

  # In the configuration only. The version says when the password counts as changed.
  sensitive_values = {
    database = { password = var.database_password }
  }
  sensitive_values_version = "1"
}
