# Flux on a cluster. With `for_each` over the clusters, one block serves all of them, in as few commits as there are branches.
resource "strata_agent" "flux" {
  cluster = "prod-eu"
  version = "2.9.5"

  components_extra = ["image-reflector-controller", "image-automation-controller"]
  registry         = "registry.example.com/mirror/fluxcd"

  # What Flux applies: the delivery's branch and path, from an address that the cluster reaches, with a Secret of your own.
  sync {
    url    = "ssh://git@git.example.com/platform/clusters.git"
    secret = "flux-system"
  }

  delivery {
    git {
      repository = "clusters"
      path       = "clusters/prod-eu"
    }
  }
}
