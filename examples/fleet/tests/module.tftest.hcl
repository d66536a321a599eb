# The module by itself, with a provider that is made up: this tests how it is wired, in no time and without charts.

mock_provider "strata" {
  mock_resource "strata_release" {
    defaults = {
      digest    = "sha256:0"
      manifests = { "v1/ConfigMap/shop/settings" = "{}" }
      images    = { "registry.example.com/shop/web:1" = "Deployment/web" }
    }
  }
}

run "a_release_for_each_service" {
  module {
    source = "./modules/cluster"
  }

  variables {
    name       = "prod-eu-1"
    namespace  = "shop"
    services   = ["web", "worker"]
    repository = "clusters"
  }

  assert {
    condition     = toset(keys(output.manifests)) == toset(["web", "worker"])
    error_message = "A service is missing."
  }
  assert {
    condition     = strata_release.this["web"].delivery.git.path == "clusters/prod-eu-1/web"
    error_message = "The manifests of web go elsewhere."
  }
}

run "no_delivery_without_a_repository" {
  command = plan

  module {
    source = "./modules/cluster"
  }

  variables {
    name     = "dev-1"
    services = ["web"]
  }

  assert {
    condition     = strata_release.this["web"].delivery == null
    error_message = "Something is delivered without a repository."
  }
}
