# Flux on every cluster: one resource block, one apply, as few commits as there are branches.
resource "strata_agent" "flux" {
  for_each = toset(["pre-gke", "prod-gke"])

  cluster = each.key
  version = "2.9.5"

  components_extra = ["image-reflector-controller", "image-automation-controller"]
  registry         = "registry.example.com/mirror/fluxcd"

  # A mirror; without this block, the official release archive.
  source {
    url = "https://mirror.example.com/flux/{version}/manifests.tar.gz"
  }

  # What Flux applies: the delivery's repository, branch and path, with a Secret of your own.
  sync {
    url    = "ssh://git@git.example.com/platform/clusters.git"
    secret = "flux-system"
  }

  delivery {
    git {
      repository = "clusters"
      path       = "clusters/${each.key}"
    }
  }
}
