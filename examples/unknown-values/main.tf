# Values that other resources bring: the plan shows everything else, field by field.
#
#   terraform plan

terraform {
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

variable "address" {
  description = "Stands for what a cloud would give."
  type        = string
  default     = "203.0.113.7"
}

# Its output is not known before apply, as the address of a new load balancer is not.
resource "terraform_data" "load_balancer" {
  input = var.address
}

resource "strata_release" "web" {
  name      = "web"
  namespace = "shop"
  cluster   = "prod-eu"

  chart {
    path = "chart"
  }

  # What is known stays in files, where the plan shows it in the objects.
  layer {
    name = "production"
    file = "production.yaml"
  }

  # What other resources bring is an object: each of its values may be unknown on its own.
  layer {
    name = "infrastructure"
    values = {
      loadBalancer = {
        enabled = true # decides, and is known
        address = terraform_data.load_balancer.output
      }
      publicUrl = "https://${terraform_data.load_balancer.output}"
    }
  }
}
