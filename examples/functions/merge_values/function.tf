locals {
  # { replicas = 3, image = { repository = "registry.example.com/web", tag = "1.4.0" } }
  values = provider::strata::merge_values(
    <<-YAML
      replicas: 1
      image:
        repository: registry.example.com/web
        tag: latest
    YAML
    ,
    { replicas = 3, image = { tag = "1.4.0" } },
  )
}

output "values" {
  value = local.values
}
