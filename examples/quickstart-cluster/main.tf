# One cluster and the agent on it, owned by Terraform.
terraform {
  required_providers {
    strata = {
      source = "stratahq/strata"
    }
  }
}

variable "kubeconfig" {
  description = "The cluster's kubeconfig."
  type        = string
}

variable "agent_source" {
  description = "Where the agent's manifests come from; the official releases where it is null."
  type        = string
  default     = null
}

variable "flux_version" {
  type    = string
  default = "2.9.4"
}

provider "strata" {
  root = path.root

  cluster {
    name = "local"
    kubeconfig {
      path = var.kubeconfig
    }
  }
}

resource "strata_agent" "flux" {
  cluster           = "local"
  version           = var.flux_version
  allow_deletion_of = ["Namespace", "CustomResourceDefinition"]

  source {
    path = var.agent_source
  }

  sync {
    url  = "https://git.example.com/platform/clusters.git"
    path = "clusters/local"
  }

  delivery {
    cluster {
      # This local control plane has no nodes, so that controllers never become ready.
      wait            = false
      force_conflicts = true
    }
  }
}
