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

  # Names the layers of every release once; a release says `layout = "tenant"`.
  layout {
    name = "tenant"

    layer {
      name = "global"
      file = "values/{service}/global.yaml"
    }
    layer {
      name     = "environment"
      file     = "values/{service}/{environment}.yaml"
      optional = true
    }
    layer {
      name     = "cluster"
      file     = "values/{service}/{cluster}.yaml"
      optional = true
    }
  }

  # A plan beyond these bounds is an error that lists what would go.
  guard {
    max_deleted_objects   = 20
    max_changed_clusters  = 5
    forbid_kinds_deletion = ["StatefulSet"]
  }
}
