# `terraform test`: what the fleet renders to, held against what it must. Nothing is delivered, no cluster is needed.

run "every_cluster_gets_every_service" {
  command = plan

  assert {
    condition     = alltrue([for cluster in module.cluster : length(cluster.manifests) == 6]) && length(module.cluster) == 12
    error_message = "The fleet has ${sum([for cluster in module.cluster : length(cluster.manifests)])} releases."
  }
}

run "production_runs_several_of_each" {
  command = plan

  assert {
    condition = alltrue([
      for name, cluster in module.cluster :
      jsondecode(cluster.manifests["search"]["apps/v1/Deployment/shop/search"])["spec.replicas"] >= 2
      if startswith(name, "prod-")
    ])
    error_message = "Search has a single replica in production."
  }

  assert {
    condition     = jsondecode(module.cluster["prod-eu-1"].manifests["gateway"]["autoscaling/v2/HorizontalPodAutoscaler/shop/gateway"])["spec.minReplicas"] == 5
    error_message = "The layer of the cluster does not win over that of the environment."
  }
}

run "only_development_takes_images_from_its_registry" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for cluster in ["stage-eu", "prod-eu-1", "prod-us-1", "prod-ap-1"] :
      [for image in module.cluster[cluster].images : startswith(image, "registry.example.com/")]
    ]))
    error_message = "An image of staging or production is from elsewhere."
  }
}
